// Package faults breaks what mxseal stands on while the built program serves, and lets
// strangers do their worst to it: power that goes, disks that fill up, resolvers that vanish,
// clocks that jump, visitors who never finish a sentence, servers that mean harm. It needs
// root, for a small file system of its own; what is missing fails the run.
package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"mxseal/testdata/daemon"
	"mxseal/testdata/faults/world"
)

// What all tests share.
var (
	binary string
	the    *world.World
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "mxseal-faults-")
	if err == nil {
		defer os.RemoveAll(dir)
		if os.Getuid() != 0 {
			err = errors.New("run it as root: it mounts a file system to fill")
		}
	}
	if err == nil {
		binary, err = daemon.Build(dir)
	}
	if err == nil {
		the, err = world.New(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		return 1
	}
	defer the.Close()
	return m.Run()
}

// serve starts the program against the world. It is stopped with the test, and must not have
// logged a fault of its own by then.
func serve(t *testing.T, data string, flags ...string) *world.Program {
	t.Helper()
	return serveAt(t, data, append(the.Flags(), flags...)...)
}

// serveAt is serve with flags that point the program at its world.
func serveAt(t *testing.T, data string, flags ...string) *world.Program {
	t.Helper()
	p, err := world.Serve(binary, data, proxies, flags...)
	must(t, err)
	t.Cleanup(func() {
		p.Stop()
		if panics := regexp.MustCompile(`(?m)^.*(panic|goroutine \d+ \[).*$`).FindAllString(p.Log(), 3); panics != nil {
			t.Errorf("the program says: %s", panics)
		}
	})
	return p
}

// proxies are in the environment of every program here: whoever used them would find nobody,
// and no domain would have A+, for which its policy has to be fetched.
var proxies = []string{"HTTP_PROXY=http://127.78.9.9:9", "HTTPS_PROXY=http://127.78.9.9:9", "ALL_PROXY=socks5://127.78.9.9:9", "https_proxy=http://127.78.9.9:9"}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until asks again and again whether something has come true.
func until(t *testing.T, patience time.Duration, what string, true func() (bool, string)) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		ok, seen := true()
		if ok {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v; last seen: %s", what, patience, seen)
		}
	}
}

// get returns status and body of a page, 0 and the error where none came.
func get(c *http.Client, address string, header ...string) (int, string) {
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return 0, err.Error()
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

// ask posts a domain as a visitor who was never here before.
func ask(p *world.Program, domain string) (int, string) {
	return askAs(world.Visitor(false), p, domain)
}

// askAs posts a domain as some visitor.
func askAs(c *http.Client, p *world.Program, domain string) (int, string) {
	r, err := http.NewRequest(http.MethodPost, p.URL+"/check", strings.NewReader(url.Values{"domain": {domain}}.Encode()))
	if err != nil {
		return 0, err.Error()
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// seen is what these tests read of a report.
type seen struct {
	ID, Domain, Interrupted string
	Engine                  string
	Connections             int
	ElapsedMS               int `json:"elapsed_ms"`
	Grade                   struct {
		Letter      string
		Provisional bool
	}
	MX struct {
		State  string
		DNSSEC struct{ State, Reason string }
	}
	Hosts []struct {
		Name      string
		Addresses []struct {
			IP        string
			Reachable bool
			Failure   struct{ Phase, Kind, Text string }
		}
	}
	MTASTS struct {
		State, Error string
		Failure      *struct{ Kind, Text string }
	} `json:"mta_sts"`
	Findings   []struct{ Rule, Verdict, Title, Text string }
	Conditions []struct{ Name, State, Text string }
}

// latest returns the latest report of a domain, or the status that came instead of it.
func latest(c *http.Client, p *world.Program, domain string) (*seen, int) {
	status, body := get(c, p.URL+"/check/"+domain, "Accept", "application/json")
	if status != http.StatusOK {
		return nil, status
	}
	r := new(seen)
	if err := json.Unmarshal([]byte(body), r); err != nil {
		return nil, -1 // torn
	}
	return r, status
}

// check has a domain checked and waits for its report.
func check(t *testing.T, p *world.Program, domain string, patience time.Duration) *seen {
	t.Helper()
	if status, body := ask(p, domain); status != http.StatusSeeOther {
		t.Fatalf("POST of %s: %d %.200s", domain, status, body)
	}
	return await(t, p, domain, patience)
}

// await waits for the report of a check that was asked for.
func await(t *testing.T, p *world.Program, domain string, patience time.Duration) (r *seen) {
	t.Helper()
	c := world.Visitor(true)
	defer c.CloseIdleConnections()
	until(t, patience, "report of "+domain, func() (bool, string) {
		var status int
		r, status = latest(c, p, domain)
		return r != nil, fmt.Sprint("status ", status)
	})
	return r
}

// mounted is a file system of so many octets that lives with the test.
func mounted(t *testing.T, size string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	must(t, os.Mkdir(dir, 0o755))
	mount(t, "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir)
	t.Cleanup(func() { unmount(t, dir) })
	return dir
}

// whole reports whether the text is one JSON document.
func whole(text string) bool { return json.Valid(bytes.TrimSpace([]byte(text))) }
