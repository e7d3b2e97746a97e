// Package input understands what a person typed, and says what there is to say of it. It is no
// check that is listed: its findings are shown with the first that is.
package input

import (
	"regexp"
	"slices"

	"mxseal/checks/check"
	"mxseal/checks/report"
)

// Check is the check.
var Check = check.Check{Rules: Rules, Judge: Judge}

// serverName is how the names of mail servers begin.
var serverName = regexp.MustCompile(`^(mx|mail|smtp)[0-9-]*\.`)

// Judge turns what was noted about the typed name into findings.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement("", Rules)
	for _, id := range r.Input {
		// A stored report may come from a later version with rows unknown here.
		if slices.ContainsFunc(Rules, func(rule report.Rule) bool { return rule.ID == id }) {
			j.Add(id)
		}
	}
	if r.MX != nil && r.MX.State == report.MXImplicit && serverName.MatchString(r.Domain) && slices.ContainsFunc(r.Hosts, reached) {
		j.Add("INP-14")
	}
	return j.Findings()
}

// reached reports whether the host answered at one address at least.
func reached(h *report.Host) bool {
	return slices.ContainsFunc(h.Addresses, func(a *report.Address) bool { return a.Reachable })
}
