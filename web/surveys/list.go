package surveys

import (
	"fmt"
	"io"
	"strings"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/web/store"
)

const (
	maxDomains = 1000000 // of one survey
	maxLines   = 2000000 // of its list, empty ones and faults too
	maxLabels  = 4       // behind a domain
	maxLabel   = 64      // octets of a label
	maxFaults  = 20      // lines without a mail domain that are named; the others are counted
)

// List reads a list of domains: one a line, with labels behind it if there are any
// (“example.org,ministry”). # begins a comment, as in all lists.
type List struct {
	Taken  int          // lines that name a mail domain
	Faults input.Faults // those that name none

	in    *input.Lines
	parse func(string) (input.Domain, error)
}

// NewList returns a reader of a list.
func NewList(from io.Reader, parse func(string) (input.Domain, error)) *List {
	return &List{Faults: input.Faults{Most: maxFaults}, in: input.NewLines(from), parse: parse}
}

// Next returns the next domain; more is false at the end. The error says that the list cannot be read
// or is too long.
func (l *List) Next() (line store.Line, more bool, err error) {
	for {
		text, err := l.in.Next()
		if err == io.EOF {
			return line, false, nil
		}
		if err != nil {
			return line, false, fmt.Errorf("the list, line %d: %w", l.in.N+1, err)
		}
		if l.in.N > maxLines {
			return line, false, fmt.Errorf("the list has more than %d lines", maxLines)
		}
		if text == "" {
			continue
		}
		fields := strings.Split(text, ",")
		d, err := l.parse(strings.TrimSpace(fields[0]))
		if err != nil {
			l.Faults.Add(fmt.Errorf("line %d: %s: %w", l.in.N, report.Clean(fields[0], 80), err))
			continue
		}
		if l.Taken++; l.Taken > maxDomains {
			return line, false, fmt.Errorf("the list has more than %d domains", maxDomains)
		}
		return store.Line{Domain: d.ASCII, Labels: labels(fields[1:])}, true, nil
	}
}

// labels are those that say something, cleaned and cut.
func labels(fields []string) []string {
	list := []string{}
	for _, f := range fields {
		if f = report.Clean(strings.TrimSpace(f), maxLabel); f != "" && len(list) < maxLabels {
			list = append(list, f)
		}
	}
	return list
}
