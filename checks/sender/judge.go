package sender

import (
	"slices"
	"time"

	"mxseal/checks/report"
)

// Finding is a rule that applied.
type Finding struct {
	ID   string `json:"rule"`
	Trap Trap   `json:"trap,omitempty"` // that it is about
}

// Rule is the rule of a finding.
func (f Finding) Rule() Rule {
	if i := slices.IndexFunc(Rules, func(r Rule) bool { return r.ID == f.ID }); i >= 0 {
		return Rules[i]
	}
	return Rule{}
}

// Verdict is what follows from the evidence of a test at a moment.
type Verdict struct {
	View     *View
	Facts    Facts
	Grade    Grade
	Findings []Finding
	Software Software
	Decided  int // traps
	Offered  int
}

// Judge says what follows. The same evidence at the same moment gives the same.
func Judge(e *Evidence, now time.Time) *Verdict {
	v := Derive(e, now)
	f := factsOf(v, e)
	verdict := &Verdict{View: v, Facts: f, Findings: judge(f, v), Software: softwareOf(e, v), Offered: len(v.Outcomes)}
	verdict.Grade = gradeOf(f, v, verdict.Findings)
	for _, o := range v.Outcomes {
		if o.Fate.Settled() {
			verdict.Decided++
		}
	}
	return verdict
}

// judge applies every rule, in the order of the catalogue.
func judge(f Facts, v *View) []Finding {
	var found []Finding
	for _, r := range Rules {
		if r.Trap != "" && !slices.Contains(r.Fates, v.Of(r.Trap).Fate) || r.If != nil && !r.If(f) {
			continue
		}
		if r.Old && v.Of(r.Trap).Version >= tls12 {
			continue
		}
		found = append(found, Finding{ID: r.ID, Trap: r.Trap})
	}
	return found
}

const tls12 = 0x0303

// Worst is the worst verdict among findings about a trap; pass where there is none.
func Worst(findings []Finding, t Trap) report.Verdict {
	worst := report.Pass
	for _, f := range findings {
		v := f.Rule().Verdict
		if f.Trap == t && (v == report.Fail || v == report.Warn && worst != report.Fail || v == report.Info && worst == report.Pass) {
			worst = v
		}
	}
	return worst
}
