package main

import (
	"bufio"
	"bytes"
	"context"
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
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mxseal/web/store/sqlite"
)

// TestMain lets the test binary be the program itself, as a process that takes signals.
func TestMain(m *testing.M) {
	if os.Getenv("MXSEAL_TEST_MAIN") != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"mxseal": main}) // the scripts call it by its name
}

// served is “mxseal serve --lab” as a process of its own. Its resolver is nobody, so that it
// asks no network.
type served struct {
	*exec.Cmd
	t      *testing.T
	data   string
	public string        // URL of the site
	admin  string        // URL of the operator's listener; empty without
	over   chan struct{} // closed when it has ended
	mu     sync.Mutex
	log    bytes.Buffer
}

const patience = time.Minute // for what takes seconds

func start(t *testing.T, env []string, args ...string) *served {
	t.Helper()
	return started(t, env, nil, args...)
}

// started is start with sockets that systemd would pass.
func started(t *testing.T, env []string, sockets []*os.File, args ...string) *served {
	t.Helper()
	p := &served{t: t, data: filepath.Join(t.TempDir(), "data"), over: make(chan struct{})}
	args = append([]string{"serve", "--lab", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", p.data, "--resolver", "127.0.0.1:9"}, args...)
	p.Cmd = exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ exec "$0" "$@"`, os.Args[0]}, args...)...)
	p.ExtraFiles = sockets
	p.Env = append(append(os.Environ(), "MXSEAL_TEST_MAIN=1"), env...)
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.mu.Lock()
			fmt.Fprintln(&p.log, lines.Text())
			p.mu.Unlock()
		}
	}()
	go func() { <-read; p.Wait(); close(p.over) }()
	t.Cleanup(func() { p.Process.Kill(); <-p.over })
	p.public = "http://" + p.says(`msg="mxseal is open" address=(\S+)`)
	if !strings.Contains(strings.Join(args, " "), "--admin-listen=") {
		p.admin = "http://" + p.says(`msg="metrics and profiles" address=(\S+)`)
	}
	return p
}

func (p *served) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// says waits for a line of the log and returns what the expression brackets in it.
func (p *served) says(expression string) string {
	p.t.Helper()
	line := regexp.MustCompile(expression)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if m := line.FindStringSubmatch(p.said()); m != nil {
			return m[len(m)-1]
		}
		select {
		case <-p.over:
			p.t.Fatalf("it ended:\n%s", p.said())
		default:
		}
	}
	p.t.Fatalf("it never says %s:\n%s", expression, p.said())
	return ""
}

// signal sends a signal, and waits for the end of the program.
func (p *served) signal(s os.Signal) syscall.WaitStatus {
	p.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.over:
	case <-time.After(patience):
		p.t.Fatalf("it does not end:\n%s", p.said())
	}
	return p.ProcessState.Sys().(syscall.WaitStatus)
}

// get returns status and body of an address; status 0 where nobody answers.
func get(t *testing.T, address string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(body)
}

func (p *served) post(domain string) {
	p.t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.PostForm(p.public+"/check", url.Values{"domain": {domain}})
	if err != nil {
		p.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		p.t.Fatalf("%s: %d", domain, resp.StatusCode)
	}
}

// systemd stands in for the one who waits for READY=1.
func systemd(t *testing.T) (env string, hears func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return "NOTIFY_SOCKET=" + path, func() string {
		buffer := make([]byte, 100)
		l.SetReadDeadline(time.Now().Add(patience))
		n, _, err := l.ReadFrom(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
}

func TestSIGTERMInTheMiddle(t *testing.T) {
	env, hears := systemd(t)
	p := start(t, []string{env}, "--shutdown-timeout", "2s")
	if s := hears(); s != "READY=1" {
		t.Errorf("systemd hears %q", s)
	}
	slow := []string{"silent.test", "slow.test"} // a minute and more
	quick := []string{"perfect.test", "dane.test", "sts.test", "certificate.test", "no-starttls.test", "expired.test", "null-mx.test"}
	for _, d := range append(slow, quick...) {
		p.post(d)
	}
	resp, err := http.Get(p.public + "/check/silent.test/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // one has ended, some may be under way
		if status, _ := get(t, p.public+"/check/null-mx.test", "Accept", "application/json"); status == 200 {
			break
		} else if time.Now().After(end) {
			t.Fatalf("no report: %d\n%s", status, p.said())
		}
	}
	if status := p.signal(syscall.SIGTERM); !status.Exited() || status.ExitStatus() != exitOK {
		t.Errorf("it ended with %v\n%s", p.ProcessState, p.said())
	}
	if s := hears(); s != "STOPPING=1" {
		t.Errorf("systemd hears %q", s)
	}
	events, err := io.ReadAll(resp.Body)
	if _, end, ended := strings.Cut(string(events), "event: done\ndata: "); err != nil || !ended || !strings.HasSuffix(end, "}\n\n") {
		t.Errorf("who listens to a check hears at the end %q, %v", events[max(0, len(events)-100):], err)
	}
	for _, address := range []string{p.public, p.admin + "/metrics"} {
		if status, _ := get(t, address); status != 0 {
			t.Errorf("%s still answers: %d", address, status)
		}
	}

	reports, err := sqlite.Open(filepath.Join(p.data, "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer reports.Close()
	if n, err := reports.Reports(t.Context()); n != int64(len(slow)+len(quick)) || err != nil {
		t.Errorf("%d reports are kept, %v; want one of every check that was begun", n, err)
	}
	for i, d := range append(slow, quick...) {
		r, err := reports.Latest(context.Background(), d)
		if err != nil {
			t.Errorf("%s: %v", d, err)
			continue
		}
		if r.Grade == nil || len(r.Findings) == 0 {
			t.Errorf("%s: half a report", d)
		}
		if i < len(slow) && r.Interrupted == "" {
			t.Errorf("%s: its report does not say that the check was stopped", d)
		}
	}
}

func TestASecondSignalEndsItAtOnce(t *testing.T) {
	p := start(t, nil, "--shutdown-timeout", "1h")
	p.post("silent.test")
	if err := p.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	p.says("(closing)")
	if status, _ := get(t, p.admin+"/metrics"); status != 200 {
		t.Errorf("while it closes the operator sees nothing: %d", status)
	}
	if status := p.signal(syscall.SIGTERM); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v\n%s", p.ProcessState, p.said())
	}
	reports, err := sqlite.Open(filepath.Join(p.data, "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer reports.Close()
	if n, err := reports.Reports(t.Context()); n != 0 || err != nil {
		t.Errorf("%d reports, %v; want none of a check that was not allowed to end", n, err)
	}
}

func TestTheAdminListenerIsApart(t *testing.T) {
	p := start(t, nil)
	p.post("null-mx.test")
	for path, says := range map[string]string{
		"/metrics":                        "mxseal_build_info",
		"/debug/pprof/":                   "goroutine",
		"/debug/pprof/goroutine?debug=1":  "goroutine profile",
		"/debug/pprof/cmdline":            "--admin-listen",
		"/debug/pprof/profile?seconds=1":  "",
		"/debug/pprof/trace?seconds=0.01": "",
	} {
		if status, body := get(t, p.admin+path); status != 200 || !strings.Contains(body, says) {
			t.Errorf("%s: %d, and it does not say %q", path, status, says)
		}
		if status, _ := get(t, p.public+path); status != 404 {
			t.Errorf("%s is open to strangers: %d", path, status)
		}
	}
	for path, status := range map[string]int{"/": 404, "/check/null-mx.test": 404} { // nor is the site on the operator's listener
		if got, _ := get(t, p.admin+path); got != status {
			t.Errorf("%s of the admin listener: %d", path, got)
		}
	}
	if strings.Contains(p.said(), "null-mx.test") {
		t.Errorf("the log tells what was asked for:\n%s", p.said())
	}

	taken := strings.TrimPrefix(p.admin, "http://")
	code, _, errs := mxseal("", "serve", "--listen", "127.0.0.1:0", "--admin-listen", taken, "--resolver", "127.0.0.1:9", "--data", t.TempDir())
	if code != exitFault || !strings.Contains(errs, "--admin-listen") || !strings.Contains(errs, "address already in use") {
		t.Errorf("an address that is taken: exit %d, %s", code, errs)
	}
	without := start(t, nil, "--admin-listen=")
	if strings.Contains(without.said(), "metrics and profiles") {
		t.Error("a listener was opened that was not wanted")
	}
	if code, _, errs := mxseal("", "serve", "--keep", "1m", "--resolver", "127.0.0.1:9", "--data", t.TempDir()); code != exitUsage || !strings.Contains(errs, "--keep") {
		t.Errorf("a minute is no time to keep reports: exit %d, %s", code, errs)
	}
}

// systemd may open the sockets, those for the site and that for the operator, and then means
// them; --listen counts for nothing. What hangs up a terminal is no order to end from it.
func TestSocketsOfSystemd(t *testing.T) {
	var sockets []*os.File
	var addresses []string
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		sockets, addresses = append(sockets, f), append(addresses, "http://"+l.Addr().String())
	}
	env, hears := systemd(t)
	p := started(t, []string{env, "LISTEN_FDS=3", "LISTEN_FDNAMES=mxseal.socket:admin:mxseal.socket"}, sockets)
	if s := hears(); s != "READY=1" {
		t.Errorf("systemd hears %q", s)
	}
	for i, path := range []string{"/healthz", "/metrics", "/healthz"} {
		if status, body := get(t, addresses[i]+path); status != 200 {
			t.Errorf("socket %d: %s is %d %s\n%s", i+1, path, status, body, p.said())
		}
	}
	if status, _ := get(t, addresses[0]+"/metrics"); status != 404 {
		t.Errorf("metrics are open to strangers: %d", status)
	}
	if n := strings.Count(p.said(), "is open"); n != 2 {
		t.Errorf("%d sockets are open for the site, want 2\n%s", n, p.said())
	}
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if status, _ := get(t, addresses[0]+"/healthz"); status != 200 {
		t.Errorf("SIGHUP under systemd: %d\n%s", status, p.said())
	}
	if status := p.signal(syscall.SIGTERM); status.ExitStatus() != exitOK || !strings.Contains(p.said(), "closing") {
		t.Errorf("it ended with %v\n%s", p.ProcessState, p.said())
	}
}
