package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mxseal/web/scans"
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
	audit, err := scans.OpenAudit(path, slog.New(slog.DiscardHandler))
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

// Somebody who asks without end fills neither the disk nor the log.
func TestAFloodIsOneLineAMinute(t *testing.T) {
	w, path := audited(t, nil)
	for range perMinute + 100 {
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
