package watch

import (
	"context"
	"slices"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// DKIM is whether the DNS has the key that signs messages, looked up by Engine.Texts; nothing where none is
// signed, and of no watches.
func (w *Watches) DKIM(ctx context.Context, lookup func(context.Context, string) (texts []string, known bool)) []report.Condition {
	if w == nil || w.cfg.Mail == nil {
		return nil
	}
	name, _ := w.cfg.Mail.Record()
	if name == "" {
		return nil
	}
	c := report.Condition{Name: report.DKIMCondition, State: report.ConditionOK, Statement: report.Say(report.SaysDKIMGood, "name", name)}
	switch texts, known := lookup(ctx, name); {
	case !known:
		c.State, c.Statement = report.ConditionUntested, report.Say(report.SaysDKIMUnknown, "name", name)
	case !slices.ContainsFunc(texts, w.cfg.Mail.Published):
		c.State, c.Statement = report.ConditionFailed, report.Say(report.SaysDKIMMissing, "name", name)
	}
	return view.Conditions(c)
}
