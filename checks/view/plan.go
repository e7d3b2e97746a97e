package view

import (
	"cmp"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Change is one of the changes to begin with.
type Change struct {
	report.First
	Title string // without who has to make it
	Takes string // how long
	Who   string // can do it, in a sentence
	For   int    // the number of the later change that needs it, where it raises no letter itself; else 0
}

// Plan is what to do first, in order.
func (r Report) Plan() (list []Change) {
	if r.Grade == nil {
		return nil
	}
	letter := r.Letter()
	for i, f := range r.Grade.First {
		title, _, _ := strings.Cut(f.Title, " (in the hands of ")
		c := Change{First: f, Title: strings.TrimSuffix(title, "."), Takes: takes(f), Who: r.canDo(f)}
		if f.Letter == letter {
			for j, later := range r.Grade.First[i+1:] {
				if later.Letter != letter {
					c.For = i + j + 2
					break
				}
			}
		}
		letter = f.Letter
		list = append(list, c)
	}
	return list
}

// Within is the number of the change of the plan that has all steps of a finding; 0 for none.
func (r Report) Within(f Finding) int {
	if r.Grade == nil || len(f.Steps) == 0 {
		return 0
	}
	return 1 + slices.IndexFunc(r.Grade.First, func(first report.First) bool {
		all := r.StepsOf(first)
		return !slices.ContainsFunc(f.Steps, func(s report.Step) bool { return !slices.Contains(all, s) })
	})
}

// Rest counts the faults and weak spots that no change of the plan fixes: they change no letter.
func (r Report) Rest() (n int) {
	for _, g := range r.Groups() {
		for _, f := range g.Items {
			planned := r.Grade != nil && slices.ContainsFunc(r.Grade.First, func(first report.First) bool { return slices.Contains(first.Rules, f.Rule) })
			if !planned && (f.Verdict == report.Fail || f.Verdict == report.Warn) {
				n++
			}
		}
	}
	return n
}

// takes says how long a change takes.
func takes(f report.First) string {
	switch f.Effort {
	case report.OneRecord:
		return "about 10 minutes"
	case report.Reload:
		return "about 20 minutes"
	case report.NewCertificate:
		return "about an hour"
	case report.SignZone:
		return "about an hour, then a day of waiting"
	case report.OtherProvider:
		return "takes days"
	}
	return ""
}

// canDo says who can make a change.
func (r Report) canDo(f report.First) string {
	if !r.ofOwner(f) {
		return cmp.Or(onlyThey(r.Operators.Mail), "only the provider can do this")
	}
	return "you can do this yourself"
}

func onlyThey(list []string) string {
	if len(list) != 1 || list[0] == Itself {
		return ""
	}
	return "only " + list[0] + " can do this"
}

// Stair is one letter of the ladder of letters.
type Stair struct {
	Letter report.Letter
	Here   bool // the report's own
	Next   bool // what a plan leads to
}

// Stairs are the letters from F to A+, with the one where the domain is; none where it has no letter.
func (r Report) Stairs() []Stair {
	if !r.Letter().Valid() {
		return nil
	}
	var list []Stair
	for i := len(report.Letters) - 1; i >= 0; i-- {
		l := report.Letters[i]
		if !l.Valid() {
			continue
		}
		s := Stair{Letter: l, Here: l == r.Letter()}
		for _, f := range r.Grade.First {
			s.Next = s.Next || f.Letter == l && !s.Here
		}
		list = append(list, s)
	}
	return list
}
