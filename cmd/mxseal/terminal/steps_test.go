package terminal

import (
	"strings"
	"testing"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

func TestWhatToDoFirstInTheTerminal(t *testing.T) {
	dns := report.Step{Who: "owner", Kind: "dns", Do: "add", Where: "zone of example.net", Code: "a. IN TXT \"1\"\nb. IN TXT \"2\"", Text: "Publish these.", Wait: "an hour", Risk: "Nothing."}
	reload := report.Step{Who: "server", Kind: "command", Where: "a shell", Code: "postfix reload", Text: "Read them."}
	r := view.Report{Report: &report.Report{
		Conclusions: report.Conclusions{
			Grade:    &report.Grade{Letter: "C", Why: "Not better than C because: it is so (X-1).", First: []report.First{{Rule: "X-1", Rules: []string{"X-1", "X-2"}, Title: "Mend it", Letter: "A"}}},
			Findings: []report.Finding{{Rule: "X-1", Steps: []report.Step{dns, reload}}, {Rule: "X-2", Steps: []report.Step{dns, reload}}},
		},
	}}
	var b strings.Builder
	p := newPrinter(&b, false)
	p.because(r)
	p.first(r)
	p.how(r)
	if got, want := b.String(), `  Not better than C because: it is so (X-1).

Fix these first
  1. Mend it → A (X-1, X-2)

Step by step: 1. Mend it
  · You, the domain's owner: Publish these.
    [Add, zone of example.net]
    | a. IN TXT "1"
    | b. IN TXT "2"
    Then wait an hour.
    What may go wrong: Nothing.
  · The operator of the mail server: Read them.
    [a shell]
    | postfix reload
`; got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
	b.Reset()
	p.records("", []report.Step{dns, reload})
	if got := b.String(); strings.Contains(got, "reload") || !strings.Contains(got, "| b. IN TXT") {
		t.Errorf("under a finding stand the records alone, not\n%s", got)
	}
	b.Reset()
	p.first(view.Report{Report: &report.Report{Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "A+"}}}})
	p.how(view.Report{Report: &report.Report{}})
	if b.Len() > 0 {
		t.Errorf("nothing is to be done, and it says %q", b.String())
	}
}
