package checks

import (
	"slices"
	"strings"

	"mxseal/checks/fix"
	"mxseal/checks/fix/place"
	"mxseal/checks/grade"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// operators says who runs the mail servers and the DNS of a domain, and the best letter that its
// owner can reach without them.
func operators(r *report.Report) view.Operators {
	var o view.Operators
	for _, h := range r.Hosts {
		o.Mail = runBy(o.Mail, h.Name, r.Domain)
	}
	for _, name := range r.NameServers(r.Domain) {
		o.DNS = runBy(o.DNS, name, r.Domain)
	}
	if r.Grade != nil && r.Grade.Letter.Valid() && slices.ContainsFunc(r.Grade.First, func(f report.First) bool { return f.Effort == report.OtherProvider }) {
		o.Best = unaided(r)
	}
	return o
}

// runBy adds who runs a machine to a list, once.
func runBy(list []string, machine, domain string) []string {
	name := view.Itself
	if p := place.Operator(machine, domain); p != nil {
		name = strings.TrimPrefix(p.Name, "the operator of ")
	}
	if slices.Contains(list, name) {
		return list
	}
	return append(list, name)
}

// unaided is the letter after all that is in the owner's own hands.
func unaided(r *report.Report) report.Letter {
	own := slices.DeleteFunc(fix.Actions(r, Catalogue()), func(a report.Action) bool { return a.Provider != "" })
	letter := r.Grade.Letter
	for _, a := range grade.Plan(r.Findings, own) {
		letter = a.Letter
	}
	return letter
}
