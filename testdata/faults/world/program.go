package world

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Build makes the program in a folder.
func Build(dir string) (binary string, err error) {
	binary = filepath.Join(dir, "mxseal")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-o", binary, "mxseal/cmd/mxseal").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
}

// Program is a running “mxseal serve”. It dies with this process, however that ends.
type Program struct {
	URL string // scheme, host and port

	admin  string
	cmd    *exec.Cmd
	mu     sync.Mutex
	log    strings.Builder
	logged chan struct{} // closed when the program has closed its log
}

var opened = regexp.MustCompile(`msg="mxseal is open" address=(\S+)`)

// Serve starts the program and waits until it is open. The error holds what it said when it
// ended instead. Environment is added to an empty one.
func Serve(binary, data string, environment []string, flags ...string) (*Program, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p := &Program{admin: fmt.Sprintf("127.0.0.1:%d", port), logged: make(chan struct{})}
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", p.admin, "--data", data}, flags...)
	p.cmd = exec.Command(binary, args...)
	p.cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=" + filepath.Dir(binary), "MXSEAL_MAX_CHECKS_PER_MINUTE=0"}, environment...)
	p.cmd.Dir = filepath.Dir(binary)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	address := make(chan string, 1)
	go p.listen(stderr, address)
	select {
	case a := <-address:
		p.URL = "http://" + a
		return p, nil
	case <-p.logged:
		err = p.cmd.Wait()
	case <-time.After(30 * time.Second):
		err = errors.Join(errors.New("not open after half a minute"), p.Kill())
	}
	return nil, fmt.Errorf("%w\n%s", err, p.Log())
}

// listen keeps what the program logs, and reports the address once.
func (p *Program) listen(stderr io.Reader, address chan<- string) {
	defer close(p.logged)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		p.mu.Lock()
		fmt.Fprintln(&p.log, lines.Text())
		p.mu.Unlock()
		if m := opened.FindStringSubmatch(lines.Text()); m != nil {
			select {
			case address <- m[1]:
			default:
			}
		}
	}
}

// Log is what the program has said on standard error.
func (p *Program) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// Kill ends the program as the kernel does when memory runs out.
func (p *Program) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	<-p.logged
	p.cmd.Wait() // says that it was killed
	return nil
}

// Stop asks the program to end and waits until it has. The error is the program's.
func (p *Program) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	last := time.AfterFunc(40*time.Second, func() { p.cmd.Process.Kill() })
	defer last.Stop()
	<-p.logged
	return p.cmd.Wait()
}

// Processor is the time that the program has spent computing.
func (p *Program) Processor() time.Duration { return Processor(p.cmd.Process.Pid) }

// Processor is the time that a process has spent computing.
func Processor(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // clock ticks are a hundredth everywhere (proc(5))
}

// Peak is the most memory that the program has had resident, in MiB.
func (p *Program) Peak() int { return p.memory("VmHWM") }

// Resident is the memory that the program has resident now, in MiB.
func (p *Program) Resident() int { return p.memory("VmRSS") }

func (p *Program) memory(kind string) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	m := regexp.MustCompile(kind + `:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		return 0
	}
	kB, _ := strconv.Atoi(string(m[1]))
	return kB >> 10
}

// Goroutines counts those of the program.
func (p *Program) Goroutines() (int, error) {
	text, err := p.operator("/debug/pprof/goroutine?debug=1")
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`^goroutine profile: total (\d+)`).FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("no count in %.80q", text)
	}
	return strconv.Atoi(m[1])
}

// Stacks is where the goroutines of the program stand.
func (p *Program) Stacks() string {
	text, err := p.operator("/debug/pprof/goroutine?debug=1")
	if err != nil {
		return err.Error()
	}
	return text
}

// Heap is what the program still uses after a collection, in octets.
func (p *Program) Heap() (int, error) {
	text, err := p.operator("/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`# HeapAlloc = (\d+)`).FindStringSubmatch(text)
	if m == nil {
		return 0, errors.New("the profile of the heap has no HeapAlloc")
	}
	return strconv.Atoi(m[1])
}

// operator asks the listener for operators.
func (p *Program) operator(path string) (string, error) {
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	resp, err := c.Get("http://" + p.admin + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

var visitors struct {
	sync.Mutex
	count uint16
}

// Visitor is an HTTP client with an address that no other client has, so that what it asks
// for counts against nobody else's limit; the first 255 have a /24 of their own. It follows no
// redirect.
func Visitor(alive bool) *http.Client {
	visitors.Lock()
	visitors.count++
	n := visitors.count
	visitors.Unlock()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 9, byte(n), byte(n>>8))}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: d.DialContext, DisableKeepAlives: !alive, DisableCompression: true},
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Profile is where the program computes during a time, in the form of pprof.
func (p *Program) Profile(length time.Duration) (string, error) {
	c := http.Client{Timeout: length + 30*time.Second}
	resp, err := c.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", p.admin, int(length.Seconds())))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}
