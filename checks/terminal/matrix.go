package terminal

import (
	"fmt"
	"strings"

	"mxseal/checks/view"
)

// The widths of the table of senders and attackers, in characters.
const (
	cell         = 11 // an outcome and the space behind it
	nameWidth    = 42
	leastOfNames = 12
)

// matrix prints what happens to mail, by sender and attacker.
func (p *printer) matrix(r view.Report) {
	rows, attackers := r.Rows(), view.Attackers()
	if len(rows) == 0 {
		return
	}
	p.heading(view.TitleMatrix)
	if name := min(nameWidth, p.width-2-cell*len(attackers)); name < leastOfNames {
		p.list(indent, listed(rows))
	} else {
		p.grid(name, rows, attackers)
	}
	for _, o := range r.Outcomes() {
		p.hanging("  "+p.paint(outcomeColours[o], view.OutcomeWord(o))+": ", "    ", view.OutcomeText(o))
	}
	if note := r.FirstContact(); note != "" {
		p.wrapped("  ", note)
	}
}

// heads are the names of the attackers above their columns, line by line.
func heads(attackers []view.Actor) (lines [][]string) {
	for i, a := range attackers {
		for n, words := range Filled(a.Name, cell-1) {
			if n == len(lines) {
				lines = append(lines, make([]string, len(attackers)))
			}
			lines[n][i] = words
		}
	}
	return lines
}

func (p *printer) grid(name int, rows []view.Row, attackers []view.Actor) {
	for _, words := range heads(attackers) {
		head := fmt.Sprintf("  %-*s", name, "")
		for _, w := range words {
			head += fmt.Sprintf("%-*s", cell, w)
		}
		p.line("%s", head)
	}
	for _, row := range rows {
		names := Filled(row.Name, name-1)
		line := fmt.Sprintf("  %-*s", name, names[0])
		for _, c := range row.Cells {
			line += p.paint(outcomeColours[c.Outcome], fmt.Sprintf("%-*s", cell, view.OutcomeWord(c.Outcome)))
		}
		p.line("%s", line)
		for _, rest := range names[1:] {
			p.line("    %s", rest)
		}
	}
}

// listed are the same rows where the terminal is too narrow for a grid.
func listed(rows []view.Row) (l view.List) {
	for _, row := range rows {
		cells := make([]string, len(row.Cells))
		for i, c := range row.Cells {
			cells[i] = c.Attacker.Name + ": " + view.OutcomeWord(c.Outcome)
		}
		l.Items = append(l.Items, view.Item{Text: view.Capital(row.Name) + ". " + view.Capital(strings.Join(cells, ", "))})
	}
	return l
}
