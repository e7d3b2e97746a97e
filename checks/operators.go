package checks

import (
	"slices"
	"strings"

	"mxseal/checks/fix"
	"mxseal/checks/fix/place"
	"mxseal/checks/grade"
	"mxseal/checks/internal/provider"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// operators says who runs the mail servers and the DNS of a domain, and the best letter that its
// owner can reach without them.
func operators(r *report.Report) view.Operators {
	var o view.Operators
	o.Mail = MailBy(r)
	for _, name := range r.NameServers(r.Domain) {
		by := place.Operator(name, r.Domain)
		if known := provider.Serving(name); by != nil && known != nil {
			by = known
		}
		o.DNS = runBy(o.DNS, by)
	}
	if r.Grade != nil && r.Grade.Letter.Valid() && slices.ContainsFunc(r.Grade.First, func(f report.First) bool { return f.Effort == report.OtherProvider }) {
		o.Best = unaided(r)
	}
	return o
}

// MailBy says who runs the mail servers of a domain, in the order in which senders try them; view.Itself
// stands for the domain.
func MailBy(r *report.Report) (list []string) {
	for _, h := range r.Hosts {
		list = runBy(list, place.Operator(h.Name, r.Domain))
	}
	return list
}

// runBy adds who runs a machine to a list, once; nil is the domain itself.
func runBy(list []string, by *provider.Provider) []string {
	name := view.Itself
	if by != nil {
		name = strings.TrimPrefix(by.Name, "the operator of ")
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
