package storetest

import (
	"fmt"
	"testing"
	"time"

	"mxseal/web/store"
)

// surveyed is a store with the survey "three": a.example, b.example and c.example.
type surveyed struct {
	t *testing.T
	*store.Store
}

func lines(domains ...string) func() (store.Line, bool, error) {
	return func() (line store.Line, more bool, err error) {
		if len(domains) == 0 {
			return line, false, nil
		}
		line, domains = store.Line{Domain: domains[0], Labels: []string{"of " + domains[0]}}, domains[1:]
		return line, true, nil
	}
}

// change makes a change that must not fail.
func (s surveyed) change(do func(*store.Tx) error) {
	s.t.Helper()
	if err := s.Change(s.t.Context(), do); err != nil {
		s.t.Fatal(err)
	}
}

func (s surveyed) start(now time.Time) (run store.Run) {
	s.t.Helper()
	s.change(func(tx *store.Tx) (err error) { run, _, err = tx.StartRun(s.t.Context(), "three", now); return err })
	return run
}

func (s surveyed) result(run store.Run, n int, facts string) (ended bool) {
	s.t.Helper()
	s.change(func(tx *store.Tx) (err error) {
		ended, err = tx.KeepResult(s.t.Context(), run.ID, n, []byte(facts), Noon)
		return err
	})
	return ended
}

// ended is a run with a result of each line.
func (s surveyed) ended(now time.Time, letters ...string) store.Run {
	s.t.Helper()
	run := s.start(now)
	for n, l := range letters {
		s.result(run, n, fmt.Sprintf(`{"letter":%q}`, l))
	}
	return run
}
