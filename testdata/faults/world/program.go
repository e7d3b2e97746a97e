package world

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"mxseal/testdata/daemon"
)

// Program is a running “mxseal serve”. It dies with this process, however that ends.
type Program struct{ *daemon.Site }

// Serve starts the program and waits until it is open. The error holds what it said when it
// ended instead. Environment is added to an empty one.
func Serve(binary, data string, environment []string, flags ...string) (*Program, error) {
	s, err := daemon.Serve(binary, data, append([]string{"MXSEAL_MAX_CHECKS_PER_MINUTE=0"}, environment...), flags...)
	if err != nil {
		return nil, err
	}
	return &Program{s}, nil
}

// Stop asks the program to end and waits until it has. The error is the program's.
func (p *Program) Stop() error { return p.Site.Stop(40 * time.Second) }

// Processor is the time that the program has spent computing.
func (p *Program) Processor() time.Duration { return Processor(p.PID()) }

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
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
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
	resp, err := c.Get(p.Admin + path)
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

// Report reads the report of a domain into a form of it, and says whether there is one.
func (p *Program) Report(c *http.Client, domain string, into any) (there bool, err error) {
	req, err := http.NewRequest(http.MethodGet, p.URL+"/check/"+domain, nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, nil
	}
	return true, json.NewDecoder(resp.Body).Decode(into)
}

// Profile is where the program computes during a time, in the form of pprof.
func (p *Program) Profile(length time.Duration) (string, error) {
	c := http.Client{Timeout: length + 30*time.Second}
	resp, err := c.Get(fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", p.Admin, int(length.Seconds())))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}
