package surveys

import (
	"fmt"
	"io"

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

// List reads a list of domains, in the forms that input.Rows knows.
type List struct {
	Taken  int          // lines that name a mail domain
	Faults input.Faults // those that name none

	in    *input.Rows
	parse func(string) (input.Domain, error)
}

// NewList returns a reader of a list.
func NewList(from io.Reader, parse func(string) (input.Domain, error)) *List {
	return &List{Faults: input.Faults{Most: maxFaults}, in: input.NewRows(from), parse: parse}
}

// Next returns the next domain; more is false at the end. The error says that the list cannot be read
// or is too long.
func (l *List) Next() (line store.Line, more bool, err error) {
	for {
		typed, labels, err := l.in.Next()
		if err == io.EOF {
			return line, false, nil
		}
		if err != nil {
			return line, false, fmt.Errorf("the list, line %d: %w", l.in.N+1, err)
		}
		if l.in.N > maxLines {
			return line, false, fmt.Errorf("the list has more than %d lines", maxLines)
		}
		if typed == "" && labels == nil {
			continue
		}
		d, err := l.parse(typed)
		if err != nil {
			l.Faults.Add(fmt.Errorf("line %d: %s: %w", l.in.N, report.Clean(typed, 80), err))
			continue
		}
		if l.Taken++; l.Taken > maxDomains {
			return line, false, fmt.Errorf("the list has more than %d domains", maxDomains)
		}
		return store.Line{Domain: d.ASCII, Labels: clean(labels)}, true, nil
	}
}

// clean returns the labels that say something, cleaned and cut.
func clean(labels []string) []string {
	list := []string{}
	for _, f := range labels {
		if f = report.Clean(f, maxLabel); f != "" && len(list) < maxLabels {
			list = append(list, f)
		}
	}
	return list
}
