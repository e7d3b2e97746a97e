package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/view"
	"mxseal/web/store"
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
	if says := storeTrouble(s.cfg.Store.Health(ctx)); says != "" {
		conditions = append(conditions, view.Conditions(report.Condition{Name: report.StoreCondition, State: report.ConditionFailed, Statement: report.Say(says)})...)
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

// storeTrouble is what is wrong with a store; empty where nothing is.
func storeTrouble(h store.Health) report.Says {
	switch {
	case h.Read != nil:
		return report.SaysStoreSilent
	case h.Write != nil:
		return report.SaysStoreFull
	}
	return ""
}
