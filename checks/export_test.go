package checks

import (
	"context"

	"mxseal/checks/report"
)

// Conclude judges evidence with what a test says is derived from it.
func Conclude(r *report.Report) {
	conclude(r)
	Explain(r)
}

// Troubles are the conditions of our own that a check with such a report has met.
func Troubles(ctx context.Context, e *Engine, r *report.Report) []report.Condition {
	return e.newRun(r, nil).ownTroubles(ctx)
}
