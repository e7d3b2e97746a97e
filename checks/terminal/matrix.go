package terminal

import (
	"fmt"
	"strings"

	"mxseal/checks/view"
)

// The widths of the table of senders and attackers, in characters.
const (
	cell         = 12 // a word of an outcome and the space behind it
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
	for _, m := range view.Legend(rows) {
		p.hanging("  "+p.paint(colourOf[m.Mark], m.Word)+": ", "    ", m.Text)
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
		words := make([][]string, len(row.Cells))
		lines := len(names)
		for i, c := range row.Cells {
			words[i] = Filled(c.Word, cell-1)
			lines = max(lines, len(words[i]))
		}
		for n := range lines {
			p.line("%s", strings.TrimRight(p.gridLine(name, n, names, words, row.Cells), " "))
		}
	}
}

// gridLine is the nth line of a row of the grid.
func (p *printer) gridLine(name, n int, names []string, words [][]string, cells []view.Outcome) string {
	at := func(list []string) string {
		if n < len(list) {
			return list[n]
		}
		return ""
	}
	margin := "  "
	if n > 0 && n < len(names) {
		margin = "    "
	}
	line := fmt.Sprintf("%-*s", name+2, margin+at(names))
	for i, c := range cells {
		line += p.paint(colourOf[c.Mark], fmt.Sprintf("%-*s", cell, at(words[i])))
	}
	return line
}

// listed are the same rows where the terminal is too narrow for a grid.
func listed(rows []view.Row) (l view.List) {
	for _, row := range rows {
		cells := make([]string, len(row.Cells))
		for i, c := range row.Cells {
			cells[i] = c.Attacker.Name + ": " + c.Word
		}
		l.Items = append(l.Items, view.Item{Text: view.Capital(row.Name) + ". " + view.Capital(strings.Join(cells, ", "))})
	}
	return l
}
