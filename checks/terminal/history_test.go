package terminal

import (
	"strings"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

func TestHistoryText(t *testing.T) {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	digest := strings.Repeat("ab", 32)
	dues := []report.Due{
		{At: at.AddDate(0, 0, 1), Rule: "SEC-22", Text: "One."}, {At: at.AddDate(0, 0, 2), Rule: "CRT-06", Text: "Two."},
		{At: at.AddDate(0, 0, 3), Rule: "CRT-06", Text: "Three."}, {At: at.AddDate(0, 0, 4), Rule: "STS-13", Text: "Four."},
	}
	topics := []view.Topic{{Changes: map[report.Aspect]string{"mx": "Mail server"}}, {Changes: map[report.Aspect]string{"starttls": "STARTTLS", "key": "Public key"}}}
	for _, c := range []struct {
		why    string
		report report.Report
		want   string
	}{
		{"nothing to say", report.Report{Evidence: report.Evidence{Past: &report.Past{CheckedAt: at}}}, ""},
		{"changes", report.Report{Evidence: report.Evidence{Past: &report.Past{CheckedAt: at}}, Conclusions: report.Conclusions{Changes: []report.Change{
			{What: "letter", Before: "A", After: "F"},
			{What: "starttls", Host: "mx.example.org", Address: "192.0.2.1", Before: "ok", After: "not-offered"},
			{What: "mx", Host: "mx2.example.org", After: "20"},
			{What: "key", Host: "mx.example.org", Address: "192.0.2.1", Before: digest, After: digest[1:] + "0"},
		}}}, `
What changed since the report of 1 November 2026, 12:00 UTC
  Grade: A → F
  STARTTLS mx.example.org 192.0.2.1: works → not offered
  Mail server mx2.example.org: none → 20
  Public key mx.example.org 192.0.2.1: abababababab… → babababababa…
`},
		{"all dates", report.Report{Conclusions: report.Conclusions{Forecast: dues[2:]}}, `
Upcoming expiry dates
  4 Nov 2026 CRT-06 Three.
  5 Nov 2026 STS-13 Four.
`},
	} {
		var b strings.Builder
		p := newPrinter(&b, false)
		p.history(view.Report{Report: &c.report, Topics: topics})
		if p.err != nil || b.String() != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.why, p.err, b.String(), c.want)
		}
	}
}
