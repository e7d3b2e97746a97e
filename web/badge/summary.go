package badge

import (
	"slices"
	"time"

	"mxseal/checks/report"
	"mxseal/templates"
)

// outdatedAfter is how old a letter may be that is shown.
const outdatedAfter = 30 * 24 * time.Hour

// Summary is what can be said of a domain in two words.
type Summary struct {
	ID        string // of the latest report; empty where there is none
	Label     string // DANE, MTA-STS or STARTTLS; empty where no such claim would be honest (RULES 5)
	Letter    report.Letter
	CheckedAt time.Time
	Message   string // instead of a letter; empty where there is one
}

// Of sums a report up.
func Of(r *report.Report) Summary {
	s := Summary{ID: r.ID, CheckedAt: r.CheckedAt, Letter: "?"}
	if r.Grade != nil {
		s.Letter = r.Grade.Letter
	}
	switch {
	case r.Grade.Lost() && r.Grade.Reason == report.DoesNotExist:
		s.Message = "does not exist"
	case r.Grade.Lost():
		s.Message = "undeliverable"
	case s.Letter == report.LetterT:
		s.Message = "not tested"
	case s.Letter == report.LetterN:
		s.Message = "takes no mail"
	case !s.Letter.Valid():
		s.Message = "not tested"
	case s.Letter == "E" || s.Letter == "F":
	case slices.Contains(r.Badges, report.BadgeDANE):
		s.Label = string(report.BadgeDANE)
	case slices.Contains(r.Badges, report.BadgeMTASTS):
		s.Label = string(report.BadgeMTASTS)
	default:
		s.Label = "STARTTLS"
	}
	return s
}

// Outdated reports whether the letter is too old to be shown.
func (s Summary) Outdated() bool {
	return s.ID != "" && !report.Within(outdatedAfter, s.CheckedAt, time.Now())
}

// badge is the summary in the words of a badge.
func (s Summary) badge(style string, dark bool) templates.Badge {
	b := templates.Badge{Message: s.Message, Letter: "?", Color: Color("?"), Style: style, Dark: dark}
	switch {
	case s.Outdated():
		b.Message = "outdated"
	case s.Message == "":
		b.Letter, b.Color = s.Letter, Color(s.Letter)
		b.Message, b.Date = string(s.Letter), s.CheckedAt.UTC().Format("2 Jan 2006")
	}
	return b
}
