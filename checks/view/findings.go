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

// Graver reports whether one verdict needs more attention than another.
func Graver(a, b report.Verdict) bool { return gravity(a) > gravity(b) }

// gravity orders verdicts, the gravest highest; what is none lies below all.
func gravity(v report.Verdict) int {
	if i := slices.Index(Verdicts, v); i >= 0 {
		return len(Verdicts) - i
	}
	return 0
}

// Group is what was found about the domain, about a mail server, or about several alike.
type Group struct {
	Title string
	Items []Finding
	hosts []string // none: the domain
}

// Finding is one finding, or several that say the same of several places.
type Finding struct {
	report.Finding
	Topic  string   // the check, by its title
	Anchor string   // stable: the rule, for the first item of a rule
	Places []string // hosts and addresses it is about; empty: the domain
	hosts  []string
	same   string // what makes two of them equal
}

// Brief is the first sentence of what a finding means, and the rest.
func (f Finding) Brief() (first, rest string) {
	for i := 0; i+2 < len(f.Text); i++ {
		if (f.Text[i] == '.' || f.Text[i] == '?') && f.Text[i+1] == ' ' && f.Text[i+2] >= 'A' && f.Text[i+2] <= 'Z' {
			return f.Text[:i+1], f.Text[i+2:]
		}
	}
	return f.Text, ""
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

// Groups are the findings by what they are about, the gravest first, and within that as the checks
// are read. What is equal at several servers is said once.
func (r Report) Groups() []Group {
	var items []Finding
	for _, t := range r.topics() {
		for _, f := range r.Findings {
			if f.Check == t.ID {
				items = together(items, r.finding(t, f))
			}
		}
	}
	var groups []Group
	for _, it := range items {
		r.entitle(&it)
		i := slices.IndexFunc(groups, func(g Group) bool { return slices.Equal(g.hosts, it.hosts) })
		if i < 0 {
			i, groups = len(groups), append(groups, Group{Title: r.about(it.hosts), hosts: it.hosts})
		}
		groups[i].Items = append(groups[i].Items, it)
	}
	for _, g := range groups {
		slices.SortStableFunc(g.Items, func(a, b Finding) int {
			return cmp.Or(cmp.Compare(gravity(b.Verdict), gravity(a.Verdict)), -cmp.Compare(r.weight(a.Rule), r.weight(b.Rule)))
		})
	}
	slices.SortStableFunc(groups, func(a, b Group) int {
		return cmp.Compare(gravity(b.Items[0].Verdict), gravity(a.Items[0].Verdict))
	})
	anchored := make(map[string]bool)
	for _, g := range groups {
		for i := range g.Items {
			g.Items[i].anchor(anchored)
		}
	}
	return groups
}

// weight puts the findings that hold the letter before others of their verdict.
func (r Report) weight(rule string) int {
	if r.Grade != nil && slices.Contains(r.Grade.Because, rule) {
		return 1
	}
	return 0
}

// anchor gives a finding an address on the page that no other has.
func (f *Finding) anchor(taken map[string]bool) {
	f.Anchor = f.Rule
	if taken[f.Anchor] && f.Host != "" {
		f.Anchor += "-" + f.Host
	}
	if taken[f.Anchor] && f.Address != "" {
		f.Anchor += "-" + f.Address
	}
	if taken[f.Anchor] {
		f.Anchor = ""
		return
	}
	taken[f.Anchor] = true
}

// about says what a group is about.
func (r Report) about(hosts []string) string {
	switch n := len(hosts); {
	case n == 0:
		return r.Name()
	case n > 2 && n == len(r.Hosts):
		return fmt.Sprintf("All %d mail servers", n)
	}
	return named(hosts)
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

// finding is one finding, with what another has to share to be said together with it.
func (r Report) finding(t Topic, f report.Finding) Finding {
	it := Finding{Finding: f, Topic: t.Title}
	if f.Host != "" {
		it.hosts = []string{f.Host}
		it.Places = []string{strings.TrimSpace(f.Host + " " + f.Address)}
	}
	it.same = strings.Join([]string{f.Rule, string(f.Verdict), anywhere(f, f.Title), anywhere(f, f.Text), anywhere(f, f.FixText)}, "\x00")
	return it
}

// anywhere is a text of a finding without the place that it speaks of.
func anywhere(f report.Finding, text string) string {
	if f.Address != "" && strings.Contains(text, f.Address) {
		if f.Host == "" || strings.Contains(strings.ReplaceAll(text, f.Address, ""), f.Host) {
			return text // it speaks of both
		}
		return strings.ReplaceAll(text, f.Address, "{place}")
	}
	if f.Host != "" {
		return strings.ReplaceAll(text, f.Host, "{place}")
	}
	return text
}

// together adds a finding, to an item that says the same where there is one.
func together(items []Finding, f Finding) []Finding {
	i := slices.IndexFunc(items, func(it Finding) bool { return it.same == f.same })
	if i < 0 {
		return append(items, f)
	}
	it := &items[i]
	it.Places, it.hosts = joined(it.Places, f.Places), joined(it.hosts, f.hosts)
	it.Detail = joined(it.Detail, f.Detail)
	for _, s := range f.Steps {
		if !slices.Contains(it.Steps, s) {
			it.Steps = append(slices.Clip(it.Steps), s)
		}
	}
	return items
}

// joined adds what is not there yet.
func joined(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(slices.Clip(list), s)
		}
	}
	return list
}

// entitle puts the names of the servers into a title that has only an address, and says how many
// more it is true of.
func (r Report) entitle(f *Finding) {
	general := anywhere(f.Finding, f.Title)
	if general == f.Title {
		return
	}
	place := f.Host
	if f.Address != "" && len(f.hosts) == 1 && len(f.Places) < r.addresses(f.Host) {
		place += " (" + f.Address + ")"
	}
	if more := len(f.hosts) - 1; more > 0 {
		place += fmt.Sprintf(" (and %d more)", more)
	}
	f.Title = strings.ReplaceAll(general, "{place}", place)
}

// addresses counts those of a mail server.
func (r Report) addresses(host string) int {
	for _, h := range r.Hosts {
		if h.Name == host {
			return len(h.Addresses)
		}
	}
	return 0
}

// Further says how many findings are to be fixed beside what is fixed first; empty where none is.
func (r Report) Further() string {
	n := 0
	for _, g := range r.Groups() {
		for _, f := range g.Items {
			first := r.Grade != nil && slices.ContainsFunc(r.Grade.First, func(x report.First) bool { return slices.Contains(x.Rules, f.Rule) })
			if (f.Verdict == report.Fail || f.Verdict == report.Warn) && !first {
				n++
			}
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "1 further finding changes no letter."
	}
	return fmt.Sprintf("%d further findings change no letter.", n)
}

// RemedyWord leads to what is to be changed.
func RemedyWord(v report.Verdict) string {
	if v == report.Fail || v == report.Warn {
		return "How to fix it:"
	}
	return "To do:"
}
