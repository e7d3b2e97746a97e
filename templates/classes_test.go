package templates

import (
	"testing"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

func TestClasses(t *testing.T) {
	if got := outcomeClass(`"><script>`); got != "unknown" {
		t.Errorf("a class %q", got)
	}
	if got := verdictClass(report.Verdict(hostile)); got != "none" {
		t.Errorf("a class %q", got)
	}
	for _, o := range view.AllOutcomes {
		if outcomeClass(o) == "unknown" {
			t.Errorf("no class for %s", o)
		}
	}
	for _, v := range view.Verdicts {
		if verdictClass(v) == "none" {
			t.Errorf("no class for %s", v)
		}
	}
}
