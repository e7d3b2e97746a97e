package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"mxseal/checks/report"
)

// healthz says whether reports can be read: the site is of no use without them.
func (s *Site) healthz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err := s.cfg.Store.Health(ctx).Read; err != nil {
		s.cfg.Log.Error("the store does not answer", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "the store does not answer")
		return
	}
	fmt.Fprintln(w, "ok")
}

// readyz says whether verdicts can be relied on: the store answers, and the last self-test
// found no trouble of our own. Every condition is listed with what to do about it.
func (s *Site) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	var conditions []report.Condition
	if s.cfg.Conditions != nil {
		conditions = s.cfg.Conditions()
	}
	switch h := s.cfg.Store.Health(ctx); {
	case h.Read != nil:
		conditions = append(conditions, report.Condition{Name: "store", State: report.ConditionFailed, Text: "The store does not answer."})
	case h.Write != nil:
		conditions = append(conditions, report.Condition{Name: "store", State: report.ConditionFailed, Text: "The last report could not be kept, and the disk still takes nothing: see whether it is full or read-only."})
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	// An EHLO name that does not resolve back costs us answers, and spoils none: no reason to be
	// taken out of a pool.
	if slices.ContainsFunc(conditions, func(c report.Condition) bool {
		return c.State == report.ConditionFailed && c.Name != report.HELOCondition
	}) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	for _, c := range conditions {
		fmt.Fprintf(w, "%s %s: %s\n", c.State, c.Name, c.Text)
	}
	if len(conditions) == 0 {
		fmt.Fprintln(w, "ok")
	}
}
