package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Verdicts, the gravest first: the order in which findings are read.
var Verdicts = []report.Verdict{report.Fail, report.Warn, report.Untested, report.Info, report.Pass}

// gravity orders verdicts, the gravest highest; what is none lies below all.
func gravity(v report.Verdict) int {
	if i := slices.Index(Verdicts, v); i >= 0 {
		return len(Verdicts) - i
	}
	return 0
}

// Group is what one check found.
type Group struct {
	Topic
	Items []Finding
}

// Finding is one finding, or several that say the same of several places.
type Finding struct {
	report.Finding
	Anchor string   // stable: the rule, for the first item of a rule
	Places []string // hosts and addresses it is about; empty: the domain
	Open   bool     // to be read by everyone at once
}

// Count returns how many items of the group have the verdict.
func (g Group) Count(v report.Verdict) int {
	n := 0
	for _, i := range g.Items {
		if i.Verdict == v {
			n++
		}
	}
	return n
}

// Counted says how many items have each of the verdicts: 2 faults, 1 weak spot.
func (g Group) Counted(verdicts ...report.Verdict) string {
	var parts []string
	for _, v := range verdicts {
		switch n := g.Count(v); {
		case n == 0:
		case v == report.Fail:
			parts = append(parts, Plural(n, "fault"))
		case v == report.Warn:
			parts = append(parts, Plural(n, "weak spot"))
		case v == report.Info:
			parts = append(parts, Plural(n, "note"))
		case v == report.Pass:
			parts = append(parts, fmt.Sprintf("%d good", n))
		default:
			parts = append(parts, fmt.Sprintf("%d not tested", n))
		}
	}
	return strings.Join(parts, ", ")
}

// Grave are the items to be read by everyone, Quiet the others.
func (g Group) Grave() []Finding { return g.pick(true) }
func (g Group) Quiet() []Finding { return g.pick(false) }

func (g Group) pick(grave bool) []Finding {
	var list []Finding
	for _, i := range g.Items {
		if (i.Verdict == report.Fail || i.Verdict == report.Warn || i.Open) == grave {
			list = append(list, i)
		}
	}
	return list
}

// Groups are the findings by check, in reading order; within a check the gravest first.
func (r Report) Groups() []Group {
	anchored := make(map[string]bool)
	var groups []Group
	for _, t := range r.topics() {
		g := Group{Topic: t}
		for _, f := range r.Findings {
			if f.Check == t.ID {
				g.Items = together(g.Items, f)
			}
		}
		slices.SortStableFunc(g.Items, func(a, b Finding) int { return cmp.Compare(gravity(b.Verdict), gravity(a.Verdict)) })
		for i := range g.Items {
			item := &g.Items[i]
			if !anchored[item.Rule] {
				anchored[item.Rule] = true
				item.Anchor = item.Rule
			}
			item.Open = item.Verdict == report.Fail || item.Verdict == report.Untested && r.Letter() == "T"
		}
		if len(g.Items) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// topics are the known checks and behind them those that only this report knows.
func (r Report) topics() []Topic {
	list := slices.Clone(r.Topics)
	for _, f := range r.Findings {
		if !slices.ContainsFunc(list, func(t Topic) bool { return t.ID == f.Check }) {
			list = append(list, Topic{ID: f.Check, Title: string(f.Check)})
		}
	}
	return list
}

// together adds a finding, to an item that says the same where there is one.
func together(items []Finding, f report.Finding) []Finding {
	place := strings.TrimSpace(f.Host + " " + f.Address)
	for i := range items {
		it := &items[i]
		if it.Rule == f.Rule && it.Verdict == f.Verdict && it.Title == f.Title && it.Text == f.Text &&
			it.FixText == f.FixText && slices.Equal(it.Detail, f.Detail) {
			if place != "" && !slices.Contains(it.Places, place) {
				it.Places = append(it.Places, place)
			}
			return items
		}
	}
	it := Finding{Finding: f}
	if place != "" {
		it.Places = []string{place}
	}
	return append(items, it)
}

// RemedyWord leads to what is to be changed.
func RemedyWord(v report.Verdict) string {
	if v == report.Fail || v == report.Warn {
		return "How to fix it:"
	}
	return "To do:"
}
