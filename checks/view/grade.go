package view

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Reason is a rule named by the grade.
type Reason struct {
	report.Finding
	Shown  bool          // there is a finding of it to point to
	Letter report.Letter // what the grade would be with it fixed; empty if it alone lifts nothing
}

// Because are the rules that hold the letter down, those that lift it most first.
func (r Report) Because() []Reason {
	if r.Grade == nil {
		return nil
	}
	var list []Reason
	for _, id := range r.Grade.Because {
		f, shown := r.Rule(id)
		it := r.finding(Topic{}, f)
		r.entitle(&it)
		list = append(list, Reason{it.Finding, shown, r.lifted(id)})
	}
	return list
}

// Next are the single changes that lift the letter, best first.
func (r Report) Next() []Reason {
	if r.Grade == nil {
		return nil
	}
	var list []Reason
	for _, n := range r.Grade.Next {
		f, shown := r.Rule(n.Fix)
		list = append(list, Reason{f, shown, n.Letter})
	}
	return list
}

func (r Report) lifted(rule string) report.Letter {
	for _, n := range r.Grade.Next {
		if n.Fix == rule {
			return n.Letter
		}
	}
	return ""
}

// Merits are what earns a mention. Post-quantum is not worth one where mail can be intercepted.
func (r Report) Merits() []report.Badge {
	return slices.DeleteFunc(slices.Clone(r.Badges), func(b report.Badge) bool { return b == report.BadgePQ && r.Letter().Worse("B") })
}

// Provisional reports whether something that could move the letter was not found out.
func (r Report) Provisional() bool { return r.Grade != nil && r.Grade.Provisional }

// Rating is the letter, or in a word or two why there is none.
func (r Report) Rating() string {
	if r.Grade.Lost() {
		return LetterWord(report.LetterN)
	}
	return LetterWord(r.Letter())
}

// Stated is the rating as it stands in a text: a provisional one says so.
func (r Report) Stated() string {
	if r.Provisional() && r.Letter().Valid() {
		return r.Rating() + " (provisional)"
	}
	return r.Rating()
}

// Doubts say in sentences why not all was found out, and what that does to the letter; empty
// where nothing is missing.
func (r Report) Doubts() string {
	var parts []string
	if r.Interrupted != "" {
		parts = append(parts, "The check ended early: "+string(r.Interrupted)+".")
	}
	if len(r.Faults) > 0 {
		parts = append(parts, "A fault of our own affected a part of it: "+strings.Join(r.Faults, ", ")+".")
	}
	parts = append(parts, r.elsewhere()...)
	if doubt := r.Grade.Doubt(); doubt != "" {
		parts = append(parts, doubt)
	}
	return strings.Join(parts, " ")
}

// elsewhere says of the first servers that another network saw them differently, or did not see them.
func (r Report) elsewhere() (parts []string) {
	for _, f := range r.Findings {
		if strings.HasPrefix(f.Rule, "VAN-") && slices.Contains(f.Effects, report.Provisional) && f.Title != "" && len(parts) < 3 {
			parts = append(parts, f.Title+".")
		}
	}
	return parts
}

// NotSeen are the addresses that a letter does not speak of.
func (r Report) NotSeen() []string {
	if !r.Letter().Valid() {
		return nil
	}
	return r.Unseen()
}

// Absence says in a heading and a paragraph why no mail is delivered to the domain. The record
// that would say so is empty where it has it, or needs none.
func (r Report) Absence() (title, text, record string) {
	var state report.MXState
	if r.MX != nil {
		state = r.MX.State
	}
	switch state {
	case report.MXNull:
		return "Nothing to protect", "The domain says by a null MX record that it takes no mail. Senders learn it at once and return what was addressed here " +
			"instead of trying for days. That is how it should be done.", ""
	case report.MXNoDomain:
		return "There is no such domain", "The name does not exist in the DNS, so no mail can reach it: senders return it at once. If it should exist, look for a typo in the " +
			"name first, and then whether its registration has run out. Anyone who registers it then gets the mail.", ""
	case report.MXFound, report.MXError:
		return "No mail arrives here", "The domain names mail servers, and none of the names leads to an address. Senders return the mail.", ""
	}
	return "No mail arrives here", "The domain has neither MX records nor an address, so no mail can reach it. If that is meant, say it with a null MX record: " +
		"then senders give up at once instead of trying for days.", r.Domain + ". MX 0 ."
}
