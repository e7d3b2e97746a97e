package scans

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/input"
	"mxseal/checks/report"
)

func auditLines(t *testing.T, path string) (lines []map[string]any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		lines = append(lines, m)
	}
	return lines
}

// A client is the same one all day, whatever form its address takes, and another one tomorrow.
func TestTokensOfClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := OpenAudit(filepath.Join(t.TempDir(), "audit.log"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		token := func(addr string) string {
			return a.token(as(addr).Network(smallest))
		}
		first := token("192.0.2.1")
		for _, c := range []struct {
			one, other string
			same       bool
		}{
			{"192.0.2.1", "::ffff:192.0.2.1", true},
			{"192.0.2.1", "192.0.2.2", false},
			{"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true},
			{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		} {
			if got := token(c.one) == token(c.other); got != c.same {
				t.Errorf("%s and %s: %v", c.one, c.other, got)
			}
		}
		time.Sleep(keyKept - time.Second)
		if token("192.0.2.1") != first {
			t.Error("the token changes within a day")
		}
		time.Sleep(time.Second)
		if token("192.0.2.1") == first {
			t.Error("the token is the same tomorrow")
		}
		b, err := OpenAudit(filepath.Join(t.TempDir(), "audit.log"), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if b.token(netip.MustParsePrefix("192.0.2.1/32")) == a.token(netip.MustParsePrefix("192.0.2.1/32")) {
			t.Error("two starts of the program have one key")
		}
	})
}

func TestTheAuditLogFollowsItsFile(t *testing.T) {
	var log bytes.Buffer
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "audit.log")
	a, err := OpenAudit(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	line := func(domain string) { a.asked(Client{}, askedLine{Domain: domain, Outcome: "started"}) }
	line("one.example")
	if err := os.Rename(path, path+".1"); err != nil { // logrotate
		t.Fatal(err)
	}
	line("two.example")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	line("three.example")
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	line("lost.example")
	line("lost.example")
	if n := strings.Count(log.String(), "cannot be written"); n != 1 {
		t.Errorf("%d complaints about a folder that is gone", n)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	line("four.example")
	if l := auditLines(t, path+".1"); len(l) != 1 || l[0]["domain"] != "one.example" {
		t.Errorf("the file that was moved: %v", l)
	}
	if l := auditLines(t, path); len(l) != 2 || l[0]["domain"] != "three.example" || l[1]["domain"] != "four.example" {
		t.Errorf("the file: %v", l)
	}
	again, err := OpenAudit(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	again.asked(Client{}, askedLine{Domain: "five.example"})
	if l := auditLines(t, path); len(l) != 3 {
		t.Errorf("a restart does not append: %v", l)
	}
	if _, err := OpenAudit(filepath.Join(path, "below"), nil); err == nil {
		t.Error("a file that cannot be opened at the start is no error")
	}
}

func TestTheEndOfAFailedCheckIsAudited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	a, err := OpenAudit(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	c := newScan("id", input.Domain{ASCII: "example.org"})
	a.ended(c, nil)
	a.ended(c, &report.Report{Meta: report.Meta{Interrupted: "the time ran out", ElapsedMS: 90_000, Connections: 3}})
	l := auditLines(t, path)
	if l[0]["outcome"] != "failed" || l[1]["outcome"] != "interrupted" || l[1]["ms"] != 90_000.0 || l[1]["connections"] != 3.0 {
		t.Errorf("%v", l)
	}
	var none *Audit
	none.asked(Client{}, askedLine{})
	none.ended(c, nil)
	none.refusedUnread(Client{})
	if err := none.Close(); err != nil {
		t.Error(err)
	}
}
