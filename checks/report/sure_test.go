package report

import "testing"

func TestHowSureALetterIs(t *testing.T) {
	prov := func(l, worst, best Letter) *Grade {
		return &Grade{Letter: l, Provisional: true, Worst: worst, Best: best}
	}
	firm := func(l Letter) *Grade { return &Grade{Letter: l} }
	for _, c := range []struct {
		why    string
		g      *Grade
		least  Letter
		firm   bool
		bound  Bound
		stated string
	}{
		{"nothing is known", nil, "B", false, Unsure, "?"},
		{"no letter", firm(""), "B", false, Unsure, "?"},
		{"not testable", firm("T"), "F", false, Unsure, "T"},
		{"does not exist", &Grade{Letter: "T", Reason: DoesNotExist}, "F", false, Below, "T"},
		{"leads nowhere", &Grade{Letter: "T", Reason: Undeliverable}, "F", false, Below, "T"},
		{"does not exist, perhaps", &Grade{Letter: "T", Reason: DoesNotExist, Provisional: true}, "F", false, Unsure, "T (provisional)"},
		{"takes no mail", firm("N"), "A+", true, Reached, "N"},
		{"takes no mail, perhaps", prov("N", "", ""), "B", false, Unsure, "N (provisional)"},
		{"good enough", firm("B"), "B", true, Reached, "B"},
		{"better", firm("A+"), "B", true, Reached, "A+"},
		{"below", firm("C"), "B", true, Below, "C"},
		{"what is missing may lower it below", prov("B", "D", "B"), "B", false, Unsure, "B (provisional)"},
		{"what is missing cannot lower it below", prov("B", "D", "A+"), "D", false, Reached, "B (provisional)"},
		{"what is missing may lift it", prov("C", "D", "A"), "B", false, Unsure, "C (provisional)"},
		{"what is missing cannot lift it so far", prov("C", "F", "C"), "B", false, Below, "C (provisional)"},
		{"A+ is out of reach only as long as something is missing", prov("A", "A", "A+"), "A+", false, Unsure, "A (provisional)"},
		{"a report from before the range was kept", prov("B", "", ""), "F", false, Unsure, "B (provisional)"},
	} {
		if c.g.Firm() != c.firm || c.g.Against(c.least) != c.bound || c.g.Stated() != c.stated {
			t.Errorf("%s: firm %v, bound %v, %q; want %v, %v, %q", c.why, c.g.Firm(), c.g.Against(c.least), c.g.Stated(), c.firm, c.bound, c.stated)
		}
		if said := c.g.Doubt() != ""; said != (c.g != nil && c.g.Provisional) {
			t.Errorf("%s: doubt %q", c.why, c.g.Doubt())
		}
	}
}
