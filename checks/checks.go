// Package checks is the instrument: it looks at a mail domain the way sending mail servers
// do and says who can read or divert the mail sent to it.
//
// Each check is a folder, and one value of it (check.Check): doc.md says what it asks and why,
// rules.go holds its rows of the rule catalogue as data, gather.go collects evidence, derive.go
// says what follows from that for all judges, judge.go turns it into findings without touching
// network or clock, show.go says what was seen to people. The engine runs them; the grade follows from the findings alone.
package checks

import (
	"mxseal/checks/certificate"
	"mxseal/checks/check"
	"mxseal/checks/dane"
	"mxseal/checks/dnssec"
	"mxseal/checks/elsewhere"
	"mxseal/checks/history"
	"mxseal/checks/input"
	"mxseal/checks/mtasts"
	"mxseal/checks/mx"
	"mxseal/checks/report"
	"mxseal/checks/self"
	"mxseal/checks/starttls"
	"mxseal/checks/tls"
	"mxseal/checks/tlsrpt"
)

// All lists the checks that are shown, in reading order.
var All = []check.Check{
	mx.Check,
	starttls.Check,
	certificate.Check,
	tls.Check,
	dnssec.Check,
	dane.Check,
	mtasts.Check,
	tlsrpt.Check,
}

// Every lists all that judge: before those that are shown the ones about the checker itself, what
// was typed, earlier reports, and other vantages.
var Every = append([]check.Check{self.Check, input.Check, history.Check, elsewhere.Check}, All...)

// ShownWith are the rules whose findings are shown with a check: its own, and with the first those
// of no topic.
func ShownWith(id report.CheckID) report.Rules {
	var rules report.Rules
	for _, c := range Every {
		if c.ID == id || c.ID == "" && id == All[0].ID {
			rules = append(rules, c.Rules...)
		}
	}
	return rules
}

// Find returns the check with that id.
func Find(id report.CheckID) (check.Check, bool) {
	for _, c := range All {
		if c.ID == id {
			return c, true
		}
	}
	return check.Check{}, false
}
