// Package clients drives the program with clients that nobody here wrote: linters and generated
// clients of the JSON API, Prometheus, xmllint, librsvg, nginx. install.sh brings them; what is
// missing fails the run.
package clients

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mxseal/testdata/daemon"
)

// What all tests share.
var (
	program string // the built program
	cache   = cmp.Or(os.Getenv("MXSEAL_CLIENTS_CACHE"), "/var/cache/mxseal-clients")
	site    *daemon.Site
)

const patience = 2 * time.Minute // for what takes seconds

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "mxseal-clients-")
	if err == nil {
		defer os.RemoveAll(dir)
		_, err = os.Stat(filepath.Join(cache, "version"))
	}
	if err == nil {
		program, err = daemon.Build(dir)
	}
	if err == nil {
		site, err = serve(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err, "(has install.sh run?)")
		return 1
	}
	defer site.Kill()
	return m.Run()
}

// serve starts the program with the lab's example domains, and no resolver besides.
func serve(dir string, args ...string) (*daemon.Site, error) {
	return daemon.Serve(program, filepath.Join(dir, "data"), nil, append([]string{"--lab", "--resolver", "127.0.0.1:9", "--timeout", "20s",
		"--client-checks-per-minute", "0", "--client-checks-per-day", "0", "--max-checks-per-minute", "0"}, args...)...)
}

// fresh is an instance that knows no domain yet.
func fresh(t *testing.T) *daemon.Site {
	t.Helper()
	s, err := serve(t.TempDir())
	must(t, err)
	t.Cleanup(func() { s.Kill() })
	return s
}

// command runs a program that ends with us.
func command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// said runs a command in a folder and returns what it says; a failure is one of the test.
func said(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	c := command(name, args...)
	c.Dir, c.Stderr = dir, nil
	c.Env = append(os.Environ(), "NO_COLOR=1", "CI=1", "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %.200s: %v\n%.4000s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// npm is a program that npm brought.
func npm(name string) string { return filepath.Join(cache, "node_modules", ".bin", name) }

func get(t *testing.T, address string) []byte {
	t.Helper()
	resp, err := http.Get(address)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d\n%s", address, resp.StatusCode, body)
	}
	return body
}

// document writes the document of the API into a folder and returns the file.
func document(t *testing.T, dir string) string {
	t.Helper()
	file := filepath.Join(dir, "openapi.json")
	must(t, os.WriteFile(file, get(t, site.URL+"/openapi.json"), 0o644))
	return file
}

// checked has a domain checked and waits for the report.
func checked(t *testing.T, domain string) {
	t.Helper()
	resp, err := http.Post(site.URL+"/api/v1/checks", "application/json", strings.NewReader(`{"domain": "`+domain+`"}`))
	must(t, err)
	resp.Body.Close()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		resp, err := http.Get(site.URL + "/api/v1/domains/" + domain)
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: no report", domain)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
