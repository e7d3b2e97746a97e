package tls

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// suites lists by version the IANA names of what a server accepts.
type suites map[string][]string

func (s suites) add(version, name string) {
	if !slices.Contains(s[version], name) {
		s[version] = append(s[version], name)
	}
}

func (s suites) count() (n int) {
	for _, names := range s {
		n += len(names)
	}
	return n
}

// names maps the values of suites, three bytes for SSL 2.0, to names. It is testssl.sh's
// table, so that the program's own is under test too.
var names = sync.OnceValues(func() (map[uint32]string, error) {
	data, err := os.ReadFile("/etc/testssl/cipher-mapping.txt")
	if err != nil {
		return nil, err
	}
	out := make(map[uint32]string)
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 4 || f[1] != "-" {
			continue
		}
		value, err := strconv.ParseUint(strings.NewReplacer("0x", "", ",", "").Replace(f[0]), 16, 32)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		name := f[3]
		if name == "-" { // no IANA name
			name = f[2]
		}
		out[uint32(value)] = name
	}
	return out, nil
})

// oracles say which suites a server accepts.
var oracles = map[string]func(t *testing.T, address string) suites{
	"one by one": oneByOne,
	"sslscan":    sslscan,
	"testssl.sh": testssl,
}

// oneByOne spends a connection on every suite of every version.
func oneByOne(t *testing.T, address string) suites {
	table, err := names()
	if err != nil {
		t.Fatal(err)
	}
	type question struct {
		version string
		suite   uint16
	}
	out := make(suites)
	var mu sync.Mutex
	var wg sync.WaitGroup
	questions := make(chan question)
	for range 4 {
		wg.Go(func() {
			for q := range questions {
				yes, err := accepts(address, versions[q.version], q.suite)
				mu.Lock()
				if err != nil {
					t.Errorf("%s %#04x: %v", q.version, q.suite, err)
				}
				if yes {
					out.add(q.version, table[uint32(q.suite)])
				}
				mu.Unlock()
			}
		})
	}
	var kinds []uint32
	for value := range table {
		if value > 0xffff {
			kinds = append(kinds, value)
			continue
		}
		for version := range versions {
			// The suites of TLS 1.3 begin with 0x13 and are of no use elsewhere.
			if value>>8 == 0x13 == (version == "TLS1.3") {
				questions <- question{version, uint16(value)}
			}
		}
	}
	close(questions)
	wg.Wait()
	found, err := ssl2(address, kinds)
	if err != nil {
		t.Error(err)
	}
	for _, k := range found {
		out.add("SSL2", table[k])
	}
	return out
}

// run runs a peer and returns what it printed. Twenty-five minutes are ten times what the slowest
// takes of a core, which it has to share with other suites: who needs more hangs.
func run(t *testing.T, command ...string) []byte {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 25*time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + the.Dir, "TERM=dumb"}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what it started ends with it
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	out, err := c.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil { // both count findings in their exit codes
		t.Fatalf("%s: %v", strings.Join(command, " "), errors.Join(err, ctx.Err()))
	}
	t.Logf("%v of processor time", c.ProcessState.UserTime()+c.ProcessState.SystemTime())
	return out
}

func sslscan(t *testing.T, address string) suites {
	var scan struct {
		Ciphers []struct {
			Version string `xml:"sslversion,attr"`
			ID      string `xml:"id,attr"`
		} `xml:"ssltest>cipher"`
	}
	if err := xml.Unmarshal(run(t, "sslscan", "--starttls-smtp", "--no-heartbleed", "--xml=-", address), &scan); err != nil {
		t.Fatal(err)
	}
	table, err := names()
	if err != nil {
		t.Fatal(err)
	}
	out := make(suites)
	for _, c := range scan.Ciphers {
		id, err := strconv.ParseUint(c.ID, 0, 32)
		if err != nil {
			t.Fatal(err)
		}
		out.add(strings.NewReplacer("TLSv", "TLS", "SSLv", "SSL").Replace(c.Version), table[uint32(id)])
	}
	return out
}

func testssl(t *testing.T, address string) suites {
	file := filepath.Join(t.TempDir(), "testssl.json")
	run(t, "testssl", "--starttls", "smtp", "-E", "-n", "none", "--warnings", "batch", "--quiet", "--color", "0", "--jsonfile", file, address)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []struct{ ID, Finding string }
	if err := json.Unmarshal(data, &lines); err != nil {
		t.Fatal(err)
	}
	table, err := names()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`^cipher-(\w+)_x([0-9a-f]+)$`)
	protocols := map[string]string{"ssl2": "SSL2", "ssl3": "SSL3", "tls1": "TLS1.0", "tls1_1": "TLS1.1", "tls1_2": "TLS1.2", "tls1_3": "TLS1.3"}
	out := make(suites)
	for _, l := range lines {
		if m := found.FindStringSubmatch(l.ID); m != nil {
			value, _ := strconv.ParseUint(m[2], 16, 32)
			out.add(protocols[m[1]], table[uint32(value)])
		}
	}
	return out
}
