package terminal

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"mxseal/checks/view"
)

// indent is the margin of what stands one level deeper.
const indent = "  "

// sections print the evidence.
func (p *printer) sections(r view.Report) {
	for _, place := range r.Places() {
		margin := ""
		switch {
		case place.Address != "":
			margin = indent
			p.line("")
			p.line("%s%s", margin, p.bold(place.Host+" "+place.Address))
		case place.Host != "":
			p.heading(place.Host)
		}
		for _, s := range place.Sections {
			title := strings.TrimSpace(s.Title + "  " + s.Brief)
			if place.Host == "" {
				p.heading(title)
				p.blocks(indent, s.Blocks)
				continue
			}
			p.line("%s%s", margin+indent, p.bold(title))
			p.blocks(margin+indent+indent, s.Blocks)
		}
	}
}

func (p *printer) blocks(margin string, list []view.Block) {
	for _, b := range list {
		switch b := b.(type) {
		case view.Facts:
			p.facts(margin, b)
		case view.Table:
			p.table(margin, b)
		case view.List:
			p.list(margin, b)
		case view.Note:
			p.wrapped(margin, string(b))
		case view.Code:
			p.code(margin, b)
		case view.Fold:
			p.line("%s%s", margin, p.bold(strings.TrimSpace(b.Title+"  "+b.Brief)))
			p.blocks(margin+indent, b.Blocks)
		case view.Ladder:
			p.line("%s%s", margin, p.bold(b.Title+": "+view.StateWord(b.State)))
			p.ladder(margin+indent, b)
		default:
			panic(fmt.Sprintf("terminal: a block of type %T", b))
		}
	}
}

// widestLabel bounds the column of labels: behind a longer one the text begins at once.
const widestLabel = 24

func (p *printer) facts(margin string, facts view.Facts) {
	wide := 0
	for _, f := range facts {
		if n := utf8.RuneCountInString(f.Label); n <= widestLabel {
			wide = max(wide, n)
		}
	}
	for _, f := range facts {
		first := margin + padded(f.Label, wide) + "  "
		rest := margin + strings.Repeat(" ", wide+2)
		if lines := strings.Split(f.Text, "\n"); len(lines) > 1 {
			p.line("%s%s", first, lines[0])
			for _, line := range lines[1:] {
				p.line("%s%s", rest, line)
			}
			continue
		}
		p.hanging(first, rest, strings.TrimSpace(f.Text+"  "+f.More))
	}
}

// table prints rows in columns. The last one is wrapped where it is long.
func (p *printer) table(margin string, t view.Table) {
	if t.Title != "" {
		p.line("%s%s", margin, p.bold(t.Title))
	}
	widths := make([]int, len(t.Heads))
	for i, h := range t.Heads {
		widths[i] = utf8.RuneCountInString(h.Name)
		for _, row := range t.Rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(text(row[i])))
		}
	}
	last := len(t.Heads) - 1
	row := func(cells []string) string {
		line := ""
		for i, c := range cells[:last] {
			line += padded(c, widths[i]) + "  "
		}
		return line
	}
	heads := make([]string, len(t.Heads))
	for i, h := range t.Heads {
		heads[i] = h.Name
	}
	p.line("%s%s", margin, p.bold(row(heads)+heads[last]))
	for _, r := range t.Rows {
		cells := make([]string, len(r))
		for i, c := range r {
			cells[i] = text(c)
		}
		begin := margin + row(cells)
		rest := margin + indent
		if len(begin)+widths[last] <= p.width {
			rest = strings.Repeat(" ", utf8.RuneCountInString(begin))
		}
		p.hanging(begin, rest, cmp.Or(cells[last], " "))
	}
}

func text(c view.Cell) string {
	if c.Text != "" && c.More != "" {
		return c.Text + ", " + c.More
	}
	return c.Text + c.More
}

func (p *printer) list(margin string, l view.List) {
	if l.Title != "" {
		p.wrapped(margin, l.Title)
	}
	for _, i := range l.Items {
		sign := "-"
		if i.Mark != "" {
			sign = p.sign(i.Mark)
		}
		p.hanging(margin+sign+" ", margin+indent, strings.TrimSpace(i.Text+"  "+i.More))
	}
}

func (p *printer) code(margin string, c view.Code) {
	if c.Title != "" {
		p.line("%s%s", margin, p.bold(c.Title))
		margin += indent
	}
	p.literal(margin, c.Text)
}

func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(width-utf8.RuneCountInString(s), 0))
}
