package checks

import (
	"context"
	"slices"
	"time"

	"mxseal/checks/check"
	"mxseal/checks/report"
)

// finish closes the report and judges the evidence.
func (run *run) finish(ctx context.Context) *report.Report {
	r := run.r
	run.close(ctx)
	run.judge(r)
	run.explain(r)
	r.ElapsedMS = time.Since(run.start).Milliseconds()
	for i := range r.Findings {
		run.emitOnce(r.Findings[i])
	}
	run.send(report.Event{Done: r})
	return r
}

// judge draws the conclusions from what a report holds.
func (run *run) judge(r *report.Report) {
	defer run.rescue("grade")
	r.Conclusions = Judge(r.Meta, r.Evidence)
}

// explain writes the sentences of a report that is shown at once.
func (run *run) explain(r *report.Report) {
	defer run.rescue("explain")
	Explain(r)
}

// close writes down what is known of a run at its end: the connections that it made, and what of our
// own had a part in what it saw.
func (run *run) close(ctx context.Context) {
	r := run.r
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			if a.SeenAt == nil {
				r.Connections += a.Connections
			}
			if a.AsBase != nil && a.AsBase.SeenAt == nil {
				r.Connections += a.AsBase.Connections
			}
		}
	}
	r.HeldBack = run.dialer.Late()
	r.Unanswered = run.resolver.Unanswered()
	if ctx.Err() != nil {
		r.Interrupted = report.OutOfTime
		if context.Cause(ctx) != context.DeadlineExceeded {
			r.Interrupted = report.CutShort
		}
	}
	r.Meet(slices.Concat(spoiling(run.tested()), run.ownTroubles(ctx))...) // also what was discovered meanwhile
}

// preview judges a part of the evidence by the checks that are certain of something by it, and
// sends those findings about the host (none: the domain) that no further evidence can change.
// Rules that look at the whole domain have to wait for the end.
func (run *run) preview(part check.Part, e report.Evidence, host string) {
	if run.emit == nil || e.MX == nil {
		return
	}
	defer run.rescue("preview")
	m := report.Meta{Domain: run.r.Domain, UnicodeDomain: run.r.UnicodeDomain, CheckedAt: run.r.CheckedAt, Depth: run.r.Depth, LargeHellos: run.r.LargeHellos, Coded: true}
	r := &report.Report{Meta: m, Evidence: e}
	Derive(r.Observed())
	r.Findings = findings(r.Observed(), slices.DeleteFunc(slices.Clone(Every), func(c check.Check) bool { return c.Early&part == 0 })...)
	Explain(r)
	for _, f := range r.Findings {
		if f.Host == host {
			run.emitOnce(f)
		}
	}
}

// emitOnce sends a finding, once.
func (run *run) emitOnce(f report.Finding) {
	key := finding{f.Rule, f.Host, f.Address, f.Title}
	run.mu.Lock()
	known := run.emitted[key]
	run.emitted[key] = true
	run.mu.Unlock()
	if !known {
		run.send(report.Event{Finding: &f})
	}
}
