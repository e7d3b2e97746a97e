package checks

import (
	"cmp"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// maxForecast bounds the dates that a report names.
const maxForecast = 20

// forecast lists the next dates on which something breaks by itself unless somebody acts
// before, soonest first. It looks at what works at the time of the check: what is broken
// already is the findings' to tell.
func forecast(r *report.Report) []report.Due {
	var list []report.Due
	for _, c := range Every {
		if c.Forecast != nil {
			list = append(list, c.Forecast(r)...)
		}
	}
	list = slices.DeleteFunc(list, func(d report.Due) bool { return !d.At.After(r.CheckedAt) })
	slices.SortStableFunc(list, func(a, b report.Due) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Host, b.Host), cmp.Compare(a.What, b.What), strings.Compare(a.Rule, b.Rule))
	})
	return list[:min(len(list), maxForecast)]
}
