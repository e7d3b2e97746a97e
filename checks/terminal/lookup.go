package terminal

import (
	"fmt"
	"io"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// maxShown bounds the records shown of a look-up; the JSON form has them all.
const maxShown = 9

// Lookup says what came of a look-up, how far it can be trusted, and draws the chain as a ladder
// from the root down to it.
func Lookup(w io.Writer, l *report.Lookup, colour bool) error {
	p := newPrinter(w, colour)
	p.line("%s %s", p.bold(l.Type+" of "+l.Name), outcome(l))
	p.line("%s: %s", p.paint(stateColours[l.DNSSEC.State], string(l.DNSSEC.State)), view.StateText(l.DNSSEC.State))
	p.line("")
	for i, r := range l.Records {
		if i == maxShown {
			p.line("  … and %s", view.Plural(len(l.Records)-i, "more record"))
			break
		}
		p.line("  %s", strings.Join(strings.Fields(r), " "))
	}
	if l.Failure != nil && l.Failure.Text != l.DNSSEC.Detail {
		p.wrapped("  ", l.Failure.Text)
	}
	if len(l.Records) > 0 || l.Failure != nil && l.Failure.Text != l.DNSSEC.Detail {
		p.line("")
	}
	p.ladder("  ", view.LadderOf("", l.DNSSEC))
	if l.Authority != nil {
		p.line("")
		p.blocks("  ", []view.Block{view.NameServers(*l.Authority)})
	}
	return p.err
}

// outcome says in a few words what the question came to. Absence is a fact only where it is
// proved; where the domain is not signed it is what was said.
func outcome(l *report.Lookup) string {
	proved := ""
	if l.DNSSEC.State == report.Secure {
		proved = ", which is proved"
	}
	switch {
	case l.Failure != nil:
		return "got no answer (" + string(l.Failure.Kind) + ")"
	case len(l.Records) > 0:
		return fmt.Sprintf("(%s, TTL %d s)", view.Plural(len(l.Records), "record"), l.TTL)
	case l.Rcode == "NXDOMAIN":
		return "(NXDOMAIN: there is no such name" + proved + ")"
	}
	return "(no data: the name has no such record" + proved + ")"
}
