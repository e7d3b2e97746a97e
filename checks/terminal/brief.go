package terminal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// How much of each part there is room for on one screen; the rest is counted.
const (
	mostServers  = 6
	mostUntested = 3
	mostFixes    = 5
)

// brief prints a line for each server: how each stage went at the worst of its addresses.
func (p *printer) brief(r view.Report) {
	lines := r.Overview()
	p.line("%s", p.bold(cmp.Or(title(r), "Mail servers")+", checked "+view.Moment(r.CheckedAt)))
	shown := 0
	for rest := lines; len(rest) > 0; shown++ {
		n := 1
		for n < len(rest) && !rest[n].First {
			n++
		}
		if shown < mostServers {
			p.host(r, rest[:n])
		}
		rest = rest[n:]
	}
	if more := shown - mostServers; more > 0 {
		p.line("  and %s", view.Plural(more, "more server"))
	}
}

// host prints one server, of which the lines are the addresses.
func (p *printer) host(r view.Report, lines []view.Line) {
	h := lines[0].Host
	begin := "  " + h.Name + "  "
	if r.MX != nil {
		begin = fmt.Sprintf("  %-3d %s  ", h.Preference, h.Name)
	}
	var stages []view.Stage
	var missing []string
	for _, l := range lines {
		if l.NotReached != "" {
			if !slices.Contains(missing, l.NotReached) {
				missing = append(missing, l.NotReached)
			}
			continue
		}
		stages = worse(stages, l.Stages)
	}
	for i := range stages {
		stages[i].More = ""
	}
	words := p.stages(stages)
	if len(missing) > 0 {
		why := strings.Join(missing, "; ")
		if len(stages) > 0 {
			why = "one address: " + why
		}
		words = append(words, p.paint(colours[report.Untested], why))
	}
	p.server(begin, view.Joined(words))
}

// worse returns for each stage the graver of two.
func worse(a, b []view.Stage) []view.Stage {
	if a == nil {
		return slices.Clone(b)
	}
	for i := range min(len(a), len(b)) {
		if view.Graver(b[i].Verdict, a[i].Verdict) {
			a[i] = b[i]
		}
	}
	return a
}

// untested prints what could not be found out.
func (p *printer) untested(r view.Report) {
	var titles []string
	for _, g := range r.Groups() {
		for _, f := range g.Items {
			if f.Verdict == report.Untested {
				titles = append(titles, f.Title)
			}
		}
	}
	doubts := r.Doubts()
	if len(titles) == 0 && doubts == "" {
		return
	}
	p.heading(view.TitleUntested)
	for i, t := range titles {
		if i == mostUntested {
			p.line("  and %d more", len(titles)-mostUntested)
			break
		}
		p.hanging("  "+p.sign(report.Untested)+" ", "    ", t)
	}
	p.wrapped("  ", doubts)
}

// fixes prints what to do first, each with the letter that it leads to; where there is no order,
// which single change would raise the letter.
func (p *printer) fixes(r view.Report, wish Wish) {
	title, list := view.TitleFirst, r.Grade.First
	if len(list) == 0 {
		title = view.TitleLifts
		for _, n := range r.Next() {
			list = append(list, report.First{Title: n.Title, Letter: n.Letter, Rules: []string{n.Rule}})
		}
	}
	if len(list) == 0 {
		p.faults(r, wish)
		return
	}
	p.heading(title)
	for i, f := range list {
		if i == mostFixes && !wish.All {
			p.line("  and %d more", len(list)-mostFixes)
			break
		}
		text := f.Title + " → " + string(f.Letter)
		if wish.All {
			text += " (" + strings.Join(f.Rules, ", ") + ")"
		}
		p.hanging(fmt.Sprintf("  %d. ", i+1), "     ", text)
	}
	p.wrapped("  ", r.Further())
	if !wish.All {
		p.wrapped("  ", wish.More)
	}
}

// faults print what was found where fixing it changes no letter.
func (p *printer) faults(r view.Report, wish Wish) {
	var list []view.Finding
	for _, g := range r.Groups() {
		for _, f := range g.Items {
			if f.Verdict == report.Fail || f.Verdict == report.Warn {
				list = append(list, f)
			}
		}
	}
	if len(list) == 0 || wish.All || r.Letter() == report.LetterN {
		return
	}
	p.heading(view.TitleFindings)
	for i, f := range list {
		if i == mostFixes {
			p.line("  and %d more", len(list)-mostFixes)
			break
		}
		p.hanging("  "+p.sign(f.Verdict)+" ", "    ", f.Title)
	}
	p.wrapped("  ", wish.More)
}

// tiles print the three questions, each in a line.
func (p *printer) tiles(r view.Report) {
	for i, t := range r.Tiles() {
		if i == 0 {
			p.line("")
		}
		p.hanging(fmt.Sprintf("  %s %-11s  ", p.sign(t.Mark), t.Name), strings.Repeat(" ", 17), p.paint(colours[t.Mark], t.Text))
	}
}
