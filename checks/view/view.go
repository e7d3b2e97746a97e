// Package view holds what a report says to people, once for all who show it: sections with their
// labels and order, the words of every vocabulary, the marks. It knows neither markup nor width
// nor colour, asks nobody and judges nothing; every mark is the verdict of a finding.
//
// A check shows its evidence as sections (check.Check.Show); the page and the terminal render
// them block by block. What is about the whole report (table of senders, findings, what to do
// first, history) is read from the methods of Report.
package view

import (
	"cmp"
	"slices"

	"mxseal/checks/report"
)

// Section is a part of the evidence: what one check saw of the domain, of a host or of an address.
type Section struct {
	Check   report.CheckID
	Host    string // that it is about; empty: the domain
	Address string // of that host; empty: all
	Title   string
	Brief   string // the state in a word or two, beside the title; empty for none
	Blocks  []Block
}

// Block is a piece of a section: Facts, Table, List, Note, Code, Fold or Ladder.
type Block interface{ block() }

// Fact is a label with its value.
type Fact struct {
	Label  string
	Text   string // may have lines
	More   string // less important, behind it
	Octets bool   // a digest, which is long and has no words
	Short  bool   // told too where there is room for little
}

// Facts are labels with values, in order.
type Facts []Fact

// Table has rows below heads.
type Table struct {
	Title string
	Heads []Head
	Rows  [][]Cell
}

// Head is the head of a column.
type Head struct{ Name, Explained string }

// Cell is a cell of a table.
type Cell struct {
	Text, More string
	Code       bool // the name of an algorithm, which is one long word
}

// List has items that are read one below the other.
type List struct {
	Title string
	Items []Item
}

// Item is an item of a list.
type Item struct {
	Mark       report.Verdict // empty for none
	Text, More string
}

// Note is a paragraph.
type Note string

// Code is text that is shown as it is.
type Code struct{ Title, Text string }

// Fold holds blocks that few read, below a title.
type Fold struct {
	Title, Brief string
	Blocks       []Block
}

func (Facts) block() {}
func (Table) block() {}
func (List) block()  {}
func (Note) block()  {}
func (Code) block()  {}
func (Fold) block()  {}

// Add appends a fact unless its text is empty.
func (f *Facts) Add(label, text string) { f.AddMore(label, text, "") }

// AddMore appends a fact with something less important, unless its text is empty.
func (f *Facts) AddMore(label, text, more string) {
	if text != "" {
		*f = append(*f, Fact{Label: label, Text: text, More: more})
	}
}

// Failed appends what kept us from an answer; nothing where nothing did.
func (f *Facts) Failed(x *report.Failure) {
	if x != nil {
		f.AddMore("Stopped by", x.Text, "("+string(x.Phase)+": "+string(x.Kind)+")")
	}
}

// Place is a mail server or one of its addresses, or the domain, with all sections about it.
type Place struct {
	Host, Address string
	Sections      []Section
}

// Places groups sections by what they are about: the domain, then each host and after it its
// addresses, in the order senders try them. Within a place they keep their order.
func Places(sections []Section, hosts []*report.Host) []Place {
	places := []Place{{}}
	for _, h := range hosts {
		places = append(places, Place{Host: h.Name})
		for _, a := range h.Addresses {
			places = append(places, Place{Host: h.Name, Address: a.IP})
		}
	}
	for _, s := range sections {
		i := slices.IndexFunc(places, func(p Place) bool { return p.Host == s.Host && p.Address == s.Address })
		if i >= 0 {
			places[i].Sections = append(places[i].Sections, s)
		}
	}
	return slices.DeleteFunc(places, func(p Place) bool { return p.Host == "" && len(p.Sections) == 0 })
}

// Topic is a check as it is shown.
type Topic struct {
	ID      report.CheckID
	Title   string
	Terms   []Term                   // of the glossary
	Changes map[report.Aspect]string // what differences to the report before are called
}

// Report is a report with all that is shown of it.
type Report struct {
	*report.Report
	Topics    []Topic // in reading order
	Columns   []Column
	Sections  []Section
	Operators Operators
}

// Name is the domain as people write it.
func (r Report) Name() string { return cmp.Or(r.UnicodeDomain, r.Domain) }

// Letter is the letter of the report, or "?" while it has none.
func (r Report) Letter() report.Letter {
	if r.Grade == nil || r.Grade.Letter == "" {
		return "?"
	}
	return r.Grade.Letter
}

// Places groups the evidence by what it is about.
func (r Report) Places() []Place { return Places(r.Sections, r.inOrder()) }

// Rule returns the first finding of a rule.
func (r Report) Rule(id string) (report.Finding, bool) {
	i := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.Rule == id })
	if i < 0 {
		return report.Finding{Rule: id}, false
	}
	return r.Findings[i], true
}

// Column is what a check says of each mail server in the overview: a word from the evidence. The
// mark beside it is that of the check's findings.
type Column struct {
	Name  string
	Check report.CheckID
	Host  bool // the word is the same for all addresses of a host, and does not look at one
	Word  func(report.Observed, *report.Host, *report.Address) Word
}

// Word is a state in a word or two, and what exactly for those who want to know.
type Word struct{ Text, More string }

// inOrder are the mail servers in the order senders try them; of those with one preference mx2 before
// mx10.
func (r Report) inOrder() []*report.Host {
	return slices.SortedStableFunc(slices.Values(r.Hosts), func(a, b *report.Host) int {
		return cmp.Or(cmp.Compare(a.Preference, b.Preference), byNumber(a.Name, b.Name))
	})
}
