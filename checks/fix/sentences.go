package fix

import (
	"fmt"
	"strings"

	"mxseal/checks/report"
)

// First says of the actions of a plan what they are, for a report whose sentences are filled in.
func First(r *report.Report, plan []report.Action) []report.First {
	var firsts []report.First
	for _, a := range plan {
		firsts = append(firsts, report.First{Rule: a.Rule, Rules: a.Rules, Title: Title(r, a), Letter: a.Letter, Effort: a.Effort})
	}
	return firsts
}

// Title says what an action is, in plain words.
func Title(r *report.Report, a report.Action) string {
	title := r.Findings[a.Fixed[0].Finding].FixText
	if row := find(a.Fix); row != nil {
		title = row.title
	}
	title = report.Fill(title, func(placeholder string) (string, bool) {
		switch placeholder {
		case "domain":
			return r.Domain, true
		case "hosts":
			return enumerate(a.Hosts), true
		case "zone":
			return a.Zone, true
		}
		return "", false
	})
	if a.Provider != "" {
		title += " (in the hands of " + a.Provider + ")"
	}
	return title
}

// enumerate names at most three.
func enumerate(names []string) string {
	switch n := len(names); {
	case n == 0:
		return "the mail servers"
	case n == 1:
		return names[0]
	case n <= 3:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	default:
		return fmt.Sprintf("%s, %s and %d more", names[0], names[1], n-2)
	}
}

// Why says in a sentence what keeps the letter from being better, with the ids of the rules.
func Why(r *report.Report) string {
	if r.Grade == nil || !r.Grade.Letter.Valid() || len(r.Grade.Because) == 0 {
		return ""
	}
	var reasons []string
	for _, id := range r.Grade.Because {
		at, times := -1, 0
		for i, f := range r.Findings {
			if f.Rule != id {
				continue
			}
			if at < 0 {
				at = i
			}
			times++
		}
		if at < 0 || r.Findings[at].Title == "" {
			reasons = append(reasons, id)
			continue
		}
		title := r.Findings[at].Title
		if times > 1 {
			title += fmt.Sprintf(" (%s, and %d more)", id, times-1)
		} else {
			title += " (" + id + ")"
		}
		reasons = append(reasons, title)
	}
	return "What holds it at " + string(r.Grade.Letter) + ": " + strings.Join(reasons, "; ") + "."
}
