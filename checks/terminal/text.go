// Package terminal shows a report as plain text, to a person at a terminal or to one who asks the site
// for text. It says what package view says. What it adds is what only plain text needs: wrapping,
// columns, colour, and what is left out where there is no room for everything. It has no words of
// its own for what was seen or concluded.
package terminal

import (
	"fmt"
	"io"
	"strings"

	"mxseal/checks/records"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Wish is how much somebody wants to read, and how.
type Wish struct {
	Steps  bool           // the steps of each fix too
	All    bool           // everything that was seen and concluded, down to the transcripts
	Colour bool           // ANSI escapes
	Syntax records.Syntax // of the records in the steps; as in a zone file if empty
	More   string         // how to read more, for those who can; may be empty
}

// Text prints a report: the servers, what was not tested, what to fix, and the verdict, which comes
// last because that is what stays on the screen.
func Text(w io.Writer, r view.Report, wish Wish) error {
	p := newPrinter(w, wish.Colour)
	p.syntax = wish.Syntax
	if wish.All {
		p.everything(r)
	} else {
		p.brief(r)
		p.untested(r)
		if wish.Steps {
			p.how(r)
		}
	}
	if r.Grade != nil {
		p.fixes(r, wish)
		p.tiles(r)
		p.verdict(r)
	}
	return p.err
}

// everything prints all that is behind the verdict.
func (p *printer) everything(r view.Report) {
	if r.Grade != nil {
		p.line("%s", p.bold(title(r)))
		p.about(r)
		p.matrix(r)
	}
	p.servers(r)
	p.sections(r)
	p.history(r)
	p.findings(r)
	p.how(r)
}

// title is the domain as people and as programs write it.
func title(r view.Report) string {
	if r.Name() != r.Domain {
		return r.Name() + " (" + r.Domain + ")"
	}
	return r.Name()
}

// about says what the letter says, when and how it was checked, what is missing, and why the letter is no better.
func (p *printer) about(r view.Report) {
	p.wrapped(indent, r.Grade.Sentence)
	for _, b := range r.Grade.Broken {
		p.hanging(indent+p.sign(report.Fail)+" ", indent+indent, view.BrokenWord+" "+view.BrokenText(b))
	}
	p.wrapped(indent, r.Doubts())
	if unseen := r.NotSeen(); len(unseen) > 0 {
		p.wrapped(indent, "Not seen: "+strings.Join(unseen, "; ")+".")
	}
	p.wrapped(indent, fmt.Sprintf("Checked %s in %s with %s", view.Moment(r.CheckedAt), view.Took(r.ElapsedMS), view.Plural(r.Connections, "connection")))
	var merits []string
	for _, b := range r.Badges {
		merits = append(merits, view.BadgeName(b))
	}
	if len(merits) > 0 {
		p.wrapped(indent, "Merits: "+strings.Join(merits, ", "))
	}
	if r.Grade.Why != "" {
		p.wrapped(indent, r.Grade.Why)
	} else if rules := r.Grade.Because; len(rules) > 0 {
		p.wrapped(indent, fmt.Sprintf("What holds it at %s: %s", r.Letter(), strings.Join(rules, ", ")))
	}
}

// verdict is the letter and what it says.
func (p *printer) verdict(r view.Report) {
	p.line("")
	p.hanging(p.bold(title(r))+"  "+p.letter(r)+"  ", indent, r.Headline())
}

// letterColours follow the seal of the page: green, yellow, red, and none where there is no grade.
var letterColours = map[report.Letter]string{report.LetterAPlus: "1;32", "A": "1;32", "B": "1;32", "C": "1;33", "D": "1;33", "E": "1;31", "F": "1;31"}

func (p *printer) letter(r view.Report) string {
	code, graded := letterColours[r.Letter()]
	if !graded {
		code = "1"
	}
	return p.paint(code, r.Stated())
}
