package web

import (
	"encoding/json"
	"strings"
	"testing"

	"mxseal/checks/report"
)

// What was not seen because we held back takes the place of no sound report: not as the latest,
// not on the badge, not in what the next check remembers. It has its own address and its place in
// the list. What its owner, or the bound of every check, keeps from us is no reason.
func TestWhatWeHeldBackIsNotTheLatest(t *testing.T) {
	address := func(kind report.Kind) []*report.Host {
		return []*report.Host{{Name: "mx.example.org", Addresses: []*report.Address{{IP: "192.0.2.1", SMTP: &report.SMTP{STARTTLS: "untested"},
			Failure: &report.Failure{Phase: "connect", Kind: kind, Text: "192.0.2.1 was left alone"}}}}}
	}
	for _, c := range []struct {
		why    string
		change func(*report.Report)
		latest report.Letter
	}{
		{"looked at often enough", func(r *report.Report) { r.Hosts = address("rate-limited") }, "B"},
		{"our turn did not come", func(r *report.Report) { r.Hosts = address("not-admitted") }, "B"},
		{"our turn did not come, somewhere", func(r *report.Report) { r.HeldBack = true }, "B"},
		{"the policy host has been asked enough", func(r *report.Report) {
			r.MTASTS = &report.MTASTS{Fetch: &report.Fetch{Failure: &report.Failure{Phase: "connect", Kind: "rate-limited"}}}
		}, "B"},
		{"a name under which it was not asked", func(r *report.Report) {
			r.Hosts = []*report.Host{{Addresses: []*report.Address{{Reachable: true, AsBase: &report.Shown{STARTTLS: "untested", Failure: &report.Failure{Phase: "connect", Kind: "rate-limited"}}}}}}
		}, "B"},
		{"the name servers have been asked enough", func(r *report.Report) {
			r.DNSSEC = &report.DNSSEC{Authorities: []report.Authority{{Servers: []report.NameServer{{Name: "ns.example.org", Fault: "rate-limited"}}}}}
		}, "B"},
		{"its owner wants to be left alone", func(r *report.Report) { r.Hosts = address("opted-out") }, "T"},
		{"beyond what a check may", func(r *report.Report) { r.Hosts = address("spent") }, "T"},
		{"it does not answer", func(r *report.Report) { r.Hosts = address("timeout") }, "T"},
	} {
		w := newWorld(t)
		before := graded("example.org", "B", 3, "MTA-STS")
		w.save(t, before)
		r := graded("example.org", "T", 0)
		r.ID = "later"
		c.change(r)
		w.save(t, r)
		id := before.ID
		badge, notice := `"message":"B · `, true
		if c.latest == "T" {
			id, badge, notice = r.ID, `"not tested"`, false
		}
		var latest report.Report
		rec := w.ask("GET", "/api/v1/domains/example.org", "")
		if err := json.Unmarshal(rec.Body.Bytes(), &latest); err != nil || latest.Grade.Letter != c.latest || latest.ID != id {
			t.Errorf("%s: the latest is %+v, %v", c.why, latest.Grade, err)
		}
		if body := w.ask("GET", "/badge/example.org.json", "").Body.String(); !strings.Contains(body, badge) {
			t.Errorf("%s: the badge says %s", c.why, body)
		}
		page := w.ask("GET", "/check/example.org", "").Body.String()
		if strings.Contains(page, "Trouble of our own spoiled") != notice || notice && !strings.Contains(page, `href="/report/`+r.ID+`"`) {
			t.Errorf("%s: the page says, or does not say, that there is a later report", c.why)
		}
		if remembered, err := w.cfg.Store.Latest(t.Context(), "example.org"); err != nil || remembered.ID != id {
			t.Errorf("%s: the next check remembers %v, %v", c.why, remembered, err)
		}
		list, err := w.cfg.Store.History(t.Context(), "example.org", 9)
		if err != nil || len(list) != 2 {
			t.Errorf("%s: the list is %v, %v", c.why, list, err)
		}
	}
}
