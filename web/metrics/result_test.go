package metrics

import (
	"maps"
	"testing"

	"mxseal/checks/report"
)

// sampleReport has one of each thing that is counted.
var sampleReport = &report.Report{Meta: report.Meta{ElapsedMS: 2500, Connections: 7, Interrupted: "The time ran out", Faults: []string{"tls"}}, Evidence: report.Evidence{MX: &report.MX{Failure: &report.Failure{Phase: "mx", Kind: "servfail"}}, DNSSEC: &report.DNSSEC{Authorities: []report.Authority{{Questions: 5}, {Questions: 2, Failure: &report.Failure{Phase: "dns", Kind: "blocked"}}}}, Hosts: []*report.Host{
	{Name: "mx.example.org", Addresses: []*report.Address{
		{Failure: &report.Failure{Phase: "connect", Kind: "timeout"}},
		{Failure: &report.Failure{Phase: "connect", Kind: "timeout"}},
		{NotTested: "limit"},
		{NotTested: "forbidden", Failure: &report.Failure{Phase: "connect", Kind: "forbidden"}},
		{SMTP: &report.SMTP{MailFailure: &report.Failure{Phase: "mail", Kind: "closed"}}},
		{Failure: &report.Failure{Phase: "mx.example.org", Kind: "203.0.113.1"}}, // no words of ours
	}},
	{Name: "gone.example.org", NotTested: "no-address", Failure: &report.Failure{Phase: "address", Kind: "nxdomain"}}, // a fact
}, MTASTS: &report.MTASTS{Fetch: &report.Fetch{Failure: &report.Failure{Phase: "certificate", Kind: "expired"}}}}, Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "D"}, Findings: []report.Finding{
	{Rule: "SMT-15", Verdict: report.Pass}, {Rule: "SMT-15", Verdict: report.Pass}, {Rule: "CRT-14", Verdict: report.Fail},
	{Rule: "ABC-99", Verdict: report.Fail}, {Rule: "CRT-14", Verdict: "excellent"}, // no row, no verdict: not counted
}}}

func TestResultOf(t *testing.T) {
	got := resultOf(sampleReport)
	want := result{letter: "D", seconds: 2.5, connections: 7, questions: 7, interrupted: true, faults: 1,
		findings: map[ruled]int{{"SMT-15", "pass"}: 2, {"CRT-14", "fail"}: 1},
		untested: map[missed]int{{"mx", "servfail"}: 1, {"dns", "blocked"}: 1, {"connect", "timeout"}: 2, {"connect", "limit"}: 1, {"connect", "forbidden"}: 1,
			{"mail", "closed"}: 1, {other, other}: 1},
	}
	if got.letter != want.letter || got.seconds != want.seconds || got.connections != want.connections || got.questions != want.questions ||
		got.interrupted != want.interrupted || got.faults != want.faults || !maps.Equal(got.findings, want.findings) || !maps.Equal(got.untested, want.untested) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for why, r := range map[string]*report.Report{"a check that panicked": nil, "a report without a grade": {}, "a letter that is none": {Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "example.org"}}}} {
		if got := resultOf(r).letter; got != noLetter {
			t.Errorf("%s counts as %q", why, got)
		}
	}
}
