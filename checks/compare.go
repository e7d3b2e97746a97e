package checks

import (
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Compare says what differs between two reports of one domain, the earlier first. Both are judged,
// as Judge leaves them.
func Compare(before, after *report.Report) view.Comparison {
	if after.CheckedAt.Before(before.CheckedAt) {
		before, after = after, before
	}
	held := *after // against that very report, whatever it remembers
	held.Past = report.Remember(before)
	held.Changes = changes(&held)
	return view.Compare(View(before), View(&held))
}
