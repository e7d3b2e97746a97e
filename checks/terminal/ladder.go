package terminal

import (
	"fmt"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// stateSigns are louder than the marks of findings: here a link that is not signed is what ends
// the chain.
var (
	stateSigns   = map[report.State]string{report.Secure: "✓", report.Insecure: "!", report.Bogus: "✗", report.Indeterminate: "?"}
	stateColours = map[report.State]string{report.Secure: "32", report.Insecure: "33", report.Bogus: "31", report.Indeterminate: "36"}
)

// ladder draws the chain of trust, root first and the answer last, with the link that breaks
// it marked and, below that, why and who can fix it.
func (p *printer) ladder(margin string, l view.Ladder) {
	for _, a := range l.Aliases {
		p.wrapped(margin, a)
	}
	for i, r := range l.Rungs {
		if r.Onward {
			p.line("%s· the alias leads on to", margin)
		}
		p.rung(margin, r, i == len(l.Rungs)-1)
	}
}

func (p *printer) rung(margin string, r view.Rung, last bool) {
	line := fmt.Sprintf("%s%s %s  %s", margin, p.paint(stateColours[r.State], stateSigns[r.State]), p.bold(r.Name), p.paint(stateColours[r.State], view.StateWord(r.State)))
	if r.Reason != "" {
		line += "  " + r.Reason
	}
	if r.EDE > 0 {
		line += fmt.Sprintf("  (extended DNS error %d)", r.EDE)
	}
	p.line("%s", line)
	below := margin + "│    "
	if last {
		below = margin + "     "
	}
	if r.Detail != "" {
		p.wrapped(below, r.Detail)
	}
	if r.Acts != "" {
		p.wrapped(below, "→ "+r.Acts)
	}
	for _, s := range r.Sets {
		records := s.Records
		if s.Signed != "" {
			records = append(records[:len(records):len(records)], s.Signed)
		}
		p.wrapped(below, view.Joined(records))
	}
	for _, n := range r.Notes {
		p.wrapped(below, "Noted: "+n)
	}
}
