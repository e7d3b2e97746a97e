package differential

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mxseal/testdata/daemon"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// screen is what fits a terminal without scrolling, in lines.
const screen = 40

// explained are look-ups whose outcome a person should understand from what the program prints.
var explained = []struct{ file, name, typ string }{
	{"secure", "mx.nsec.test", "A"},
	{"nxdomain", "no.nsec3.test", "MX"},
	{"not-signed", "unsigned.nsec.test", "MX"},
	{"opt-out", "unsigned.optout.test", "MX"},
	{"unsupported-algorithm", "rsasha1.test", "MX"},
	{"iterations", "no.iterations151.test", "MX"},
	{"expired", "expired.test", "MX"},
	{"wrong-ds", "wrongds.test", "MX"},
	{"no-key", "nokey.test", "MX"},
	{"tampered", "mx.tampered.test", "A"},
	{"stripped", "mx.datastripped.test", "A"},
	{"unproved", "no.nonsec.test", "A"},
	{"alias", "toexpired.nsec.test", "A"},
	{"servfail", "mx.servfail.test", "A"},
}

// tags are those of the keys, which are new in each run and of five digits.
var tags = regexp.MustCompile(`\b[1-6]\d{4}\b`)

var digits = regexp.MustCompile(`\d+`)

// ttls are those of records, which go down while Unbound keeps them.
var ttls = regexp.MustCompile(` \d+ IN |TTL \d+ s`)

// Each outcome is explained on one screen. The golden files are there to be read.
func TestExplanations(t *testing.T) {
	t.Parallel()
	program, err := daemon.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range explained {
		t.Run(e.file, func(t *testing.T) {
			c := exec.CommandContext(t.Context(), program, "dns", e.name, e.typ,
				"--resolver", fmt.Sprintf("%s:%d", the.at(upstreamAt), port), "--trust-anchor", filepath.Join(the.Dir, "anchor"))
			c.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + the.Dir}
			var stderr bytes.Buffer
			c.Stderr = &stderr
			out, err := c.Output()
			if exit := new(exec.ExitError); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 2) { // 2: no answer
				t.Fatalf("%v\n%s", err, &stderr)
			}
			got := fmt.Sprintf("$ mxseal dns %s %s\n%s", e.name, e.typ, out)
			got = strings.ReplaceAll(got, the.at(0)[:len(the.at(0))-1], "127.26.n.")
			got = ttls.ReplaceAllStringFunc(got, func(s string) string { return digits.ReplaceAllString(s, "300") })
			got = tags.ReplaceAllString(got, "#####")
			if n := strings.Count(got, "\n"); n > screen {
				t.Errorf("%d lines do not fit a screen of %d", n, screen)
			}
			file := filepath.Join("golden", e.file+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s is out of date; the program prints\n%s", file, got)
			}
		})
	}
}
