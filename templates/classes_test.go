package templates

import (
	"testing"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

func TestClasses(t *testing.T) {
	if got := verdictClass(report.Verdict(hostile)); got != "none" {
		t.Errorf("a class %q", got)
	}
	for _, m := range view.Meanings(view.AllOutcomes) {
		if outcomeIcon(m.Word) == "unknown" {
			t.Errorf("no symbol for %s", m.Word)
		}
	}
	for _, v := range view.Verdicts {
		if verdictClass(v) == "none" {
			t.Errorf("no class for %s", v)
		}
	}
}
