package report

import (
	"fmt"
	"slices"
)

// Statement is a sentence of which the evidence holds what it says, and no word: a code, and what
// fills it. The words are made at the edge (checks/view).
type Statement struct {
	Code   Says              `json:"code,omitempty"`   // what is said; empty in what older versions stored as a sentence
	Params map[string]string `json:"params,omitempty"` // what fills it: names, addresses, numbers, replies
	Of     *Statement        `json:"of,omitempty"`     // what it speaks of, or what follows it
}

// maxFilling bounds one parameter of a statement, in octets.
const maxFilling = 260

// Say makes a statement. Of the pairs the first is the name of a parameter, the second its value,
// which is cleaned and cut.
func Say(code Says, pairs ...any) Statement {
	s := Statement{Code: code}
	for i := 0; i+1 < len(pairs); i += 2 {
		if s.Params == nil {
			s.Params = make(map[string]string, len(pairs)/2)
		}
		s.Params[pairs[i].(string)] = Clean(fmt.Sprint(pairs[i+1]), maxFilling)
	}
	return s
}

// About returns the statement as one about another.
func (s Statement) About(other Statement) Statement {
	s.Of = &other
	return s
}

// Made reports whether there is a statement.
func (s Statement) Made() bool { return s.Code != "" }

// cut shortens what fills a statement to so many octets each. Statements are shared: it is a new one.
func (s Statement) cut(octets int) Statement {
	if s.Params != nil {
		short := make(map[string]string, len(s.Params))
		for k, v := range s.Params {
			short[k] = Clean(v, octets)
		}
		s.Params = short
	}
	if s.Of != nil {
		of := s.Of.cut(octets)
		s.Of = &of
	}
	return s
}

// Words puts a statement into words.
type Words func(Statement) string

// speech is how evidence is said.
type speech struct {
	of  Words
	old bool // what has no statement is a sentence of an older version
}

// say writes a statement as a sentence, where that is another than the one that stands there.
func (w speech) say(s Statement, at *string) {
	if text, differs := w.differs(s, *at); differs {
		*at = text
	}
}

func (w speech) differs(s Statement, written string) (text string, differs bool) {
	switch {
	case s.Made():
		text = w.of(s)
	case w.old:
		text = written
	}
	return text, text != written
}

// said returns a list with its sentences; what reports share is not changed, but copied.
func said[T any](w speech, list []T, at func(*T) (Statement, *string)) []T {
	shared := true
	for i := range list {
		s, written := at(&list[i])
		text, differs := w.differs(s, *written)
		if !differs {
			continue
		}
		if shared {
			list, shared = slices.Clone(list), false
			_, written = at(&list[i])
		}
		*written = text
	}
	return list
}
