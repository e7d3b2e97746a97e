package checks

import (
	"cmp"
	"slices"
	"sync"

	"mxseal/checks/check"
	"mxseal/checks/fix"
	"mxseal/checks/grade"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Judge says what the present rules make of the evidence: what is kept of a report, without a sentence
// (Explain). It asks nobody: a stored report can be judged again. What is derived from the evidence is
// derived anew, and written into it.
func Judge(m report.Meta, e report.Evidence) report.Conclusions {
	r := &report.Report{Meta: m, Evidence: e}
	Derive(r.Observed())
	conclude(r)
	return r.Conclusions
}

// conclude judges evidence of which all is derived: findings, the grade, the changes.
func conclude(r *report.Report) {
	r.Rules = report.RulesSet
	r.Findings = findings(r.Observed(), Every...)
	result := grade.Of(r.Findings, Catalogue())
	r.Grade, r.Matrix, r.Badges = &result.Grade, result.Matrix, result.Badges
	r.Changes = changes(r)
}

// plan is what to do first.
func plan(r *report.Report) []report.Action {
	return grade.Plan(r.Findings, fix.Actions(r, Catalogue()))
}

// Derive writes into the evidence what follows from it.
func Derive(o report.Observed) {
	o.Say(view.Say)
	for _, c := range Every {
		if c.Derive != nil {
			c.Derive(o)
		}
	}
}

// findings are those of some checks, in their order. What is about no topic of its own is shown
// with the first.
func findings(o report.Observed, list ...check.Check) []report.Finding {
	lists := make([][]report.Finding, len(list))
	for i, c := range list {
		lists[i] = c.Judge(o)
	}
	all := slices.Concat(lists...)
	for i := range all {
		all[i].Check = cmp.Or(all[i].Check, All[0].ID)
	}
	return all
}

// changes lists the differences to the latest report before.
func changes(r *report.Report) []report.Change {
	if r.Past == nil {
		return nil
	}
	c := &check.Comparison{Observed: r.Observed()}
	if r.Grade != nil {
		c.Note(report.AspectLetter, "", "", string(r.Past.Letter), string(r.Grade.Letter))
	}
	for _, of := range All {
		if of.Compare != nil {
			of.Compare(c)
		}
	}
	return c.Changes
}

// Catalogue holds every rule.
func Catalogue() report.Catalogue { return catalogue() }

var catalogue = sync.OnceValue(func() report.Catalogue {
	rules := make(report.Catalogue)
	for _, c := range Every {
		for _, rule := range c.Rules {
			rules[rule.ID] = rule
		}
	}
	return rules
})

// Explain fills in what a report says and what is not stored: the sentences of the findings by the rules
// that are in force now, their steps, what to do first, and the forecast. A very large report has not
// all of them (report.Abridge).
func Explain(r *report.Report) {
	rules := Catalogue()
	for i := range r.Findings {
		f := &r.Findings[i]
		if rule, known := rules[f.Rule]; known {
			f.Explain(rule, r.Domain, view.Say)
		}
	}
	for i := range r.Findings { // the steps of one depend on what else was found
		if f := &r.Findings[i]; f.Title != "" {
			f.Steps = fix.Steps(r, rules, *f)
		}
	}
	if r.Grade != nil {
		r.Grade.Why, r.Grade.First = fix.Why(r), fix.First(r, plan(r))
	}
	r.Forecast = forecast(r)
	r.Abridge()
}
