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

// Mark is what a trap says of the sender, good or bad: the worst finding about it. Where there is none and the
// message came against a promise, it is what was found about that promise.
func (v *Verdict) Mark(t Trap) report.Verdict {
	mark, found := worst(v.Findings, t)
	if found || !v.View.Of(t).Fate.Delivered() {
		return mark
	}
	switch t {
	case DANEClear, DANEIssuer, DANEUnusable, DANEBadSTS:
		mark, _ = worst(v.Findings, DANEBad)
	case STSOutside, STSOutsideMX, STSClear:
		mark, _ = worst(v.Findings, STSCert)
	case STSBadDANE:
		if v.Facts.DANE != Yes { // else it may come: the TLSA records fit
			mark, _ = worst(v.Findings, STSCert)
		}
	}
	return mark
}

// worst is the worst verdict among findings about a trap; pass where there is none.
func worst(findings []Finding, t Trap) (mark report.Verdict, found bool) {
	mark = report.Pass
	for _, f := range findings {
		if f.Trap != t {
			continue
		}
		found = true
		if v := f.Rule().Verdict; v == report.Fail || v == report.Warn && mark != report.Fail || v == report.Info && mark == report.Pass {
			mark = v
		}
	}
	return mark, found
}

// Plan are the findings whose fixes are to be made, each fix once, the most important first.
func Plan(findings []Finding) []Finding {
	var plan []Finding
	for _, v := range []report.Verdict{report.Fail, report.Warn, report.Info} {
		for _, f := range findings {
			fix := f.Rule().Fix
			if f.Rule().Verdict == v && fix != "" && !slices.ContainsFunc(plan, func(p Finding) bool { return p.Rule().Fix == fix }) {
				plan = append(plan, f)
			}
		}
	}
	return plan
}
