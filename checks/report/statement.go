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

// Or returns the statement, or what an older version wrote where there is none: a sentence.
func (s Statement) Or(written string) Statement {
	if s.Made() || written == "" {
		return s
	}
	return Statement{Code: SaysWritten, Params: map[string]string{"text": written}}
}

// octets is what a statement takes as JSON.
func (s Statement) octets() int {
	n := frameStatement + len(s.Code)
	for k, v := range s.Params {
		n += Octets(k) + Octets(v) + frameParam
	}
	if s.Of != nil {
		n += s.Of.octets()
	}
	return n
}

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

// speech is how evidence is said. What is said already is not written again: others may read it meanwhile.
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

// sayEach writes the sentences of a list that are others than those that stand there. Reports share lists: it
// is a new one.
func sayEach[T any](w speech, list *[]T, at func(*T) (Statement, *string)) {
	shared := true
	for i := range *list {
		s, written := at(&(*list)[i])
		text, differs := w.differs(s, *written)
		if !differs {
			continue
		}
		if shared {
			*list, shared = slices.Clone(*list), false
			_, written = at(&(*list)[i])
		}
		*written = text
	}
}
