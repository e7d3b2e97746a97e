package templates

import (
	"strings"
	"testing"

	"mxseal/checks/report"
)

// advised is a report with one thing to do first, whose steps hold what a stranger said.
func advised() Report {
	steps := []report.Step{
		{Who: "owner", Kind: "dns", Do: "add", Where: "zone of example.net", Code: "_25._tcp.mx.example.net. IN TLSA 3 1 1 abab", Text: "Publish the digest.", Wait: "10 minutes", Risk: "Mail may wait."},
		{Who: "provider", Kind: "message", Code: "Subject: " + hostile, Text: "Send this."},
		{Who: "server", Kind: "task", Text: hostile},
	}
	return page(&report.Report{Meta: report.Meta{Domain: "example.net", CheckedAt: moment}, Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "C", First: []report.First{{Rule: "DAN-03", Rules: []string{"DAN-03", "DAN-16"}, Title: "Publish the key", Letter: "A", Effort: report.OneRecord}}}, Findings: []report.Finding{{Rule: "DAN-03", Check: "dane", Verdict: report.Warn, Title: "One record away", FixText: "Publish it.", Steps: steps}, {Rule: "DAN-16", Check: "dane", Verdict: report.Warn, Steps: steps}}}})
}

// Where the provider has to act, the first screen leads to the message for it.
func TestTheFirstScreenLeadsToTheMessageForTheProvider(t *testing.T) {
	r := advised()
	r.Operators.Mail = []string{"Example Hosting"}
	html := render(t, verdict(r))
	for _, want := range []string{`<a href="#how-1">Message to the provider</a>`, `data-link="/report/"`, ">Copy link</button>"} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is missing in\n%s", want, html)
		}
	}
	for i := range r.Findings {
		r.Findings[i].Steps = r.Findings[i].Steps[:1]
	}
	if html = render(t, verdict(r)); strings.Contains(html, "Message to the provider") {
		t.Errorf("there is no message, and the page leads to it:\n%s", html)
	}
}

func TestFirstSteps(t *testing.T) {
	html := render(t, FirstSteps(advised()))
	for _, want := range []string{
		"Fix these first", "Publish the key", ">A</strong>", `href="#DAN-03"`, `href="#DAN-16"`,
		"You, the domain&#39;s owner:", "Add, zone of example.net", "<pre>_25._tcp.mx.example.net. IN TLSA 3 1 1 abab</pre>",
		"Then wait 10 minutes.", "Mail may wait.", "The provider:", "The operator of the mail server:", "Subject: &lt;script&gt;",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is missing in\n%s", want, html)
		}
	}
	if strings.Contains(html, "<script") || strings.Contains(html, "<img") {
		t.Errorf("the text of a stranger is markup:\n%s", html)
	}
	if n := strings.Count(html, "Publish the digest."); n != 1 {
		t.Errorf("a step of two findings stands there %d times, want once", n)
	}
	if html := render(t, FirstSteps(page(&report.Report{Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "A+"}}}))); html != "" {
		t.Errorf("nothing is to be done, and the page says %q", html)
	}
}

// A finding shows its steps, or leads to the change that has them all already.
func TestAFindingShowsItsSteps(t *testing.T) {
	r := advised()
	html := render(t, findings(r))
	if !strings.Contains(html, "3 steps for you, the provider") || !strings.Contains(html, `href="#how-1"`) || strings.Contains(html, "IN TLSA 3 1 1 abab</pre>") {
		t.Errorf("steps of the plan are not led to in\n%s", html)
	}
	r.Findings[0].Steps = append(r.Findings[0].Steps, report.Step{Who: "owner", Kind: "task", Text: "One more."})
	r.Grade.First[0].Rules = []string{"DAN-16"}
	html = render(t, findings(r))
	if !strings.Contains(html, "4 steps for you, the provider") || !strings.Contains(html, "IN TLSA 3 1 1 abab</pre>") || strings.Count(html, `href="#how-1"`) != 1 {
		t.Errorf("no steps in\n%s", html)
	}
	r.Grade.First = nil
	if html = render(t, findings(r)); strings.Contains(html, `href="#how-`) || strings.Count(html, "IN TLSA 3 1 1 abab</pre>") != 2 {
		t.Errorf("without a plan no steps in\n%s", html)
	}
}
