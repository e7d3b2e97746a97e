package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/web/inbox"
)

// What senders deliver is kept while the domain's record names the inbox, and only who knows the
// address reads it, beside what a check of ours saw.
func TestAnInboxForTLSReports(t *testing.T) {
	var record atomic.Pointer[string] // nil where it cannot be had
	var asked atomic.Int32
	w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) {
		c.texts = func(_ context.Context, name string) ([]string, bool) {
			asked.Add(1)
			if name != "_smtp._tls.example.net" {
				t.Errorf("%s was asked for", name)
			}
			if text := record.Load(); text != nil {
				return []string{*text}, true
			}
			return nil, false
		}
	})
	want(t, w.ask("GET", "/tlsrpt", ""), 200, `action="/tlsrpt/inbox"`)
	want(t, w.ask("POST", "/tlsrpt/inbox", "domain=no+domain"), 422)
	rec := w.ask("POST", "/tlsrpt/inbox", "domain=Example.NET")
	want(t, rec, 303)
	at := rec.Header().Get("Location")
	rec = w.ask("GET", at, "")
	want(t, rec, 200, "Nothing has come yet", `name="robots" content="noindex`)
	named := regexp.MustCompile(`rua=https://mxseal\.example(/tlsrpt/[a-z2-7]{20,})&#34;`).FindStringSubmatch(rec.Body.String())
	if named == nil || named[1] == at || len(at) < 28 {
		t.Fatalf("the inbox is at %q, and reports go to %q", at, named)
	}
	to := named[1]
	want(t, w.ask("GET", to, ""), 404, "takes reports and shows none")
	if h := rec.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%v", h)
	}

	deliver := func(body, kind string) int { return w.ask("POST", to, body, "Content-Type", kind).Code }
	if code := deliver(tlsReport, "application/tlsrpt+json"); code != 503 {
		t.Errorf("where the record cannot be found out: %d", code)
	}
	text := "v=TLSRPTv1; rua=mailto:tls@example.net, https://mxseal.example" + to
	record.Store(&text)
	yesterday := strings.ReplaceAll(tlsReport, "2026-11-08", time.Now().Add(-24*time.Hour).Format("2006-01-02"))
	for _, again := range []string{yesterday, yesterday, strings.Replace(yesterday, `"report-id":"1"`, `"report-id":"2"`, 1)} {
		if code := deliver(again, "application/tlsrpt+json"); code != 201 {
			t.Errorf("a report: %d", code)
		}
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(strings.Replace(yesterday, `"report-id":"1"`, `"report-id":"3"`, 1)))
	z.Close()
	if code := deliver(packed.String(), "application/tlsrpt+gzip"); code != 201 {
		t.Errorf("a packed report: %d", code)
	}
	if code := deliver("buy milk", "application/tlsrpt+json"); code != 400 {
		t.Errorf("no report: %d", code)
	}
	if code := deliver(strings.Repeat(" ", inbox.Octets+1), "application/tlsrpt+json"); code != 413 {
		t.Errorf("too much: %d", code)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the record was asked for %d times", n)
	}
	want(t, w.ask("GET", at, ""), 200, "3 reports, the last on", "Safe to enforce MTA-STS? No.", "mx1.example.net", "30 sessions")

	w.as = func(_ context.Context, d input.Domain, id string, _ func(report.Event)) *report.Report {
		r := sample(d, id)
		r.Findings = append(r.Findings, report.Finding{Rule: "CRT-12", Check: "certificate", Verdict: report.Fail, Host: "mx1.example.net"})
		return r
	}
	want(t, w.post("example.net"), 303)
	for !strings.Contains(w.ask("GET", at, "").Body.String(), "saw it too") {
		time.Sleep(10 * time.Millisecond)
	}
	want(t, w.ask("GET", at, "", "Accept", "application/json"), 200, `"reports":3`, `"result":"certificate-expired"`)

	want(t, w.ask("POST", at, tlsReport, "Content-Type", "application/tlsrpt+json"), 404)
	page := w.ask("GET", w.ask("POST", "/tlsrpt/inbox", "domain=example.net").Header().Get("Location"), "").Body.String()
	other := regexp.MustCompile(`/tlsrpt/[a-z2-7]{20,}&#34;`).FindString(page)
	if code := w.ask("POST", strings.TrimSuffix(other, "&#34;"), tlsReport, "Content-Type", "application/tlsrpt+json").Code; code != 403 {
		t.Errorf("an inbox that the record does not name: %d", code)
	}
	want(t, w.ask("POST", "/tlsrpt/aaaaaaaaaaaaaaaaaaaaaaaaaa", tlsReport), 404)
	want(t, w.ask("POST", at+"/remove", "", "Origin", "https://elsewhere.example"), 403)
	want(t, w.ask("POST", at+"/remove", ""), 303)
	want(t, w.ask("GET", at, ""), 404, "There is no such inbox")
	if strings.Contains(w.log.String(), strings.TrimPrefix(at, "/tlsrpt/")) {
		t.Errorf("the key of an inbox is in the log:\n%s", w.log)
	}
}

// Without an address of the site nobody could deliver, and no inbox is offered.
func TestNoInboxWithoutAnAddress(t *testing.T) {
	w := newWorld(t) // of which nobody can look anything up
	rec := w.ask("GET", "/tlsrpt", "")
	want(t, rec, 200)
	if strings.Contains(rec.Body.String(), "/tlsrpt/inbox") {
		t.Error("an inbox is offered")
	}
	want(t, w.ask("POST", "/tlsrpt/inbox", "domain=example.net"), 404)
}
