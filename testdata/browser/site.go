// Package browser looks at the site with the eyes, the keyboard and the screen reader of a
// visitor: Debian's Chromium against the program with the lab's example domains. The tests
// of this folder and the program that makes pictures of all pages share it.
package browser

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mxseal/testdata/daemon"
)

// Site is the program under test, serving the lab on a loopback address.
type Site struct {
	URL string // scheme, host and port

	dir     string // of this run: its reports
	binary  string
	program *daemon.Site
	client  *http.Client
	ageing  sync.Mutex
	aged    map[string]bool // domains that were given a past
	tests   atomic.Int32    // of senders, so far
}

// Serve builds the program and starts it. dir is a folder of this run. Close is due if the
// error is nil. The program dies with this process, however that ends.
func Serve(dir string) (*Site, error) {
	binary, err := daemon.Build(dir)
	if err != nil {
		return nil, err
	}
	return serve(binary, dir)
}

// Beside starts the same program as another site, with more flags, as Serve does.
func (s *Site) Beside(dir string, flags ...string) (*Site, error) {
	return serve(s.binary, dir, flags...)
}

func serve(binary, dir string, flags ...string) (*Site, error) {
	p, err := daemon.Serve(binary, filepath.Join(dir, "data"), nil, append(flags, "--lab")...)
	if err != nil {
		return nil, err
	}
	return &Site{URL: p.URL, dir: dir, binary: binary, program: p, client: visitor(2), aged: make(map[string]bool)}, nil
}

// Log is what the program has said on standard error.
func (s *Site) Log() string { return s.program.Log() }

// Close ends the program: politely, after five seconds for good, as nobody reads the report
// of a check that still runs. The error is the program's, when it ended otherwise than asked.
func (s *Site) Close() error {
	err := s.program.Stop(5 * time.Second)
	if errors.Is(err, daemon.ErrKilled) {
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
	_, err := s.send(ctx, "/check", url.Values{"domain": {domain}})
	return err
}

// send sends a form, and returns where its answer leads.
func (s *Site) send(ctx context.Context, path string, form url.Values) (at string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := s.client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
		return "", &unexpected{r.Method + " " + r.URL.Path, resp.StatusCode, string(body)}
	}
	return resp.Header.Get("Location"), nil
}

// TestSender starts a test of a sender for a visitor of its own, lets a simulated one of a kind loose, and waits
// until so many traps are decided. It returns the address of the page.
func (s *Site) TestSender(ctx context.Context, kind string, decided int) (at string, err error) {
	ctx, stop := context.WithTimeout(ctx, 3*time.Minute)
	defer stop()
	if at, err = s.By(byte(100+s.tests.Add(1)%100)).send(ctx, "/sender", nil); err != nil || kind == "" {
		return at, err
	}
	if _, err := s.send(ctx, at+"/simulate", url.Values{"kind": {kind}}); err != nil {
		return "", err
	}
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/v1/senders"+strings.TrimPrefix(at, "/sender"), nil)
		if err != nil {
			return "", err
		}
		var test struct{ Verdict struct{ Decided int } }
		if err := s.ask(r, http.StatusOK, &test); err != nil || test.Verdict.Decided >= decided {
			return at, err
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%d traps are decided: %w", test.Verdict.Decided, ctx.Err())
		case <-time.After(500 * time.Millisecond):
		}
	}
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
