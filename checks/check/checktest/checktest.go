// Package checktest holds what the tests of every check ask of its rules, over the reports that
// they judge. Only tests import it.
package checktest

import (
	"strings"
	"testing"

	"mxseal/checks/check"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Rules fails for every rule of the check that applies to none of the reports, and for every one
// that applies to all: the cases of a check have one of either kind for each. What applies is
// said in whole sentences. No rule is there twice, and the document of a check that is listed has a title.
func Rules(t *testing.T, c check.Check, reports []*report.Report) {
	t.Helper()
	if c.ID != "" && !strings.HasPrefix(c.Doc, "# ") {
		t.Error("doc.md has no title")
	}
	applies := make(map[string]int) // in how many reports
	for _, r := range reports {
		seen := make(map[string]bool)
		for _, f := range c.Judge(r.Observed()) {
			if !seen[f.Rule] {
				applies[f.Rule]++
			}
			seen[f.Rule] = true
			whole(t, c, f, r.Domain)
		}
	}
	known := make(map[string]bool)
	for _, rule := range c.Rules {
		if known[rule.ID] {
			t.Errorf("%s is there twice", rule.ID)
		}
		known[rule.ID] = true
		if n := applies[rule.ID]; n == 0 || n == len(reports) {
			t.Errorf("%s applies in %d of %d cases; it should in some and not in others", rule.ID, n, len(reports))
		}
	}
}

// whole fails where a sentence has a placeholder left or is empty, and where a fault is told and
// not what to do.
func whole(t *testing.T, c check.Check, f report.Finding, domain string) {
	t.Helper()
	f.Explain(c.Rules.Find(f.Rule), domain, view.Say)
	for _, s := range []string{f.Title, f.Text, f.FixText} {
		if strings.ContainsAny(s, "{}") || strings.Contains(s, "  ") {
			t.Errorf("%s says %q, with a placeholder or a gap in it", f.Rule, s)
		}
	}
	if strings.TrimSpace(f.Title) == "" || strings.TrimSpace(f.Text) == "" || f.FixText == "" && (f.Verdict == report.Fail || f.Verdict == report.Warn) {
		t.Errorf("%s lacks a sentence: %q %q %q", f.Rule, f.Title, f.Text, f.FixText)
	}
}
