package checks

import (
	"slices"
	"sync"
	"time"

	"mxseal/checks/report"
)

const (
	troubleLasts = 5 * time.Minute // how long a trouble that a check has noticed counts, unless a self-test looks before
)

// troubles are what checks have noticed of our own machine while they ran.
type troubles struct {
	mu   sync.Mutex
	seen map[report.ConditionName]trouble // by the name of the condition
}

type trouble struct {
	at        time.Time
	condition report.Condition
}

func (t *troubles) notice(c report.Condition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = make(map[report.ConditionName]trouble)
	}
	t.seen[c.Name] = trouble{time.Now(), c}
}

// forget drops what was noticed before a moment.
func (t *troubles) forget(before time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, s := range t.seen {
		if s.at.Before(before) {
			delete(t.seen, name)
		}
	}
}

// over lays what was noticed lately over what was tested.
func (t *troubles) over(tested []report.Condition) []report.Condition {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := slices.Clone(tested)
	for _, name := range []report.ConditionName{report.AnswerCondition, report.ResourcesCondition} {
		s, noticed := t.seen[name]
		if !noticed || !report.Within(troubleLasts, s.at, time.Now()) {
			continue
		}
		if i := slices.IndexFunc(list, func(c report.Condition) bool { return c.Name == name }); i >= 0 {
			list[i] = s.condition
		} else {
			list = append(list, s.condition)
		}
	}
	return list
}

func short(what string) report.Condition {
	return report.Condition{Name: report.ResourcesCondition, State: report.ConditionFailed,
		Statement: report.Say(report.SaysResourcesShort, "what", what)}
}

// unanswered are the kinds of failures of a question that a resolver may be to blame for.
var unanswered = []report.Kind{report.KindRefused, report.KindServerFailure, report.KindNotImplemented, report.KindFormatError, report.KindTimeout, report.KindUnreachable, report.KindReset, report.KindClosed, report.KindFailed}
