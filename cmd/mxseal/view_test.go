package main

import (
	"bytes"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mxseal/checks"
	"mxseal/checks/terminal"
	"mxseal/checks/view"
	"mxseal/templates"
)

// tag is markup; a symbol has no words.
var tag = regexp.MustCompile(`(?s)<svg.*?</svg>|<[^>]*>`)

// spread is text without line breaks, margins and rails.
func spread(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "│", " ")), " ")
}

// said are all labels and values of some blocks, in the order in which they are read.
func said(blocks []view.Block) (list []string) {
	add := func(texts ...string) { list = append(list, texts...) }
	for _, b := range blocks {
		switch b := b.(type) {
		case view.Facts:
			for _, f := range b {
				add(f.Label, f.Text, f.More)
			}
		case view.Table:
			add(b.Title)
			for _, h := range b.Heads {
				add(h.Name)
			}
			for _, c := range slices.Concat(b.Rows...) {
				add(c.Text, c.More)
			}
		case view.List:
			add(b.Title)
			for _, i := range b.Items {
				add(i.Text, i.More)
			}
		case view.Note:
			add(string(b))
		case view.Code:
			add(b.Title, b.Text)
		case view.Fold:
			add(b.Title, b.Brief)
			add(said(b.Blocks)...)
		case view.Ladder:
			add(b.Title)
			add(b.Aliases...)
			for _, r := range b.Rungs {
				add(r.Name, view.StateWord(r.State), r.Reason, r.Detail, r.Acts)
				for _, s := range r.Sets {
					add(append(s.Records, s.Signed)...)
				}
				add(r.Notes...)
			}
		}
	}
	return list
}

// The law of the two renderers: what the sections of a report say, the page says and the terminal
// says with --verbose, all of it and in the same order; so with the servers and the findings.
func TestPageAndTerminalSayTheSame(t *testing.T) {
	for _, r := range labReports(t) {
		v := checks.View(r)
		var words, page bytes.Buffer
		if err := terminal.Text(&words, v, terminal.Wish{All: true}); err != nil {
			t.Fatal(err)
		}
		if err := templates.ReportPage(templates.Frame{}, templates.Report{Report: v}).Render(t.Context(), &page); err != nil {
			t.Fatal(err)
		}
		shown := map[string]string{"page": spread(html.UnescapeString(tag.ReplaceAllString(page.String(), " "))), "terminal": spread(words.String())}

		var evidence, findings []string
		servers := map[string][]string{}
		add := func(who string, l view.Line) {
			servers[who] = append(servers[who], l.NotReached)
			for _, s := range l.Stages {
				if !s.Host {
					servers[who] = append(servers[who], s.Text)
				}
			}
		}
		for _, p := range v.Places() {
			evidence = append(evidence, p.Address)
			for _, s := range p.Sections {
				evidence = append(evidence, s.Title, s.Brief)
				evidence = append(evidence, said(s.Blocks)...)
			}
		}
		for _, l := range v.Overview() {
			add("terminal", l)
		}
		for _, s := range v.Servers() { // on the page those that are alike share a row
			for _, l := range s.Lines {
				add("page", l)
			}
			for _, h := range s.Hosts {
				if !strings.Contains(shown["page"], spread(h.Name)) {
					t.Errorf("%s: the page does not name %s", r.Domain, h.Name)
				}
			}
		}
		for _, g := range v.Groups() {
			findings = append(findings, g.Title)
			for _, f := range g.Items {
				findings = append(findings, f.Title)
			}
		}
		if len(evidence) < 5 {
			t.Errorf("%s: %d pieces of evidence", r.Domain, len(evidence))
		}
		for who, text := range shown {
			for what, list := range map[string][]string{"evidence": evidence, "servers": servers[who], "findings": findings} {
				if missing := inOrder(text, list); missing != "" {
					t.Errorf("%s, %s: the %s does not say %q, or not in its place", r.Domain, what, who, missing)
				}
			}
		}
	}
}

// inOrder returns the first text that does not follow those before it; empty where all do.
func inOrder(text string, list []string) string {
	for _, want := range list {
		want = spread(want)
		_, rest, found := strings.Cut(text, want)
		if !found {
			return want
		}
		text = rest
	}
	return ""
}
