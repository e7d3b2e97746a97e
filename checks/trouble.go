package checks

import (
	"context"
	"slices"
	"sync"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

const (
	troubleLasts = 5 * time.Minute // how long a trouble that a check has noticed counts, unless a self-test looks before
	rootTime     = 8 * time.Second // for the question whether our resolver answers at all
)

// troubles are what checks have noticed of our own machine while they ran.
type troubles struct {
	mu   sync.Mutex
	seen map[string]trouble // by the name of the condition
}

type trouble struct {
	at        time.Time
	condition report.Condition
}

func (t *troubles) notice(c report.Condition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = make(map[string]trouble)
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
	for _, name := range []string{report.AnswerCondition, report.ResourcesCondition} {
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
	return report.Condition{Name: report.ResourcesCondition, State: "failed",
		Text: report.Clean("This machine has run out of files, ports or memory for connections: "+what+".", 500)}
}

// testResources says whether the self-test itself got all that connections take.
func (e *Engine) testResources(before int) report.Condition {
	if times, what := e.dialer.Short(); times > before {
		return short(what)
	}
	return report.Condition{Name: report.ResourcesCondition, State: "ok", Text: "Files, ports and memory are there for every connection."}
}

// ownTroubles are conditions of our own that a check has met. They are noticed for all, and
// logged. What was seen of mail servers meanwhile may be wrong and serves nobody later. That a
// check used up its own share of places is no trouble of the others: whoever writes the records
// of a domain can bring that about.
func (run *run) ownTroubles(ctx context.Context) (list []report.Condition) {
	if times, what := run.dialer.Short(); times > run.short {
		list = append(list, short(what))
	}
	if c, failed := run.resolverFails(ctx); failed {
		list = append(list, c)
	}
	for _, c := range list {
		run.troubles.notice(c)
		run.cfg.Log.Warn("trouble of our own", "condition", c.Name, "text", c.Text)
	}
	if len(list) > 0 {
		run.hosts.forget()
	}
	if f := run.failure(func(f *report.Failure) bool { return f.Kind == egress.Exhausted }); f != nil {
		list = append(list, report.Condition{Name: report.ResourcesCondition, State: "failed", Text: f.Text})
	}
	return list
}

// unanswered are the kinds of failures of a question that a resolver may be to blame for.
var unanswered = []string{"refused", "servfail", "notimp", "formerr", "timeout", "unreachable", "reset", "closed", "failed"}

// resolverFails asks our resolver for the root, once a question about the domain has failed.
// One that does not even know that is to blame itself, and no name server of the domain.
func (run *run) resolverFails(ctx context.Context) (c report.Condition, failed bool) {
	asked := []string{"mx", "address", "tlsa", "txt", "dns"}
	met := run.failure(func(f *report.Failure) bool {
		return slices.Contains(asked, f.Phase) && slices.Contains(unanswered, f.Kind)
	})
	if met == nil || context.Cause(ctx) == context.Canceled {
		return c, false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rootTime)
	defer cancel()
	f := run.Engine.resolver.Silence(ctx)
	if f == nil || !slices.Contains(unanswered, f.Kind) { // it answers, or was not asked
		return c, false
	}
	return report.Condition{Name: report.AnswerCondition, State: "failed", Text: f.Text}, true
}

// failure returns the first failure of the report that is such, or nil.
func (run *run) failure(such func(*report.Failure) bool) *report.Failure {
	for f := range run.r.Failures {
		if such(f) {
			return f
		}
	}
	return nil
}
