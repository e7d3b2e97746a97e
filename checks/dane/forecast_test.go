package dane

import (
	"slices"
	"testing"
	"time"

	"mxseal/checks/report"
)

// Where TLSA records name some of the issuers of a public authority, the next renewal is a
// date to mind; one in reserve alone is not.
func TestForecastOfAnIssuerThatChanges(t *testing.T) {
	today := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, verdict := range []report.Verdict{report.Warn, report.Info} {
		c := &report.Certificate{PublicCA: true, PKIX: "ok", Via: "first", NotBefore: today.AddDate(0, 0, -30), NotAfter: today.AddDate(0, 0, 60)}
		a := &report.Address{IP: "192.0.2.1", Certificates: []*report.Certificate{c}}
		h := &report.Host{Name: "mx.example.org", Addresses: []*report.Address{a},
			TLSA: report.TLSA{State: "match", Records: []report.TLSARecord{{Usage: 2, Selector: 1, Matches: []string{a.IP}}}}}
		r := &report.Report{Meta: report.Meta{Domain: "example.org", CheckedAt: today}, Evidence: report.Evidence{Hosts: []*report.Host{h}}, Conclusions: report.Conclusions{Findings: []report.Finding{{Rule: "DAN-49", Verdict: verdict, Host: h.Name}}}}
		due := slices.ContainsFunc(Forecast(r), func(d report.Due) bool { return d.Rule == "DAN-49" && d.At.Equal(today.AddDate(0, 0, 30)) })
		if due != (verdict == report.Warn) {
			t.Errorf("%s: due %v", verdict, due)
		}
	}
}
