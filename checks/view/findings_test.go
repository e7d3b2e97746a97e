package view

import (
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

func TestFindingsAreGroupedByServerAndOrdered(t *testing.T) {
	at := func(rule string, v report.Verdict, host, address, title string) report.Finding {
		return report.Finding{Rule: rule, Check: "tls", Verdict: v, Host: host, Address: address, Title: title, Text: "Old. And weak."}
	}
	r := Report{Topics: []Topic{{ID: "tls", Title: "TLS"}}, Report: &report.Report{
		Meta: report.Meta{Domain: "example.org"},
		Evidence: report.Evidence{Hosts: []*report.Host{
			{Name: "a.example", Addresses: []*report.Address{{IP: "192.0.2.1"}, {IP: "192.0.2.2"}}},
			{Name: "b.example", Addresses: []*report.Address{{IP: "192.0.2.3"}}}, {Name: "c.example"}}},
		Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "C", Because: []string{"TLS-21"}}, Findings: []report.Finding{
			at("TLS-41", report.Info, "a.example", "192.0.2.1", "post-quantum"),
			at("TLS-03", report.Warn, "a.example", "192.0.2.2", "192.0.2.2 takes old TLS"),
			at("TLS-41", report.Info, "b.example", "192.0.2.3", "post-quantum"), // says the same elsewhere
			at("TLS-20", report.Fail, "a.example", "", "a.example is broken"),
			at("TLS-20", report.Fail, "b.example", "", "b.example is broken"), // the same of another server
			at("TLS-21", report.Fail, "a.example", "", "a.example holds the letter"),
			at("TLS-21", report.Fail, "b.example", "192.0.2.3", "192.0.2.3 of b.example: two names"),
			{Rule: "XYZ-01", Check: "later", Verdict: report.Pass, Title: "a check this program does not know"},
		}}}}
	var got []string
	for _, g := range r.Groups() {
		for _, i := range g.Items {
			got = append(got, g.Title+"|"+i.Anchor+"|"+i.Title+"|"+strings.Join(i.Places, ","))
		}
	}
	want := []string{
		"a.example and b.example|TLS-20|a.example (and 1 more) is broken|a.example,b.example",
		"a.example and b.example|TLS-41|post-quantum|a.example 192.0.2.1,b.example 192.0.2.3",
		"a.example|TLS-21|a.example holds the letter|a.example",
		"a.example|TLS-03|a.example (192.0.2.2) takes old TLS|a.example 192.0.2.2",
		"b.example|TLS-21-b.example|192.0.2.3 of b.example: two names|b.example 192.0.2.3",
		"example.org|XYZ-01|a check this program does not know|",
	}
	if !slices.Equal(got, want) {
		t.Errorf("items\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if first, rest := r.Groups()[0].Items[0].Brief(); first != "Old." || rest != "And weak." {
		t.Errorf("in brief %q, and then %q", first, rest)
	}
}

func TestServersAreOrderedByNumber(t *testing.T) {
	names := []string{"mx10.a", "mx2.a", "mx1.b", "mx1.a", "mx", "a"}
	slices.SortFunc(names, byNumber)
	if want := []string{"a", "mx", "mx1.a", "mx1.b", "mx2.a", "mx10.a"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}
