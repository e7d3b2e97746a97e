package input

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxLine is how many octets of a line are looked at; no entry of a list comes near it.
const MaxLine = 4096

var errUTF16 = errors.New("the list is in UTF-16; save it as UTF-8")

// Lines reads a list of any length, line by line.
type Lines struct {
	N int // the line that was read last, from 1

	in *bufio.Reader
}

// NewLines returns a reader of a list.
func NewLines(from io.Reader) *Lines { return &Lines{in: bufio.NewReaderSize(from, MaxLine)} }

// Next returns what stands in the next line, without white space around it; it may be nothing. What follows #
// is a comment, at the beginning of a line or behind white space. io.EOF stands for no more lines.
func (l *Lines) Next() (string, error) {
	text, err := l.line()
	if err != nil {
		return "", err
	}
	l.N++
	if l.N == 1 {
		text = strings.TrimPrefix(text, "\ufeff") // as some editors begin a file
		if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
			return "", errUTF16
		}
	}
	for i := range text {
		if text[i] == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t') {
			text = text[:i]
			break
		}
	}
	return strings.TrimSpace(text), nil
}

// line is the next line. Of one that is longer than the buffer only the beginning is kept.
func (l *Lines) line() (string, error) {
	line, more, err := l.in.ReadLine()
	text := string(line)
	for more && err == nil {
		_, more, err = l.in.ReadLine()
	}
	if text != "" { // what ended it ends the next one
		return text, nil
	}
	return "", err
}

// Faults are what is wrong with a list, however long: the first ones are kept, all are counted.
type Faults struct {
	Most  int // that are kept
	First []error
	All   int
}

// Add takes a fault in.
func (f *Faults) Add(err error) {
	if f.All++; len(f.First) < f.Most {
		f.First = append(f.First, err)
	}
}

// Told are the first ones and, where there are more, how many; what says of these what they are.
func (f *Faults) Told(what string) []error {
	list := f.First[:len(f.First):len(f.First)]
	if more := f.All - len(f.First); more > 0 {
		list = append(list, fmt.Errorf("%d more %s", more, what))
	}
	return list
}
