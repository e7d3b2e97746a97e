package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks"
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

func audited(t *testing.T, change func(*Config)) (*world, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	audit, err := OpenAudit(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) {
		c.Audit = audit
		if change != nil {
			change(c)
		}
	})
	t.Cleanup(func() { audit.Close() })
	return w, path
}

func TestEveryWishIsAudited(t *testing.T) {
	w, path := audited(t, func(c *Config) { c.Limits.ClientDay = 1 })
	w.gate = make(chan struct{})
	w.post("Someone@Example.ORG")
	w.ask("POST", "/api/v1/checks", `{"domain": "example.org"}`, "Content-Type", json_)
	close(w.gate)
	w.settle()
	w.post("example.org")
	w.post("example.net")
	w.post("no domain")
	w.ask("GET", "/check/example.org", "")
	w.ask("GET", "/badge/example.org.svg", "")

	var got []string
	for _, l := range auditLines(t, path) {
		got = append(got, strings.TrimSpace(fmt.Sprintln(l["event"], l["domain"], l["by"], l["outcome"], l["reason"], l["letter"])))
		if _, err := time.Parse(time.RFC3339Nano, l["time"].(string)); err != nil {
			t.Error(err)
		}
		if l["event"] == "ended" && (l["ms"] == nil || l["connections"] == nil) {
			t.Errorf("the end says too little: %v", l)
		}
	}
	want := []string{
		"asked example.org form started <nil> <nil>",
		"asked example.org api joined <nil> <nil>",
		"ended example.org <nil> done <nil> C",
		"asked example.org form fresh <nil> <nil>",
		"asked example.net form refused client <nil>",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the audit log is\n%s", strings.Join(got, "\n"))
	}
	lines := auditLines(t, path)
	if id := lines[0]["report"]; id == nil || id != lines[1]["report"] || id != lines[2]["report"] || id != lines[3]["report"] {
		t.Errorf("the lines of one check do not name one report: %v", lines)
	}
	if b, _ := os.ReadFile(path); bytes.Contains(b, []byte("192.0.2.1")) || bytes.Contains(bytes.ToLower(b), []byte("someone")) {
		t.Errorf("a reader can be recognised:\n%s", b)
	}
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
			who := asker{client: netip.MustParseAddr(addr).Unmap()}
			return a.token(who.network(clientBits))
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

// Somebody who asks without end fills neither the disk nor the log.
func TestAFloodIsOneLineAMinute(t *testing.T) {
	w, path := audited(t, nil)
	for range postsPerMinute + 100 {
		w.post("example.org")
	}
	over := 0
	for _, l := range auditLines(t, path) {
		if l["outcome"] == "refused" && l["reason"] == "client" && l["domain"] == nil {
			over++
		}
	}
	if over != 1 {
		t.Errorf("%d lines about a client over its limit", over)
	}
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
	line := func(domain string) { a.asked(asker{}, false, askedLine{Domain: domain, Outcome: "started"}) }
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
	again.asked(asker{}, false, askedLine{Domain: "five.example"})
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
	c := newRunning("id", checks.Domain{ASCII: "example.org"})
	a.ended(c, nil)
	a.ended(c, &report.Report{Interrupted: "the time ran out", ElapsedMS: 90_000, Connections: 3})
	l := auditLines(t, path)
	if l[0]["outcome"] != "failed" || l[1]["outcome"] != "interrupted" || l[1]["ms"] != 90_000.0 || l[1]["connections"] != 3.0 {
		t.Errorf("%v", l)
	}
	var none *Audit
	none.asked(asker{}, true, askedLine{})
	none.ended(c, nil)
	none.overLimit(asker{})
	if err := none.Close(); err != nil {
		t.Error(err)
	}
}
