package web

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"mxseal/checks/input"
	"mxseal/checks/report"
)

// A provisional letter is on no badge and in no line for signatures: the firm one before it is,
// with its date.
func TestBadgesShowTheLastFirmLetter(t *testing.T) {
	kept := func(id string, l report.Letter, days int, provisional bool, badges ...report.Badge) *report.Report {
		r := graded("example.org", l, days, badges...)
		r.ID, r.Grade.Provisional = id, provisional
		return r
	}
	day := func(days int) string { return time.Now().UTC().AddDate(0, 0, -days).Format("2 Jan 2006") }
	for _, c := range []struct {
		why     string
		reports []*report.Report
		message string
		line    string
	}{
		{"the latest is firm", []*report.Report{kept("a", "C", 5, true), kept("b", "A", 2, false, "DANE")}, "A · " + day(2), "(DANE, grade A, tested " + day(2) + ")"},
		{"the latest is provisional", []*report.Report{kept("a", "B", 5, false, "MTA-STS"), kept("b", "F", 0, true)}, "B · " + day(5), "(MTA-STS, grade B, tested " + day(5) + ")"},
		{"better, and provisional all the same", []*report.Report{kept("a", "D", 5, false), kept("b", "A", 0, true, "DANE")}, "D · " + day(5), "(STARTTLS, grade D, tested " + day(5) + ")"},
		{"behind many", []*report.Report{kept("a", "A", 9, false, "DANE"), kept("b", "B", 3, true), kept("c", "T", 2, true), kept("d", "B", 1, true)}, "A · " + day(9), "(DANE, grade A, tested " + day(9) + ")"},
		{"no firm one", []*report.Report{kept("a", "A", 5, true, "DANE"), kept("b", "A", 0, true, "DANE")}, "not tested", ""},
		{"the firm one is too old", []*report.Report{kept("a", "A", 40, false, "DANE"), kept("b", "A", 0, true, "DANE")}, "outdated", ""},
		{"it takes no mail, provisionally", []*report.Report{kept("a", "A", 5, false, "DANE"), kept("b", "N", 0, true)}, "A · " + day(5), "(DANE, grade A, tested " + day(5) + ")"},
		{"it cannot be tested, and that is no trouble of ours", []*report.Report{kept("a", "A", 5, false, "DANE"), kept("b", "T", 0, false)}, "not tested", ""},
	} {
		w := newWorld(t)
		for _, r := range c.reports {
			w.save(t, r)
		}
		var got struct{ Label, Message string }
		if err := json.Unmarshal(w.ask("GET", "/badge/example.org.json", "").Body.Bytes(), &got); err != nil || got.Message != c.message {
			t.Errorf("%s: %s: %s, want %s (%v)", c.why, got.Label, got.Message, c.message, err)
		}
		letter, _, _ := strings.Cut(c.message, " · ")
		want(t, w.ask("GET", "/badge/example.org.svg", ""), 200, ">"+letter+"<")
		page := w.ask("GET", "/badge/example.org", "").Body.String()
		if c.line == "" && strings.Contains(page, "user@") || !strings.Contains(page, c.line) {
			t.Errorf("%s: another line than %q", c.why, c.line)
		}
	}
}

// The page says beside the letter that it is provisional, and which address was not seen.
func TestThePageSaysHowSureTheLetterIs(t *testing.T) {
	w := newWorld(t)
	r := graded("example.org", "C", 0)
	r.Grade.Provisional, r.Grade.Worst, r.Grade.Best = true, "F", "A"
	r.Hosts = []*report.Host{{Name: "mx.example.org", Addresses: []*report.Address{
		{IP: "192.0.2.1", Reachable: true},
		{IP: "192.0.2.2", Failure: &report.Failure{Phase: "connect", Kind: "timeout", Text: "It did not answer."}},
	}}}
	w.save(t, r)
	want(t, w.ask("GET", "/check/example.org", ""), 200, `aria-label="Grade C, provisional"`, "<title>example.org: C (provisional)",
		"anything from A to F", "mx.example.org 192.0.2.2 (no answer in time)")
	r = graded("firm.example", "C", 0)
	w.save(t, r)
	if page := w.ask("GET", "/check/firm.example", "").Body.String(); strings.Contains(page, "Provisional") || strings.Contains(page, "Not seen") {
		t.Error("a firm letter is called provisional")
	}
}

// What trouble of our own has spoilt is kept under its own address, and is the latest of its
// domain only where nothing better is.
func TestWhatWeHaveSpoiltIsNotTheLatest(t *testing.T) {
	var spoil []report.Condition
	w := newWorld(t)
	w.as = func(ctx context.Context, d input.Domain, id string, emit func(report.Event)) *report.Report {
		r := w.scripted(ctx, d, id, emit)
		if r.Conditions = spoil; spoil != nil {
			r.Grade.Letter, r.Grade.Provisional = "F", true
		}
		return r
	}
	letter := func(path string) (report.Letter, string) {
		var r report.Report
		rec := w.ask("GET", path, "", "Accept", "application/json")
		if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil || rec.Code != 200 || r.Grade == nil {
			t.Fatalf("%s: %d, %v", path, rec.Code, err)
		}
		return r.Grade.Letter, r.ID
	}
	latest := func(domain string, want report.Letter) string {
		t.Helper()
		id := ""
		for _, path := range []string{"/api/v1/domains/" + domain, "/check/" + domain} {
			var l report.Letter
			if l, id = letter(path); l != want {
				t.Errorf("%s says %s, want %s", path, l, want)
			}
		}
		return id
	}
	before := graded("example.org", "B", 3, "MTA-STS")
	w.save(t, before)
	spoil = []report.Condition{{Name: report.ResourcesCondition, State: "failed", Text: "None left."}}
	for _, domain := range []string{"example.org", "new.example"} {
		if rec := w.post(domain); rec.Code != 303 {
			t.Fatalf("%d", rec.Code)
		}
		w.settle()
	}
	if id := latest("example.org", "B"); id != before.ID {
		t.Errorf("the latest is %s", id)
	}
	spoilt := latest("new.example", "F") // there is no other
	if rec := w.ask("GET", "/badge/new.example.json", ""); !strings.Contains(rec.Body.String(), "not tested") {
		t.Error(rec.Body)
	}
	list, err := w.cfg.Store.History(t.Context(), "example.org", 9)
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	if l, _ := letter("/report/" + list[0].ID + "?format=json"); l != "F" {
		t.Errorf("the spoilt report has the letter %s", l)
	}
	want(t, w.ask("GET", "/check/example.org", ""), 200, "Trouble of our own spoiled the check of", `href="/report/`+list[0].ID+`"`)
	want(t, w.ask("GET", "/badge/example.org.json", ""), 200, `"message":"B · `)

	// To ask again at once begins no further check: the limits of a domain stand.
	runs := w.runs.Load()
	w.post("example.org")
	w.settle()
	if n := w.runs.Load(); n != runs {
		t.Errorf("%d checks instead of none", n-runs)
	}
	// A sound one takes the place of all.
	spoil = nil
	w = open(t, w.path, nil) // a restart remembers no spoilt report
	w.post("example.org")
	w.post("new.example")
	w.settle()
	latest("example.org", "C")
	if l, id := letter("/api/v1/domains/new.example"); l == "F" && id != spoilt {
		t.Errorf("the latest of new.example is %s %s", l, id)
	}
	if page := w.ask("GET", "/check/example.org", "").Body.String(); strings.Contains(page, "Trouble of our own spoiled") {
		t.Error("trouble that is over is still told of")
	}
}
