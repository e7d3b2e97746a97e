package view

import (
	"slices"
	"testing"

	"mxseal/checks/report"
)

// Servers with the same words and the same findings share a row; one whose addresses differ does not.
func TestServersThatAreAlike(t *testing.T) {
	host := func(name string, preference uint16, versions ...string) *report.Host {
		h := &report.Host{Name: name, Preference: preference}
		for i, v := range versions {
			h.Addresses = append(h.Addresses, &report.Address{IP: name + string(rune('a'+i)), Reachable: v != "", TLS: &report.TLS{Version: report.Version(v)}})
		}
		return h
	}
	column := Column{Name: "TLS", Check: "tls", Word: func(_ report.Observed, _ *report.Host, a *report.Address) Word {
		return Word{Text: string(a.TLS.Version)}
	}}
	r := Report{Columns: []Column{column}, Report: &report.Report{}}
	r.Hosts = []*report.Host{host("mx1", 10, "1.3", "1.3"), host("mx2", 10, "1.3"), host("mx10", 20, "1.3"), host("mx4", 10, "1.2"), host("mx5", 10, "1.3", "1.2"),
		host("mx6", 10, "1.3", "1.2"), host("mx7", 10, ""), host("mx8", 10, "1.3"), host("mx9", 30, "")}
	r.Findings = []report.Finding{{Rule: "TLS-01", Check: "tls", Host: "mx8", Address: "mx8a", Verdict: report.Pass}}
	var got []string
	for _, s := range r.Servers() {
		got = append(got, s.Name()+" "+s.Preference())
	}
	if want := []string{"mx1, mx2 and mx10 10, 20", "mx4 10", "mx5 10", "mx6 10", "mx7 and mx9 10, 30", "mx8 10"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if n := len(r.Servers()[0].Lines); n != 1 {
		t.Errorf("several servers have %d lines", n)
	}
}
