package resolve

import (
	"cmp"
	"slices"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// lost keeps the questions of one check that got no answer.
type lost struct {
	mu    sync.Mutex
	kinds map[report.Question]report.Kind // of the failure; in the keys it is empty
}

// maxLost bounds the questions that are kept.
const maxLost = 256

func keyOf(check report.CheckID, a *Answer) report.Question {
	return report.Question{Check: check, Name: plain(a.Name), Type: dns.Type(a.Type).String()}
}

// note keeps a question that got no answer. That a name is none, or that aliases go round in a
// circle, is one.
func (l *lost) note(check report.CheckID, a *Answer) {
	if l == nil {
		return
	}
	kind := report.Kind("")
	switch {
	case a.Failure != nil && (a.Failure.Kind == report.KindMalformed || a.Failure.Kind == report.KindLoop):
	case a.Failure != nil:
		kind = a.Failure.Kind
	case a.Trust.State == report.Indeterminate && len(a.Records) == 0: // whether there is nothing cannot be said
		kind = report.KindIndeterminate
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch q := keyOf(check, a); {
	case kind == "":
		delete(l.kinds, q)
	case len(l.kinds) < maxLost:
		l.kinds[q] = kind
	}
}

// settled forgets a question whose answer is known by another.
func (l *lost) settled(check report.CheckID, a *Answer) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.kinds, keyOf(check, a))
}

// mostUnanswered bounds the questions that are told.
const mostUnanswered = 64

// weightiest are the types of questions on which rules rest that can move a letter and that no
// finding of their own stands for.
var weightiest = []string{"NS", "SOA", "NSEC3PARAM"}

// list returns the questions so far, those first that weigh most.
func (l *lost) list() []report.Question {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []report.Question
	for q, kind := range l.kinds {
		q.Kind = kind
		list = append(list, q)
	}
	light := func(q report.Question) bool { return !slices.Contains(weightiest, q.Type) }
	slices.SortFunc(list, func(a, b report.Question) int {
		if light(a) != light(b) {
			if light(a) {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.Check, b.Check), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type))
	})
	return list[:min(len(list), mostUnanswered)]
}
