package terminal

import (
	"fmt"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// findings print all that was found, by check, the gravest first.
func (p *printer) findings(r view.Report) {
	for _, g := range r.Groups() {
		p.heading(g.Title)
		for _, f := range g.Items {
			p.finding(f)
		}
	}
}

func (p *printer) finding(f view.Finding) {
	const margin = "      "
	where := ""
	if len(f.Places) == 1 {
		where = "  (" + f.Places[0] + ")"
	}
	title := []string{f.Title}
	if p.tty { // in a file it stays on one line, to be searched for
		title = Filled(f.Title, p.width-len("  x XXX-00  "))
	}
	for i, line := range title {
		begin, end := margin, ""
		if i == 0 {
			begin = fmt.Sprintf("  %s %s  ", p.sign(f.Verdict), f.Rule)
		}
		if i == len(title)-1 {
			end = where
		}
		p.line("%s%s%s", begin, p.bold(line), end)
	}
	if len(f.Places) > 1 {
		p.wrapped(margin, "Seen at "+view.Joined(f.Places))
	}
	if f.Verdict == report.Pass {
		return
	}
	p.wrapped(margin, f.Text)
	for _, d := range f.Detail {
		p.line("%s| %s", margin, d)
	}
	if f.FixText != "" {
		p.wrapped(margin, view.RemedyWord(f.Verdict)+" "+f.FixText)
	}
	p.records(margin, f.Steps)
	if f.Reference != "" {
		p.line("%s%s", margin, f.Reference)
	}
}
