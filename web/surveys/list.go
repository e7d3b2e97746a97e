package surveys

import (
	"bufio"
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
	maxLine    = 4096    // octets of a line that are looked at
	maxLabels  = 4       // behind a domain
	maxLabel   = 64      // octets of a label
	maxFaults  = 20      // lines without a mail domain that are named; the others are counted
)

// List reads a list of domains: one a line, with labels behind it if there are any
// (“example.org,ministry”). What follows # is a comment.
type List struct {
	Faults []string // lines that name no mail domain, maxFaults at most
	Bad    int      // how many there are
	Lines  int      // that were read

	in    *bufio.Reader
	parse func(string) (input.Domain, error)
	taken int
}

// NewList returns a reader of a list.
func NewList(from io.Reader, parse func(string) (input.Domain, error)) *List {
	return &List{in: bufio.NewReaderSize(from, maxLine), parse: parse}
}

// Next returns the next domain; more is false at the end. The error says that the list cannot be read
// or is too long.
func (l *List) Next() (line store.Line, more bool, err error) {
	for {
		text, err := l.text()
		if err == io.EOF {
			return line, false, nil
		}
		if err != nil {
			return line, false, fmt.Errorf("the list, line %d: %w", l.Lines, err)
		}
		if l.Lines > maxLines {
			return line, false, fmt.Errorf("the list has more than %d lines", maxLines)
		}
		if text == "" {
			continue
		}
		fields := strings.Split(text, ",")
		d, err := l.parse(strings.TrimSpace(fields[0]))
		if err != nil {
			l.fault(fields[0], err)
			continue
		}
		if l.taken++; l.taken > maxDomains {
			return line, false, fmt.Errorf("the list has more than %d domains", maxDomains)
		}
		return store.Line{Domain: d.ASCII, Labels: labels(fields[1:])}, true, nil
	}
}

// text is the next line without its comment; of a longer one only the beginning is looked at.
func (l *List) text() (string, error) {
	text, err := input.Line(l.in)
	if err != nil {
		return "", err
	}
	l.Lines++
	if l.Lines == 1 {
		text = strings.TrimPrefix(text, "\ufeff") // as some editors begin a file
	}
	text, _, _ = strings.Cut(text, "#")
	return strings.TrimSpace(text), nil
}

func (l *List) fault(typed string, err error) {
	l.Bad++
	if len(l.Faults) < maxFaults {
		l.Faults = append(l.Faults, fmt.Sprintf("line %d: %s: %v", l.Lines, report.Clean(typed, 80), err))
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
