// Package terminal shows to a person at a terminal what package view says of a report. What it
// adds is what only a terminal needs: wrapping, columns, colour, and what is left out where
// there is no room for everything. It has no words of its own for what was seen or concluded.
package terminal

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Text prints a report. Without verbose it shows what needs attention; with it everything, down to
// the transcripts. Colour asks for ANSI escapes.
func Text(w io.Writer, r view.Report, verbose, colour bool) error {
	p := newPrinter(w, colour)
	if r.Grade != nil {
		p.title(r)
		p.first(r)
		p.matrix(r)
	}
	p.servers(r)
	p.sections(r, verbose)
	p.history(r, verbose)
	p.findings(r, verbose)
	p.how(r)
	return p.err
}

func (p *printer) title(r view.Report) {
	g := r.Grade
	name := r.Domain
	if r.Name() != r.Domain {
		name = r.Name() + " (" + r.Domain + ")"
	}
	p.line("%s  %s", p.bold(name), p.bold(g.Stated()))
	p.wrapped("  ", g.Sentence)
	for _, b := range g.Broken {
		p.hanging("  "+p.sign(report.Fail)+" ", "    ", view.BrokenWord+" "+view.BrokenText(b))
	}
	p.wrapped("  ", r.Doubts())
	if unseen := r.NotSeen(); len(unseen) > 0 {
		p.wrapped("  ", "Not seen: "+strings.Join(unseen, "; ")+".")
	}
	p.wrapped("  ", fmt.Sprintf("Checked %s in %s with %s", view.Moment(r.CheckedAt), view.Took(r.ElapsedMS), view.Plural(r.Connections, "connection")))
	var merits []string
	for _, b := range r.Badges {
		merits = append(merits, view.BadgeName(b))
	}
	if len(merits) > 0 {
		p.wrapped("  ", "Merits: "+strings.Join(merits, ", "))
	}
	p.because(r)
}

// because says why the letter is no better: in a sentence, or else by the rules that hold it.
func (p *printer) because(r view.Report) {
	if r.Grade.Why != "" {
		p.wrapped("  ", r.Grade.Why)
		return
	}
	if rules := r.Grade.Because; len(rules) > 0 {
		p.wrapped("  ", fmt.Sprintf("Not better than %s because of %s", r.Letter(), strings.Join(rules, ", ")))
	}
}

// servers prints how far each stage came at each address.
func (p *printer) servers(r view.Report) {
	lines := r.Overview()
	if len(lines) == 0 {
		return
	}
	p.heading(view.TitleServers)
	for _, l := range lines {
		if l.First {
			line, words := "  "+l.Host.Name, ""
			if r.MX != nil {
				line = fmt.Sprintf("  %-5d %s", l.Host.Preference, l.Host.Name)
			}
			if l.Host.NotTested == "" {
				words = view.Joined(p.stages(r.OfHost(l.Host)))
			}
			p.server(line+"  ", words)
		}
		switch {
		case l.Address == nil:
			p.wrapped(serverMargin, l.NotReached)
		case l.NotReached != "":
			p.server(fmt.Sprintf("%s%-16s ", serverMargin, l.Address.IP), l.NotReached)
		default:
			words := p.stages(slices.DeleteFunc(l.Stages, func(s view.Stage) bool { return s.Host }))
			if at := l.Address.SeenAt; at != nil {
				words = append(words, "seen "+view.Moment(*at)+" by an earlier check")
			}
			p.server(fmt.Sprintf("%s%-16s ", serverMargin, l.Address.IP), view.Joined(words))
		}
	}
}

// serverMargin is where that begins which belongs to a server.
const serverMargin = "        "

// server writes a line about a server: in a file it stays one, to be searched for.
func (p *printer) server(begin, words string) {
	if p.tty && words != "" {
		p.hanging(begin, serverMargin, words)
		return
	}
	p.line("%s%s", begin, words)
}

// stages are words with what they are about, in the colour of the findings.
func (p *printer) stages(list []view.Stage) (words []string) {
	for _, s := range list {
		word := p.paint(colours[s.Verdict], s.Text)
		if !strings.HasPrefix(s.Text, s.Name) { // as in TLS 1.3
			word = s.Name + " " + word
		}
		if s.More != "" {
			word += " (" + s.More + ")"
		}
		words = append(words, word)
	}
	return words
}
