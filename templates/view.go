// Package templates turns what view says into pages.
//
// The components (*.templ) hold one concept a file. Nothing here asks the network, the clock or
// the disk, and nothing judges: every mark on a page is the verdict of a finding. What a report
// says, in which order and in which words, stands in package view; here are markup, links, what
// is folded, and the pages that are not about a report.
package templates

import (
	"time"

	"mxseal/checks/report"
	"mxseal/checks/view"
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
	Host      Operator
	Here      string // the page that it is among those of the navigation; empty for none of them
	Topics    []Topic
	Surveys   bool // there are some
	Senders   bool // senders are tested here
	Watches   bool // who wants to can be told of changes
}

// Topic names a check.
type Topic = view.Topic

// section is a part of a page by its anchor.
type section struct{ ID, Title string }

// Report is a report as a page.
type Report struct {
	view.Report
	All      bool          // with all that is folded unfolded
	Sample   bool          // of a domain that is made up: nothing more is known of it, and it is not checked
	Latest   bool          // shown as the latest of its domain, not under its permanent address
	Link     string        // permanent address, absolute where the site knows its own
	Today    report.Letter // what the rules of today would give; empty where it is the same
	Notice   string        // why no check will follow for now; empty where one may
	RulesNow int           // version of the rules of today
	History  []Moment      // reports of the domain up to this one, newest first
	Newer    *Moment       // a later report that trouble of our own has spoilt; nil where there is none
}

// Moment is one report in the history of a domain.
type Moment struct {
	ID          string
	At          time.Time
	Letter      report.Letter
	Provisional bool
}
