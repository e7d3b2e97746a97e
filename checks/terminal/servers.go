package terminal

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/view"
)

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
