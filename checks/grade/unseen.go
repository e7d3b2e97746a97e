package grade

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// mostUnseen bounds the places that the sentence of a letter names.
const mostUnseen = 3

// unseen says, beside the letter, which servers or addresses it does not speak of: those
// that the findings name under this word. Empty where all were seen.
func unseen(findings []report.Finding) string {
	var places []string
	for _, f := range findings {
		if place := f.Params["unseen"]; place != "" && !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	switch more := len(places) - mostUnseen; {
	case len(places) == 0:
		return ""
	case more > 0:
		return fmt.Sprintf(" Not seen: %s, and %d more.", strings.Join(places[:mostUnseen], "; "), more)
	}
	return " Not seen: " + strings.Join(places, "; ") + "."
}
