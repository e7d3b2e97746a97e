package checks

import (
	"context"
	"errors"
	"slices"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// rootTime bounds the question whether our resolver answers at all.
const rootTime = 8 * time.Second

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
	view.Conditions(list...)
	for _, c := range list {
		run.troubles.notice(c)
		run.cfg.Log.Warn("trouble of our own", "condition", c.Name, "text", c.Text)
	}
	if len(list) > 0 {
		run.hosts.forget()
	}
	if f := run.failure(func(f *report.Failure) bool { return f.Kind == report.KindExhausted }); f != nil {
		list = append(list, view.Conditions(report.Condition{Name: report.ResourcesCondition, State: report.ConditionFailed, Statement: f.Statement})...)
	}
	return list
}

// resolverFails asks our resolver for the root, once a question about the domain has failed.
// One that does not even know that is to blame itself, and no name server of the domain.
func (run *run) resolverFails(ctx context.Context) (c report.Condition, failed bool) {
	asked := []report.Phase{report.PhaseMX, report.PhaseAddress, report.PhaseTLSA, report.PhaseTXT, report.PhaseDNS}
	met := run.failure(func(f *report.Failure) bool {
		return slices.Contains(asked, f.Phase) && slices.Contains(unanswered, f.Kind)
	})
	if met == nil || errors.Is(ctx.Err(), context.Canceled) {
		return c, false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rootTime)
	defer cancel()
	f := run.Engine.resolver.Silence(ctx)
	if f == nil || !slices.Contains(unanswered, f.Kind) { // it answers, or was not asked
		return c, false
	}
	return report.Condition{Name: report.AnswerCondition, State: report.ConditionFailed, Statement: f.Statement}, true
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
