package checks

import (
	"slices"
	"strings"
	"sync"

	"mxseal/checks/grade"
	"mxseal/checks/remedy"
	"mxseal/checks/report"
)

// OwnRules are the rows of the catalogue about the checker itself.
var OwnRules = report.Rules{
	{
		ID: "OPS-01", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "This instance has trouble of its own: {what}",
		Text:      "{why} What could not be found out may be our fault and not that of {domain}.",
		Reference: "RFC 5321 §4.1.4",
	},
	{
		ID: "OPS-06", Verdict: report.Untested, Effects: []report.Effect{report.NotTestable},
		Title:     "STARTTLS does not reach this instance unharmed",
		Text:      "{why} As long as that is so, no verdict is given on anybody.",
		Reference: "RFC 3207 §6",
	},
	{
		ID: "OPS-11", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "The check did not come to its end",
		Text:      "{why}. What is missing is untested; the letter speaks of what was seen until then.",
		Remedy:    "Check again later.",
		Reference: "RFC 5321 §4.5.3.2",
	},
	{
		ID: "OPS-12", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "This instance ran out of files, ports, memory or places during the check",
		Text:      "{why} What was not found out says nothing about {domain} or its servers, and an earlier report stays the latest.",
		Remedy:    "Check again later. The operator of this instance finds what is lacking in its log and under /readyz.",
		Reference: "RFC 5321 §4.5.4.1",
	},
	{
		ID: "OPS-13", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "The resolver of this instance does not answer, not even for the root",
		Text:      "{why} That no answer came about {domain} is our own trouble: its name servers are not to blame, and an earlier report stays the latest.",
		Remedy:    "Check again later. The operator of this instance finds more in its log and under /readyz.",
		Reference: "RFC 1034 §5.3.1",
	},
}

// Judge replaces the findings, the matrix, the badges and the grade of r by those that the
// present rules give for its evidence. It asks nobody: a stored report can be judged again.
func Judge(r *report.Report) {
	r.Rules = report.RulesSet
	r.Findings = slices.Concat(judgeOurselves(r), judgeInput(r), judgeHistory(r))
	for _, c := range All {
		r.Findings = append(r.Findings, c.Judge(r)...)
	}
	r.Grade = nil // what was said of an old letter goes with it
	explain(r)    // before the grade: a weakness without a remedy is not offered as a next step
	result := grade.Of(r.Findings)
	r.Grade, r.Matrix, r.Badges = &result.Grade, result.Matrix, result.Badges
	advise(r)
	r.Abridge()
	r.Changes = changes(r)
}

// judgeOurselves says whether this check was a whole one.
func judgeOurselves(r *report.Report) []report.Finding {
	j := report.NewJudgement("mx", OwnRules)
	if r.Interrupted != "" {
		j.Add("OPS-11").With("why", r.Interrupted)
	}
	for _, c := range r.Conditions {
		switch c.Name {
		case report.STARTTLSCondition:
			j.Add("OPS-06").With("why", c.Text)
		case report.ResourcesCondition:
			j.Add("OPS-12").With("why", c.Text)
		case report.AnswerCondition:
			j.Add("OPS-13").With("why", c.Text)
		default:
			j.Add("OPS-01").With("what", c.Name).With("why", c.Text)
		}
	}
	if len(r.Faults) > 0 {
		j.Add("OPS-11").With("why", "A fault of our own ended these checks early: "+strings.Join(r.Faults, ", "))
	}
	return j.Findings()
}

// catalogue holds every rule by its id.
var catalogue = sync.OnceValue(func() map[string]report.Rule {
	rules := make(map[string]report.Rule)
	know := func(list report.Rules) {
		for _, rule := range list {
			rules[rule.ID] = rule
		}
	}
	know(OwnRules)
	know(InputRules)
	know(HistoryRules)
	for _, c := range All {
		know(c.Rules)
	}
	return rules
})

// Explain fills in every sentence of the report that is not stored: those of the findings,
// from the rules that are in force now, and those of the forecast. A very large report has
// not all of them (report.Abridge).
func Explain(r *report.Report) {
	explain(r)
	r.Abridge()
}

func explain(r *report.Report) {
	rules := catalogue()
	for i := range r.Findings {
		f := &r.Findings[i]
		if rule, known := rules[f.Rule]; known {
			f.Explain(rule, r.Domain)
		}
	}
	for i := range r.Findings { // the steps of one depend on what else was found
		if f := &r.Findings[i]; f.Title != "" {
			f.Steps = remedy.For(r, *f)
		}
	}
	advise(r)
	r.Forecast = forecast(r)
}

// advise says why the letter is no better, and what to do first. It needs the grade and
// the sentences of the findings.
func advise(r *report.Report) {
	if r.Grade == nil {
		return
	}
	r.Grade.Why = remedy.Why(r)
	r.Grade.First = grade.Plan(r.Findings, remedy.Repairs(r))
}
