package surveys

import (
	"context"
	"fmt"
	"time"

	"mxseal/checks/report"
	"mxseal/web/jobs"
	"mxseal/web/store"
)

// dropTime is how long one job clears away what is left of a survey; then the next goes on.
const dropTime = 15 * time.Second

// Change changes the title of a survey, how often it is made, and whether its domains are published.
// store.ErrNotFound: there is none of that name.
func (s *Surveys) Change(ctx context.Context, one store.Survey) error {
	if err := bounded(&one); err != nil {
		return err
	}
	return s.cfg.Store.SetSurvey(ctx, one)
}

// bounded holds what is said of a survey to its bounds.
func bounded(one *store.Survey) error {
	if one.Every != 0 && one.Every < leastEvery {
		return fmt.Errorf("a survey is made every %v at most, not every %v", leastEvery, one.Every)
	}
	one.Title = report.Clean(one.Title, maxTitle)
	return nil
}

// dropJob clears away what is left of a survey, or of some of its runs.
type dropJob struct {
	List string  `json:"list"` // empty where the survey is kept
	Runs []int64 `json:"runs"`
}

func (dropJob) Kind() string { return "survey-drop" }

// Delete takes a survey away, with all its runs. Nobody sees it any more; a job gives back the room that it
// took in the file, some at a time. store.ErrNotFound: there is none of that name.
func (s *Surveys) Delete(ctx context.Context, name string) error {
	return s.cfg.Store.Change(ctx, func(tx *store.Tx) error {
		list, runs, err := tx.DropSurvey(ctx, name)
		if err != nil {
			return err
		}
		return s.jobs.Add(ctx, tx, dropJob{list, runs})
	})
}

// drop clears away some of what a job names; then the next goes on.
func (s *Surveys) drop(ctx context.Context, job dropJob, _ int) error {
	until := time.Now().Add(dropTime)
	steps := []func() (bool, error){func() (bool, error) { return s.cfg.Store.ClearList(ctx, job.List) }}
	for _, run := range job.Runs {
		steps = append(steps, func() (bool, error) { return s.cfg.Store.Clear(ctx, run) }, func() (bool, error) { return s.cfg.Store.ClearRun(ctx, run) })
	}
	for _, step := range steps {
		for more := true; more; {
			if time.Now().After(until) {
				return jobs.Again(0)
			}
			var err error
			if more, err = step(); err != nil {
				return err
			}
		}
	}
	return nil
}

// sumLater has runs counted that ended a while ago and are not: their job was given up, or they are from
// before it was counted like this. Of two jobs for one run the second finds nothing to do.
func (s *Surveys) sumLater(ctx context.Context, runs []store.Run) error {
	var list []jobs.Args
	for _, run := range runs {
		if run.Brief == nil && !run.Ended.IsZero() && time.Since(run.Ended).Abs() > lookAgain {
			list = append(list, sumJob{run.ID})
		}
	}
	if list == nil {
		return nil
	}
	return s.cfg.Store.Change(ctx, func(tx *store.Tx) error { return s.jobs.Add(ctx, tx, list...) })
}
