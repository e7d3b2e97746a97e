package checks

import (
	"context"

	"mxseal/checks/report"
)

// Troubles are the conditions of our own that a check with such a report has met.
func Troubles(ctx context.Context, e *Engine, r *report.Report) []report.Condition {
	return e.newRun(r, nil).ownTroubles(ctx)
}

// Held is how many things an allowance remembers.
func Held[K comparable](a *Allowance[K]) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, taken := range a.taken {
		n += len(taken)
	}
	if n != a.held {
		return -1 // its own count is wrong
	}
	return n
}
