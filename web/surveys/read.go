package surveys

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"mxseal/checks/adoption"
	"mxseal/checks/report"
	"mxseal/web/store"
)

// Shown is a survey as its readers see it.
type Shown struct {
	store.Survey
	Runs     []store.Run // that have ended and are counted, the latest first
	UnderWay *store.Run  // nil where none goes on
	Work     Work        // of that
}

// Work is what this process has done of a run. Runs are stopped and go on, and clocks are set: when a run
// began says nothing of how fast it goes.
type Work struct {
	Since   time.Time // the first domain was done; zero for none
	Domains int       // after that
}

// worked notes that a domain of a run was done, and whether it was the last one.
func (s *Surveys) worked(run int64, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, known := s.work[run]
	switch {
	case last:
		delete(s.work, run)
		return
	case !known:
		w.Since = time.Now()
	default:
		w.Domains++
	}
	s.work[run] = w
}

// workOf is what was done of a run.
func (s *Surveys) workOf(run int64) Work {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.work[run]
}

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

// mostPublished is how many surveys are named that have looked at a domain.
const mostPublished = 5

// Published is what the last run of a survey that publishes its domains has found out about one.
type Published struct {
	store.Published
	adoption.Facts
}

// PublishedOf is what surveys have found out about a domain, the latest first; nothing of one that is left
// alone.
func (s *Surveys) PublishedOf(ctx context.Context, domain string) (list []Published, err error) {
	if s.Left(domain) {
		return nil, nil
	}
	all, err := s.cfg.Store.PublishedOf(ctx, domain, mostPublished)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		row, err := rowOf(store.Result{Line: store.Line{Domain: domain}, Facts: one.Facts})
		if err != nil {
			return nil, err
		}
		list = append(list, Published{one, row.Facts})
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
			shown.UnderWay, shown.Work = &runs[i], s.workOf(run.ID)
		}
	}
	return shown, nil
}

// Of is the run of a date; the latest where none is said. The error is store.ErrNotFound where there is none.
func (s Shown) Of(date string) (store.Run, error) {
	for _, run := range s.Runs {
		if date == "" || run.Date == date {
			return run, nil
		}
	}
	return store.Run{}, fmt.Errorf("a run of %s: %w", s.Name, store.ErrNotFound)
}

// Cost is what a run of many domains takes.
type Cost struct {
	Depth       report.Depth
	Rate        float64 // domains a second
	Questions   float64 // to the resolver, a domain
	Connections float64 // to mail and policy servers, a domain
	Octets      float64 // on disk, a domain
	Memory      int     // MiB, at most
}

// Measured is what “make bench-survey” has measured, on a machine of two processors with nothing else to do:
// 10,000 domains, four in five of them on 500 mail servers, the others with mail server names of their own on
// eight addresses, all 50 ms away. By domain, with one address for twenty of them; memory does not grow with the list.
var Measured = []Cost{
	{Depth: report.Quick, Rate: 105, Questions: 38, Connections: .1, Octets: 900, Memory: 140},
	{Depth: report.Standard, Rate: 102, Questions: 42, Connections: .56, Octets: 1000, Memory: 170},
}

// Time is how long so many domains take.
func (c Cost) Time(domains int) time.Duration {
	return time.Duration(float64(domains) / c.Rate * float64(time.Second))
}
