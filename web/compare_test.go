package web

import (
	"testing"
	"time"

	"mxseal/checks/input"
	"mxseal/checks/report"
)

// Two reports of a domain are compared, whichever is named first; two of different domains are not.
func TestTwoReportsAreCompared(t *testing.T) {
	w := newWorld(t)
	d, err := input.Parse("example.org", true)
	if err != nil {
		t.Fatal(err)
	}
	before, after := sample(d, "before"), sample(d, "after")
	before.CheckedAt = after.CheckedAt.Add(-24 * time.Hour)
	before.Grade.Letter = "B"
	after.Hosts[0].Addresses[0].SMTP.STARTTLS = "not-offered"
	after.Findings = []report.Finding{{Rule: "SMT-12", Check: "starttls", Verdict: report.Fail, Host: "mx.example.org", Address: "192.0.2.1"}}
	w.save(t, before)
	w.save(t, after)
	for _, path := range []string{"/compare/before/after", "/compare/after/before"} {
		want(t, w.ask("GET", path, ""), 200, "<del>B</del>", "<ins>C</ins>", "<del>works</del>", "<ins>not offered</ins>",
			`href="/report/after#SMT-12">mx.example.org does not offer STARTTLS`, `href="/report/before#DAN-01"`)
	}
	other, err := input.Parse("example.net", true)
	if err != nil {
		t.Fatal(err)
	}
	w.save(t, sample(other, "other"))
	want(t, w.ask("GET", "/compare/before/other", ""), 404, "two domains")
	want(t, w.ask("GET", "/compare/before/nothing", ""), 404)
	want(t, w.ask("GET", "/check/example.org", ""), 200, `href="/compare/before/after"`)
	for _, path := range []string{"/api/v1/compare/before/after", "/api/v1/compare/after/before"} {
		want(t, w.ask("GET", path, ""), 200, `"domain":"example.org","before":{"id":"before",`, `"after":{"id":"after",`, `{"what":"letter","before":"B","after":"C"}`, `"came":[{"rule":"SMT-12"`, `"went":[{"rule":"DAN-01"`)
	}
	want(t, w.ask("GET", "/compare/before/after", "", "Accept", "application/json"), 200, `"domain":"example.org"`)
	want(t, w.ask("GET", "/compare/before/after?format=json", ""), 200, `"domain":"example.org"`)
	want(t, w.ask("GET", "/api/v1/compare/before/other", ""), 404, `"code":"two-domains"`, "/api#problem-two-domains")
	want(t, w.ask("GET", "/api/v1/compare/nothing/before", ""), 404, `"code":"no-such-report"`)
}
