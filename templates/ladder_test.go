package templates

import (
	"strings"
	"testing"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

func TestTheLadderMarksTheBrokenLink(t *testing.T) {
	zones := func(states ...report.State) (chain []report.Link) {
		for i, s := range states {
			chain = append(chain, report.Link{Zone: []string{".", "org", "example.org"}[i], State: s, DS: []report.DS{{Tag: 1, Algorithm: 13, Digest: 2}}, Detail: hostile})
		}
		return chain
	}
	const secure, bogus = report.Secure, report.Bogus
	for _, c := range []struct {
		why    string
		trust  report.Trust
		broken string // what follows the mark of the broken link; empty where none is
		says   []string
	}{
		{"all secure", report.Trust{State: secure, Chain: zones(secure, secure, secure), Notes: []report.Note{"expires-soon"}}, "", []string{"the answer", "the signature ends within three days"}},
		{"a zone", report.Trust{State: bogus, Reason: "ds-mismatch", EDE: 9, Chain: zones(secure, secure, bogus)}, "example.org", []string{"To act:", "The owner of example.org, at the registrar", "&lt;script&gt;"}},
		{"a top-level domain", report.Trust{State: bogus, Reason: "signature-expired", EDE: 7, Chain: zones(secure, bogus)}, "org", []string{"The operator of the top-level domain org"}},
		{"the answer", report.Trust{State: bogus, Reason: "signature-expired", EDE: 7, Detail: hostile, Chain: zones(secure, secure, secure)}, "the answer", []string{"extended DNS error 7", "The DNS host of example.org", "&lt;script&gt;"}},
		{"no chain at all", report.Trust{State: report.Indeterminate, Reason: "lookup-failed", EDE: 23}, "the answer", []string{"lookup-failed"}},
	} {
		html := render(t, ladder(view.LadderOf("MX of example.org", c.trust), false))
		_, after, marked := strings.Cut(html, `broken">`)
		if strings.Count(html, `broken"`) > 1 || marked != (c.broken != "") {
			t.Errorf("%s: marked %v\n%s", c.why, marked, html)
		}
		if _, name, _ := strings.Cut(after, "<strong>"); marked && !strings.HasPrefix(name, c.broken+"<") {
			t.Errorf("%s: the mark is not at %s\n%s", c.why, c.broken, after)
		}
		for _, s := range c.says {
			if !strings.Contains(html, s) {
				t.Errorf("%s: %q is not said", c.why, s)
			}
		}
	}
}

func TestTheServersOfAZoneAreListed(t *testing.T) {
	html := render(t, blocks([]view.Block{view.NameServers(report.Authority{Zone: "example.org", Servers: []report.NameServer{
		{Name: "ns1", IP: "192.0.2.1", TCP: "ok", Text: "ns1 answers."}, {Name: "ns2", IP: "192.0.2.2", Fault: "timeout", Text: hostile},
		{Name: "ns3", IP: "192.0.2.3", TCP: "timeout", Text: "ns3 answers."}, {Name: "ns4", IP: "2001:db8::4", Fault: "unreachable", Text: "ns4 is out of reach."}}})}, false))
	for _, want := range []string{"example.org", "v-pass", "v-fail", "v-warn", "v-untested", "&lt;script&gt;"} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is missing in %s", want, html)
		}
	}
	if html := render(t, blocks([]view.Block{view.NameServers(report.Authority{Failure: &report.Failure{Text: "Port 53 seems to be closed."}})}, false)); !strings.Contains(html, "Port 53") {
		t.Error(html)
	}
}
