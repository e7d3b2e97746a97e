package surveys

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"mxseal/checks/adoption"
	"mxseal/web/store"
)

// Shown is a survey as its readers see it.
type Shown struct {
	store.Survey
	Runs     []store.Run // that have ended and are counted, the latest first
	UnderWay *store.Run  // nil where none goes on
}

// Date is the day of a run, by which its page is found.
func Date(run store.Run) string { return run.Began.UTC().Format(time.DateOnly) }

// BriefOf is what is shown of a run beside others.
func BriefOf(run store.Run) (b adoption.Brief) {
	if err := json.Unmarshal(run.Brief, &b); err != nil { // it was written by us; a damaged one shows nothing
		return adoption.Brief{}
	}
	return b
}

// Find returns a survey with its runs. store.ErrNotFound: there is none of that name.
func (s *Surveys) Find(ctx context.Context, name string) (Shown, error) {
	one, err := s.cfg.Store.Survey(ctx, name)
	if err != nil {
		return Shown{}, err
	}
	return s.shown(ctx, one)
}

// All returns every survey.
func (s *Surveys) All(ctx context.Context) (list []Shown, err error) {
	all, err := s.cfg.Store.Surveys(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		shown, err := s.shown(ctx, one)
		if err != nil {
			return nil, err
		}
		list = append(list, shown)
	}
	return list, nil
}

func (s *Surveys) shown(ctx context.Context, one store.Survey) (Shown, error) {
	shown := Shown{Survey: one}
	runs, err := s.cfg.Store.Runs(ctx, one.Name, maxRuns)
	if err != nil {
		return shown, err
	}
	for i, run := range runs {
		switch {
		case run.Brief != nil:
			shown.Runs = append(shown.Runs, run)
		case run.Ended.IsZero() && i == 0:
			shown.UnderWay = &runs[i]
		}
	}
	return shown, nil
}

// Pace says how many domains a second a run has done, of which there were so many in a time, and how long
// the others take at that; both are zero where it is not known.
func Pace(run store.Run, done int, took time.Duration) (rate float64, left time.Duration) {
	if done <= 0 || took <= 0 {
		return 0, 0
	}
	rate = float64(done) / took.Seconds()
	return rate, time.Duration(float64(run.Domains-run.Done) / rate * float64(time.Second))
}

// Of is the run of a day, the last one of several; the latest where no day is said. The error is
// store.ErrNotFound where there is none.
func (s Shown) Of(date string) (store.Run, error) {
	for _, run := range s.Runs {
		if date == "" || Date(run) == date {
			return run, nil
		}
	}
	return store.Run{}, fmt.Errorf("a run of %s: %w", s.Name, store.ErrNotFound)
}
