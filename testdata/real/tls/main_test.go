// Package tls holds what the program says of a server's TLS against what others say of the
// same server, on the stacks that mail servers are built on.
package tls

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"mxseal/testdata/real/tls/stack"
)

// the is the world that all tests share.
var the *stack.World

// TestMain builds the program and the world. What is missing fails the run; nothing is skipped.
func TestMain(m *testing.M) {
	flag.Parse()
	// testssl.sh sleeps a good part of its time.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(inWorld(m.Run))
}

func inWorld(tests func() int) (code int) {
	var err error
	the, err = stack.Open()
	defer func() {
		if err := the.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "tls:", err)
			code = 1
		}
	}()
	for _, step := range []func() error{the.Claim, the.StartPostfix, the.Start} {
		if err == nil {
			err = step()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tls:", err)
		return 1
	}
	return tests()
}

// result is the part of a probe, by the names of its published form, that these tests read.
type result struct {
	Connections int
	Visits      int `json:"-"` // as the server counted them
	SMTP        struct{ STARTTLS string }
	TLS         struct {
		Version, Preference string
		Versions            []string
		Ciphers             []struct{ Version, Name string }
		NotAsked            []struct{ Version, Name string } `json:"not_asked"`
		Groups              []string
		DHBits              int `json:"dh_bits"`
		Probes              []struct{ Name, Result, Text string }
	}
	Certificates []struct{ Key string }
}

func (r result) suites() suites {
	out := make(suites)
	for _, c := range r.TLS.Ciphers {
		out.add(c.Version, c.Name)
	}
	return out
}

// unasked are the suites that the program says it did not ask for.
func (r result) unasked() suites {
	out := make(suites)
	for _, c := range r.TLS.NotAsked {
		out.add(c.Version, c.Name)
	}
	return out
}

// spent lists what the connections were for.
func (r result) spent() string {
	var b bytes.Buffer
	for _, p := range r.TLS.Probes {
		fmt.Fprintf(&b, "\n\t%s: %s %s", p.Name, p.Result, p.Text)
	}
	return b.String()
}

var results = make(map[[2]string]result)

// reversible is an EHLO name for openssl s_server -rev, which sends each line back the other way
// round: “250 xm OLHE” is an answer.
const reversible = "mx 052"

// probe looks at a server once for each depth.
func probe(t *testing.T, server, depth string) result {
	t.Helper()
	if r, ok := results[[2]string{server, depth}]; ok {
		return r
	}
	before := the.Visits(server)
	c := exec.CommandContext(t.Context(), the.Program(), "probe", the.Address(server), "--depth", depth, "--format", "json",
		"--allow-net", "127.0.0.0/8", "--resolver", "127.0.0.1:9") // nothing answers there, and nothing needs it
	if server == "s_server" {
		c.Args = append(c.Args, "--helo", reversible)
	}
	c.Env = []string{"HOME=" + the.Dir}
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("mxseal probe %s: %v\n%s%.2000s", server, err, &stderr, out)
	}
	var report struct {
		Hosts []struct{ Addresses []result }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Hosts) != 1 || len(report.Hosts[0].Addresses) != 1 {
		t.Fatalf("mxseal probe %s: want one host and one address:\n%.2000s", server, out)
	}
	r := report.Hosts[0].Addresses[0]
	// A server may write its log a little later.
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if r.Visits = the.Visits(server) - before; r.Visits >= r.Connections || time.Now().After(end) {
			break
		}
	}
	results[[2]string{server, depth}] = r
	return r
}
