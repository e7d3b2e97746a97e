package view

import (
	"strings"

	"mxseal/checks/report"
)

// Difference is one difference to the report before.
type Difference struct {
	What, Place, Before, After string // Before is empty for what is new, After for what is gone
}

// Differences are what has changed since the latest report before; none where there is no such
// report.
func (r Report) Differences() []Difference {
	if r.Past == nil {
		return nil
	}
	var list []Difference
	for _, c := range r.Changes {
		list = append(list, Difference{r.changeWord(c.What), strings.TrimSpace(c.Host + " " + c.Address), changeValue(c.What, c.Before), changeValue(c.What, c.After)})
	}
	return list
}

// changeValue is one side of a change in the words of the report; empty for nothing.
func changeValue(what report.Aspect, value string) string {
	switch {
	case value == "":
		return ""
	case what == report.AspectLetter:
		return LetterWord(report.Letter(value))
	case what == report.AspectDNSSEC:
		return StateWord(report.State(value))
	case what == report.AspectSTARTTLS:
		return STARTTLS(report.STARTTLS(value))
	}
	return shortened(value)
}

// shortened is one side of a change: of a digest the beginning, which is enough to tell two apart.
func shortened(s string) string {
	if len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" {
		return s[:12] + "…"
	}
	return s
}

// changeWord is what a change is called.
func (r Report) changeWord(what report.Aspect) string {
	if what == report.AspectLetter {
		return "Grade"
	}
	for _, t := range r.Topics {
		if word := t.Changes[what]; word != "" {
			return word
		}
	}
	return string(what)
}

// DueText says what happens on a date.
func DueText(d report.Due) string {
	if d.Text != "" {
		return d.Text
	}
	return strings.TrimSpace(dueWord(d.What) + " " + d.Host)
}

func dueWord(what report.Ending) string {
	switch what {
	case report.EndsCertificate:
		return "The certificate ends."
	case report.EndsPolicyCertificate:
		return "The certificate of the policy host ends."
	case report.EndsSignatures:
		return "DNSSEC signatures end."
	case report.EndsRenewal:
		return "The certificate is renewed."
	case report.EndsPolicy:
		return "Senders forget the policy."
	}
	return string(what)
}
