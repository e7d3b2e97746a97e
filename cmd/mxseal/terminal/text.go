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
	if doubts := r.Doubts(); doubts != "" {
		p.wrapped("  ", "Provisional. "+doubts)
	}
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
			line := "  " + l.Host.Name
			if r.MX != nil {
				line = fmt.Sprintf("  %-5d %s", l.Host.Preference, l.Host.Name)
			}
			if l.Host.NotTested == "" {
				line += "  " + view.Joined(p.stages(r.OfHost(l.Host)))
			}
			p.line("%s", line)
		}
		switch {
		case l.Address == nil:
			p.wrapped("        ", l.NotReached)
		case l.NotReached != "":
			p.line("        %-16s %s", l.Address.IP, l.NotReached)
		default:
			words := p.stages(slices.DeleteFunc(l.Stages, func(s view.Stage) bool { return s.Host }))
			if at := l.Address.SeenAt; at != nil {
				words = append(words, "seen "+view.Moment(*at)+" by an earlier check")
			}
			p.line("        %-16s %s", l.Address.IP, view.Joined(words))
		}
	}
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
