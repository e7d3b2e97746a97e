package report

import (
	"fmt"
	"slices"
	"strings"
)

// Question is one that a check put to the DNS and that got no answer, from our resolver, from
// another or from the name servers themselves.
type Question struct {
	Check CheckID `json:"check" empty:"several"` // that asked
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Kind  Kind    `json:"kind"` // of the failure; indeterminate where an answer came that could not be judged
}

// Lost reports whether a question that a check put to the DNS got no answer.
func (e Evidence) Lost(check CheckID, name, qtype string) bool {
	return slices.ContainsFunc(e.Unanswered, func(q Question) bool { return q.Check == check && q.Name == name && q.Type == qtype })
}

// Rest is what rests on the answer to a question: rules, and what they would say, as the end of
// “it is not known …”. Without rules nothing does, or another finding says that it got none.
type Rest struct {
	Rules []string
	What  string
	May   []Effect // of a rule that has effects in some cases only
}

// Unanswered notes by a rule which of the check's questions got no answer, and what is not known
// for that. It makes the letter provisional where a rule that rests on one could move it.
func (j *Judgement) Unanswered(id string, r Observed, rests func(Question) Rest) {
	if r.MX != nil && r.MX.State == MXError {
		return // nothing is known of the domain, as MX-02 says
	}
	var what, lines, all, moving, open []string
	for _, q := range r.Unanswered {
		if q.Check != j.check {
			continue
		}
		rest := rests(q)
		if len(rest.Rules) == 0 {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s of %s: %s", q.Type, q.Name, q.Kind))
		what = including(what, rest.What)
		for _, rule := range rest.Rules {
			limits := j.limits(rule)
			for _, e := range rest.May {
				limits = append(limits, string(e))
			}
			all = including(all, rule)
			if len(limits) > 0 {
				moving = including(moving, rule)
			}
			for _, e := range limits {
				open = including(open, e)
			}
		}
	}
	if len(lines) == 0 {
		return
	}
	f := j.Add(id).With("what", strings.Join(what, "; ")).With("rules", strings.Join(all, " ")).Showing(lines...)
	if len(moving) == 0 {
		f.Saying("letter", Say(SaysLetterHolds)).Setting()
		return
	}
	f.Saying("letter", Say(SaysLetterOpen, "rules", strings.Join(moving, " or "))).With(Open, strings.Join(open, ", "))
}

func including(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// Open is the parameter of a finding that names, with commas between, the effects that may hold
// besides and could not be found out.
const Open = "open"

// limits are the effects by which a rule of the check holds the letter down.
func (j *Judgement) limits(id string) (list []string) {
	if i := slices.IndexFunc(j.rules, func(r Rule) bool { return r.ID == id }); i >= 0 {
		for _, e := range j.rules[i].Effects {
			if _, capped := e.Cap(); capped || e == NoAPlus {
				list = append(list, string(e))
			}
		}
	}
	return list
}
