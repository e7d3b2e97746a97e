package daemon

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Build makes the program under test in a folder, of this tree.
func Build(dir string) (binary string, err error) {
	binary = filepath.Join(dir, "mxseal")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "mxseal/cmd/mxseal").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
}

// Site is a running “mxseal serve”. It dies with this process, however that ends.
type Site struct {
	URL   string // scheme, host and port
	Admin string // the same of the listener for operators

	cmd    *exec.Cmd
	mu     sync.Mutex
	log    strings.Builder
	logged chan struct{} // closed when the program has closed its log
}

var opened = regexp.MustCompile(`msg="(mxseal is open|metrics and profiles)" address=(\S+)`)

// Serve starts the program at free ports of the loopback and waits until it is open. The error holds what
// it said when it ended instead. Environment is added to an empty one.
func Serve(binary, data string, environment []string, flags ...string) (*Site, error) {
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", data}, flags...)
	s := &Site{cmd: exec.Command(binary, args...), logged: make(chan struct{})}
	s.cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=" + filepath.Dir(binary)}, environment...)
	s.cmd.Dir = filepath.Dir(binary)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	found := make(chan [2]string, 1)
	go s.listen(stderr, found)
	select {
	case at := <-found:
		s.URL, s.Admin = at[0], at[1]
		return s, nil
	case <-s.logged:
		err = s.cmd.Wait()
	case <-time.After(patience):
		err = errors.Join(fmt.Errorf("not open after %v", patience), s.Kill())
	}
	return nil, fmt.Errorf("mxseal serve: %w\n%s", err, s.Log())
}

// listen keeps what the program logs, and reports both addresses once.
func (s *Site) listen(stderr io.Reader, found chan<- [2]string) {
	defer close(s.logged)
	var at [2]string
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		s.mu.Lock()
		fmt.Fprintln(&s.log, lines.Text())
		s.mu.Unlock()
		m := opened.FindStringSubmatch(lines.Text())
		switch {
		case m == nil || at[0] != "" && at[1] != "":
			continue
		case m[1] == "mxseal is open":
			at[0] = "http://" + m[2]
		default:
			at[1] = "http://" + m[2]
		}
		if at[0] != "" && at[1] != "" {
			found <- at
		}
	}
}

// Log is what the program has said on standard error.
func (s *Site) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// PID is the number of its process.
func (s *Site) PID() int { return s.cmd.Process.Pid }

// Kill ends the program as the kernel does when memory runs out.
func (s *Site) Kill() error {
	if err := s.cmd.Process.Kill(); err != nil {
		return err
	}
	<-s.logged
	s.cmd.Wait() // says that it was killed
	return nil
}

// ErrKilled says that a program did not end by itself.
var ErrKilled = errors.New("it had to be killed")

// Stop asks the program to end and waits until it has, after a while for good. The error is the program's.
func (s *Site) Stop(after time.Duration) error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	last := time.AfterFunc(after, func() { s.cmd.Process.Kill() })
	<-s.logged
	err := s.cmd.Wait()
	if !last.Stop() {
		return ErrKilled
	}
	return err
}

// Lab is a running “mxseal lab”: the example internet on loopback sockets. It dies with this process.
type Lab struct {
	Resolver    string
	TrustAnchor string   `json:"trust_anchor"` // a file
	CAFile      string   `json:"ca_file"`
	SMTPPort    int      `json:"smtp_port"`
	STSPort     int      `json:"sts_port"`
	AllowNets   []string `json:"allow_nets"`
	Domains     []struct{ Name, Letter string }

	cmd *exec.Cmd
}

// OpenLab starts the lab at some ports and reads where it is.
func OpenLab(binary string, dns, smtp, sts string) (*Lab, error) {
	l := &Lab{cmd: exec.Command(binary, "lab", "--format", "json", "--dns-port", dns, "--smtp-port", smtp, "--sts-port", sts)}
	l.cmd.Stderr = os.Stderr
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	if err := json.NewDecoder(out).Decode(l); err != nil {
		l.Close()
		return nil, fmt.Errorf("mxseal lab: %w", err)
	}
	return l, nil
}

// Close ends the lab.
func (l *Lab) Close() {
	l.cmd.Process.Signal(os.Interrupt)
	l.cmd.Wait()
}
