// Package checks is the instrument: it looks at a mail domain the way sending mail servers
// do and says who can read or divert the mail sent to it.
//
// Each check is a folder: doc.md says what it asks and why, rules.go holds its rows of the
// rule catalogue as data, gather.go collects evidence, judge.go turns evidence into
// findings without touching network or clock. The engine runs them; the grade follows from
// the findings alone.
package checks

import (
	"mxseal/checks/report"
)

// Check is what the page, the API and the grade need to know of one check.
type Check struct {
	ID    string // its folder, its URL and its JSON key
	Title string
	Doc   string // doc.md
	Rules report.Rules
	Judge func(*report.Report) []report.Finding // pure: the same evidence gives the same findings
}

// All lists the checks in reading order.
var All = []Check{}

// Find returns the check with that id.
func Find(id string) (Check, bool) {
	for _, c := range All {
		if c.ID == id {
			return c, true
		}
	}
	return Check{}, false
}
