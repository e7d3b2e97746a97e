// Package self says what is wrong with the checker itself: troubles of its own network, and checks
// that were no whole ones. It is no check that is listed: its findings are shown with the first
// that is.
package self

import (
	"strings"

	"mxseal/checks/check"
	"mxseal/checks/report"
)

// Check is the check.
var Check = check.Check{Rules: Rules, Judge: Judge}

// Rules are the rows of the catalogue about the checker itself.
var Rules = report.Rules{
	{
		ID: "OPS-01", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "This instance has trouble of its own: {what}",
		Text:      "{why} What could not be found out may be our fault and not that of {domain}.",
		Reference: "RFC 5321 §4.1.4",
	},
	{
		ID: "OPS-06", Verdict: report.Untested, Effects: []report.Effect{report.NotTestable},
		Title:     "STARTTLS does not reach this instance unharmed",
		Text:      "{why} Until that changes, we judge nobody.",
		Reference: "RFC 3207 §6",
	},
	{
		ID: "OPS-11", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "The check did not finish",
		Text:      "{why}. What is missing is untested, and the letter leaves it out.",
		FixText:   "Check again later.",
		Reference: "RFC 5321 §4.5.3.2",
	},
	{
		ID: "OPS-12", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "This instance ran out of files, ports, memory or places during the check",
		Text:      "{why} What was not found out says nothing about {domain} or its servers, and an earlier report stays the latest.",
		FixText:   "Check again later. The operator of this instance finds what is lacking in its log and under /readyz.",
		Reference: "RFC 5321 §4.5.4.1",
	},
	{
		ID: "OPS-13", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "The resolver of this instance does not answer, not even for the root",
		Text:      "{why} We got no answer about {domain} because of our own trouble. Its name servers are not to blame, and an earlier report stays the latest.",
		FixText:   "Check again later. The operator of this instance finds more in its log and under /readyz.",
		Reference: "RFC 1034 §5.3.1",
	},
	{
		ID: "OPS-14", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "The check did not finish",
		Text:      "A fault of our own ended these checks early: {checks}. What is missing is untested, and the letter leaves it out.",
		FixText:   "Check again later.",
		Reference: "RFC 5321 §4.5.3.2",
	},
}

// Judge says whether this check was a whole one.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement("", Rules)
	if r.Interrupted != "" {
		j.Add("OPS-11").With("why", string(r.Interrupted))
	}
	for _, c := range r.Conditions {
		switch c.Name {
		case report.STARTTLSCondition:
			j.Add("OPS-06").Saying("why", c.Statement.Or(c.Text))
		case report.ResourcesCondition:
			j.Add("OPS-12").Saying("why", c.Statement.Or(c.Text))
		case report.AnswerCondition:
			j.Add("OPS-13").Saying("why", c.Statement.Or(c.Text))
		default:
			j.Add("OPS-01").With("what", c.Name).Saying("why", c.Statement.Or(c.Text))
		}
	}
	if len(r.Faults) > 0 {
		j.Add("OPS-14").With("checks", strings.Join(r.Faults, ", "))
	}
	return j.Findings()
}
