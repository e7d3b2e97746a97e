package view

import (
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

func TestFindingsAreFoldedAndOrdered(t *testing.T) {
	at := func(rule string, v report.Verdict, host, title string) report.Finding {
		return report.Finding{Rule: rule, Check: "tls", Verdict: v, Host: host, Title: title}
	}
	r := Report{Topics: []Topic{{ID: "tls", Title: "TLS"}}, Report: &report.Report{Conclusions: report.Conclusions{Findings: []report.Finding{
		at("TLS-41", report.Info, "a.example", "post-quantum"),
		at("TLS-03", report.Warn, "a.example", "old TLS"),
		at("TLS-41", report.Info, "b.example", "post-quantum"), // says the same elsewhere
		at("TLS-20", report.Fail, "a.example", "broken at a"),
		at("TLS-20", report.Fail, "b.example", "broken at b"), // says something else
		{Rule: "XYZ-01", Check: "later", Verdict: report.Pass, Title: "a check this program does not know"},
	}}}}
	groups := r.Groups()
	if len(groups) != 2 || groups[0].ID != "tls" || groups[1].ID != "later" {
		t.Fatalf("groups %+v", groups)
	}
	var got []string
	for _, i := range groups[0].Items {
		got = append(got, i.Anchor+"|"+i.Title+"|"+strings.Join(i.Places, ","))
	}
	want := []string{"TLS-20|broken at a|a.example", "|broken at b|b.example", "TLS-03|old TLS|a.example", "TLS-41|post-quantum|a.example,b.example"}
	if !slices.Equal(got, want) {
		t.Errorf("items\n%q, want\n%q", got, want)
	}
	if grave := groups[0].Grave(); len(grave) != 3 || !grave[0].Open || grave[2].Open {
		t.Errorf("grave items %+v: faults open, weak spots at hand, notes folded", grave)
	}
}
