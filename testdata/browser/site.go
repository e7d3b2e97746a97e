// Package browser looks at the site with the eyes, the keyboard and the screen reader of a
// visitor: Debian's Chromium against the program with the lab's example domains. The tests
// of this folder and the program that makes pictures of all pages share it.
package browser

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Site is the program under test, serving the lab on a loopback address.
type Site struct {
	URL string // scheme, host and port

	dir    string // of this run: the program, its reports
	cmd    *exec.Cmd
	client *http.Client
	mu     sync.Mutex
	log    strings.Builder
	logged chan struct{} // closed when the program has closed its log
	ageing sync.Mutex
	aged   map[string]bool // domains that were given a past
}

var opened = regexp.MustCompile(`msg="mxseal is open" address=(\S+)`)

// Serve builds the program and starts it. dir is a folder of this run. Close is due if the
// error is nil. The program dies with this process, however that ends.
func Serve(dir string) (*Site, error) {
	program := filepath.Join(dir, "mxseal")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, "mxseal/cmd/mxseal").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	s := &Site{dir: dir, client: visitor(2), logged: make(chan struct{}), aged: make(map[string]bool)}
	s.cmd = exec.Command(program, "serve", "--lab", "--listen", "127.0.0.1:0", "--admin-listen=", "--data", filepath.Join(dir, "data"))
	s.cmd.Dir = dir
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	address := make(chan string, 1)
	go s.listen(stderr, address)
	select {
	case a := <-address:
		s.URL = "http://" + a
		return s, nil
	case <-s.logged:
		err = s.cmd.Wait()
	case <-time.After(30 * time.Second):
		err = s.Close()
	}
	return nil, fmt.Errorf("mxseal serve did not open (%v):\n%s", err, s.Log())
}

// listen keeps what the program logs, and reports the address once.
func (s *Site) listen(stderr io.Reader, address chan<- string) {
	defer close(s.logged)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		s.mu.Lock()
		fmt.Fprintln(&s.log, lines.Text())
		s.mu.Unlock()
		if m := opened.FindStringSubmatch(lines.Text()); m != nil {
			select {
			case address <- m[1]:
			default:
			}
		}
	}
}

// Log is what the program has said on standard error.
func (s *Site) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// Close ends the program: politely, after five seconds for good, as nobody reads the report
// of a check that still runs. The error is the program's, when it ended otherwise than asked.
func (s *Site) Close() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	killed := time.AfterFunc(5*time.Second, func() { s.cmd.Process.Kill() })
	<-s.logged
	err := s.cmd.Wait()
	if !killed.Stop() {
		return nil
	}
	return err
}

// By is the same site for another visitor, who has a rate limit of his own.
func (s *Site) By(n byte) *Site { return &Site{URL: s.URL, client: visitor(n)} }

// visitor is an HTTP client with an address of its own, so that what it asks for does not
// count against the browser's rate limit.
func visitor(n byte) *http.Client {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, n, 2)}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true},
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Start asks for a check of a domain and does not wait for its report.
func (s *Site) Start(ctx context.Context, domain string) error {
	body := strings.NewReader(url.Values{"domain": {domain}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/check", body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.ask(r, http.StatusSeeOther, nil)
}

// Report waits for the report of a domain whose check was started; it returns its id.
func (s *Site) Report(ctx context.Context, domain string) (string, error) {
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/check/"+domain, nil)
		if err != nil {
			return "", err
		}
		r.Header.Set("Accept", "application/json")
		var report struct{ ID string }
		err = s.ask(r, http.StatusOK, &report)
		if err == nil {
			return report.ID, nil
		}
		if wrong, ok := err.(*unexpected); !ok || wrong.status != http.StatusAccepted {
			return "", err
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no report of %s: %w", domain, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// unexpected is an answer with another status than was asked for.
type unexpected struct {
	asked  string
	status int
	body   string
}

func (u *unexpected) Error() string {
	return fmt.Sprintf("%s: status %d: %s", u.asked, u.status, u.body)
}

func (s *Site) ask(r *http.Request, status int, into any) error {
	resp, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != status {
		return &unexpected{r.Method + " " + r.URL.Path, resp.StatusCode, string(body[:min(len(body), 300)])}
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}

// Axe is the source of axe-core where install.sh has put it.
func Axe() (string, error) {
	cache := cmp.Or(os.Getenv("MXSEAL_BROWSER_CACHE"), "/var/cache/mxseal-browser")
	b, err := os.ReadFile(filepath.Join(cache, "node_modules/axe-core/axe.min.js"))
	if err != nil {
		return "", fmt.Errorf("%w: run testdata/browser/install.sh as root first", err)
	}
	return string(b), nil
}
