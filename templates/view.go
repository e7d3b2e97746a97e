// Package templates turns reports into pages.
//
// The components (*.templ) hold one concept a file; this file and words.go hold wording and
// ordering. Nothing here asks the network, the clock or the disk, and nothing judges: every
// mark on a page is the verdict of a finding.
package templates

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"mxseal/checks/report"
)

// Frame is what surrounds every page.
type Frame struct {
	Title     string
	Style     string // address of the style sheet
	Icon      string // address of the icon
	Script    string // address of the script
	Version   string // of the program
	Canonical string // full address of the page, where it has one
	Summary   string // what the page says, for those who only see a link to it
	Card      string // full address of a picture of the page
	Refresh   int    // seconds until the page loads itself again where there is no script; 0 never
	Private   bool   // not for search engines
	Banner    Banner // what is wrong with this instance
	Topics    []Topic
}

// Topic names a check.
type Topic struct {
	ID    report.CheckID
	Title string
}

// Actor is a row or a column of the matrix: a sender or an attacker.
type Actor struct{ ID, Name, Does string }

// Report is a report as a page.
type Report struct {
	*report.Report
	Topics    []Topic // in reading order
	Senders   []Actor
	Attackers []Actor
	Latest    bool          // shown as the latest of its domain, not under its permanent address
	Link      string        // permanent address, absolute where the site knows its own
	Today     report.Letter // what the rules of today would give; empty where it is the same
	Notice    string        // why no check will follow for now; empty where one may
	RulesNow  int           // version of the rules of today
	History   []Moment      // reports of the domain up to this one, youngest first
	Newer     *Moment       // a later report that trouble of our own has spoilt; nil where there is none
}

func (r Report) provisional() bool { return r.Grade != nil && r.Grade.Provisional }

// unseen are the addresses that a letter does not speak of.
func (r Report) unseen() []string {
	if !r.Letter().Valid() {
		return nil
	}
	return r.Unseen()
}

// Letter is the letter of the report, or "?" while it has none.
func (r Report) Letter() report.Letter {
	if r.Grade == nil || r.Grade.Letter == "" {
		return "?"
	}
	return r.Grade.Letter
}

// Name is the domain as people write it.
func (r Report) Name() string { return cmp.Or(r.UnicodeDomain, r.Domain) }

// finding returns the first finding of a rule.
func (r Report) finding(rule string) (report.Finding, bool) {
	i := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.Rule == rule })
	if i < 0 {
		return report.Finding{Rule: rule}, false
	}
	return r.Findings[i], true
}

// Reason is a rule named by the grade.
type Reason struct {
	report.Finding
	Shown  bool          // the page has this finding to point to
	Letter report.Letter // what the grade would be with it mended; empty if it alone lifts nothing
}

// Because are the rules that hold the letter down, those that lift it most first.
func (r Report) Because() []Reason {
	if r.Grade == nil {
		return nil
	}
	var list []Reason
	for _, id := range r.Grade.Because {
		f, shown := r.finding(id)
		list = append(list, Reason{f, shown, r.lifted(id)})
	}
	return list
}

// Next are the mendings that lift the letter, best first.
func (r Report) Next() []Reason {
	if r.Grade == nil {
		return nil
	}
	var list []Reason
	for _, n := range r.Grade.Next {
		f, shown := r.finding(n.Fix)
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

// Row is a sender with what happens to its mail.
type Row struct {
	Actor
	Cells []Cell
}

// Cell is what happens to the mail under one attacker.
type Cell struct {
	Attacker Actor
	Outcome  report.Outcome
	Why      string // in a sentence; empty for an outcome this program does not know
}

// Rows are the senders worth a row. S1L is a helper of the grade, S3C a footnote of S3, and
// S2L is shown where it differs from S2 (RULES 3.1).
func (r Report) Rows() []Row {
	var rows []Row
	for _, s := range r.Senders {
		if s.ID == "S1L" || s.ID == "S3C" || s.ID == "S2L" && !r.differ("S2", "S2L") {
			continue
		}
		if _, seen := r.Matrix[report.Sender(s.ID)]; seen {
			rows = append(rows, r.row(s))
		}
	}
	return rows
}

func (r Report) row(s Actor) Row {
	row := Row{Actor: s}
	for _, a := range r.Attackers {
		o := r.Matrix[report.Sender(s.ID)][report.Attacker(a.ID)]
		row.Cells = append(row.Cells, Cell{a, o, cellReason(s.ID, a.ID, o)})
	}
	return row
}

// FirstContact reports whether a sender that has not cached the MTA-STS policy yet fares
// worse than one that has.
func (r Report) FirstContact() bool { return r.differ("S3", "S3C") }

func (r Report) differ(s, t report.Sender) bool {
	if len(r.Matrix[s]) == 0 || len(r.Matrix[t]) == 0 {
		return false
	}
	for _, a := range r.Attackers {
		if r.Matrix[s][report.Attacker(a.ID)] != r.Matrix[t][report.Attacker(a.ID)] {
			return true
		}
	}
	return false
}

// outcomes, best first.
var outcomes = []report.Outcome{report.Auth, report.Defer, report.Enc, report.Clear, report.Stolen}

// Outcomes that occur in the rows shown, best first.
func (r Report) Outcomes() []report.Outcome {
	var list []report.Outcome
	for _, o := range outcomes {
		if slices.ContainsFunc(r.Rows(), func(row Row) bool {
			return slices.ContainsFunc(row.Cells, func(c Cell) bool { return c.Outcome == o })
		}) {
			list = append(list, o)
		}
	}
	return list
}

// Group is what one check found.
type Group struct {
	Topic
	Items []Item
}

// Item is one finding, or several that say the same of several places.
type Item struct {
	report.Finding
	Anchor string   // stable: the rule, for the first item of a rule
	Places []string // hosts and addresses it is about; empty: the domain
	Open   bool     // shown unfolded
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

// Grave are the items to be read by everyone, Quiet the others.
func (g Group) Grave() []Item { return g.pick(true) }
func (g Group) Quiet() []Item { return g.pick(false) }

func (g Group) pick(grave bool) []Item {
	var list []Item
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
				g.Items = fold(g.Items, f)
			}
		}
		slices.SortStableFunc(g.Items, func(a, b Item) int { return cmp.Compare(gravity(b.Verdict), gravity(a.Verdict)) })
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
			list = append(list, Topic{f.Check, string(f.Check)})
		}
	}
	return list
}

// fold adds a finding, to an item that says the same where there is one.
func fold(items []Item, f report.Finding) []Item {
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
	it := Item{Finding: f}
	if place != "" {
		it.Places = []string{place}
	}
	return append(items, it)
}

func gravity(v report.Verdict) int {
	return slices.Index([]report.Verdict{report.Info, report.Pass, report.Untested, report.Warn, report.Fail}, v)
}

func graver(v, w report.Verdict) report.Verdict {
	if gravity(w) > gravity(v) {
		return w
	}
	return v
}

// mark is the gravest verdict of a check about an address; empty where nothing was found.
func (r Report) mark(check report.CheckID, host, address string) report.Verdict {
	var v report.Verdict
	for _, f := range r.Findings {
		if f.Check == check && f.Host == host && (f.Address == address || f.Address == "") {
			v = graver(v, f.Verdict)
		}
	}
	return v
}

func date(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }
func day(t time.Time) string  { return t.UTC().Format("2 Jan 2006") }
func iso(t time.Time) string  { return t.UTC().Format(time.RFC3339) }
