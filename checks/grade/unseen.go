package grade

import (
	"slices"

	"mxseal/checks/report"
)

// unseen lists the servers and addresses that a letter does not speak of: those that the
// findings name under this word.
func unseen(findings []report.Finding) []string {
	var places []string
	for _, f := range findings {
		if place := f.Params["unseen"]; place != "" && !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	return places
}
