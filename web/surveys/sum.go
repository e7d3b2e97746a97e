package surveys

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"mxseal/checks/adoption"
	"mxseal/checks/report"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

const (
	maxProviders = 25                   // that are counted by themselves, the largest
	maxNamed     = 50_000               // providers among which these are looked for
	smallNumber  = 1000                 // domains: of a number up to this the lines are kept, those of a larger one are near each other
	oneYear      = 365 * 24 * time.Hour // ago, the run nearest to which is compared
	yearOff      = 60 * 24 * time.Hour  // how far from that it may be
)

type sumJob struct {
	Run int64 `json:"run"`
}

func (sumJob) Kind() string { return "survey-sum" }

// sum counts what a run that has ended comes to, once for all who read it.
func (s *Surveys) sum(ctx context.Context, job sumJob, _ int) error { return s.Count(ctx, job.Run) }

// Count keeps what a run that has ended comes to. One that is not kept any more comes to nothing.
func (s *Surveys) Count(ctx context.Context, id int64) error {
	run, err := s.cfg.Store.Run(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	t, err := s.count(ctx, run)
	if err != nil {
		return err
	}
	if err := s.keepFound(ctx, run, t); err != nil {
		return err
	}
	brief, err := json.Marshal(t.Brief())
	if err != nil {
		return err
	}
	totals, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.cfg.Store.KeepTotals(ctx, run.ID, brief, totals)
}

// Totals are what a run has found out, as they were kept or, before they are, counted now.
func (s *Surveys) Totals(ctx context.Context, run store.Run) (*adoption.Totals, error) {
	text, err := s.cfg.Store.Totals(ctx, run.ID)
	if errors.Is(err, store.ErrNotFound) {
		return s.count(ctx, run)
	}
	if err != nil {
		return nil, err
	}
	t := adoption.NewTotals()
	return t, json.Unmarshal(text, t)
}

// count reads what a run has found out, twice: who the large providers are is known after the first time.
func (s *Surveys) count(ctx context.Context, run store.Run) (*adoption.Totals, error) {
	t, customers := adoption.NewTotals(), make(map[string]int)
	if err := s.Rows(ctx, run, func(r Row) error {
		t.Add(r.Facts, r.Labels)
		if _, known := customers[r.Provider]; r.Provider != "" && (known || len(customers) < maxNamed) {
			customers[r.Provider]++
		}
		return nil
	}); err != nil {
		return nil, err
	}
	of := make(map[string]*adoption.Totals)
	for _, name := range slices.SortedFunc(maps.Keys(customers), func(a, b string) int { return cmp.Or(cmp.Compare(customers[b], customers[a]), cmp.Compare(a, b)) }) {
		if len(of) == maxProviders || customers[name] < 2 {
			break
		}
		of[name] = adoption.NewTotals()
		t.Providers = append(t.Providers, &adoption.Provider{Name: name, Totals: of[name]})
	}
	last, year, err := s.before(ctx, run)
	if err != nil {
		return nil, err
	}
	t.LastRun, t.YearAgo = last.moves(), year.moves()
	err = s.Rows(ctx, run, func(r Row) error {
		if p := of[r.Provider]; p != nil {
			p.Add(r.Facts, nil)
		}
		t.LastRun.Add(last.of(r.N), r.Letter)
		t.YearAgo.Add(year.of(r.N), r.Letter)
		return nil
	})
	t.LastRun.Sort()
	t.YearAgo.Sort()
	return t, err
}

// earlier is another run.
type earlier struct {
	began   time.Time       // zero for none
	letters []report.Letter // by line
}

// before finds the run before another one, and the one that was made about a year before it.
func (s *Surveys) before(ctx context.Context, run store.Run) (last, year earlier, err error) {
	list, err := s.cfg.Store.Runs(ctx, run.Survey, maxRuns)
	if err != nil {
		return last, year, err
	}
	var lastRun, yearRun store.Run
	for _, one := range list { // the latest first
		if one.ID >= run.ID || one.Ended.IsZero() {
			continue
		}
		if lastRun.ID == 0 {
			lastRun = one
		}
		if off := run.Began.Sub(one.Began) - oneYear; off.Abs() <= yearOff && (yearRun.ID == 0 || off.Abs() < (run.Began.Sub(yearRun.Began)-oneYear).Abs()) {
			yearRun = one
		}
	}
	if last, err = s.letters(ctx, lastRun); err != nil {
		return last, year, err
	}
	year, err = s.letters(ctx, yearRun)
	return last, year, err
}

// letters reads those of a run; none where it is zero.
func (s *Surveys) letters(ctx context.Context, run store.Run) (earlier, error) {
	if run.ID == 0 {
		return earlier{}, nil
	}
	e := earlier{began: run.Began, letters: make([]report.Letter, run.Domains)}
	err := s.Rows(ctx, run, func(r Row) error {
		if i := slices.Index(report.Letters, r.Letter); i >= 0 && r.N < len(e.letters) {
			e.letters[r.N] = report.Letters[i] // and nothing of what it was read from
		}
		return nil
	})
	return e, err
}

// of is the letter of a line; empty where there is none.
func (e earlier) of(n int) report.Letter {
	if n < len(e.letters) {
		return e.letters[n]
	}
	return ""
}

func (e earlier) moves() *adoption.Moves {
	if e.began.IsZero() {
		return nil
	}
	return &adoption.Moves{Began: e.began, Moved: []adoption.Move{}}
}

// keepFound keeps the lines behind every small number, so that a page finds them at once.
func (s *Surveys) keepFound(ctx context.Context, run store.Run, t *adoption.Totals) error {
	found := make(map[string][]int)
	keep := func() error {
		return s.cfg.Store.Change(ctx, func(tx *sqlite.Tx) error {
			for number, lines := range found {
				if err := tx.KeepFound(ctx, run.ID, number, lines); err != nil {
					return err
				}
			}
			return nil
		})
	}
	waiting := 0
	err := s.Rows(ctx, run, func(r Row) error {
		for _, number := range r.Numbers(r.Labels) {
			if t.Of(number) <= smallNumber {
				found[number.String()] = append(found[number.String()], r.N)
				waiting++
			}
		}
		if waiting < smallNumber {
			return nil
		}
		defer func() { clear(found); waiting = 0 }()
		return keep()
	})
	if err != nil {
		return err
	}
	return keep()
}

// looked bounds the lines that are looked through for one page of domains.
const looked = 100_000

// Behind returns the domains behind a number of a run, from a line on, most at most, and the line from
// which there may be more; 0 for no more.
func (s *Surveys) Behind(ctx context.Context, run store.Run, t *adoption.Totals, n adoption.Number, from, most int) (list []Row, next int, err error) {
	enough := errors.New("enough")
	through := 0
	take := reading(func(r Row) error {
		if len(list) == most || through == looked {
			next = r.N
			return enough
		}
		through++
		if slices.Contains(r.Numbers(r.Labels), n) {
			list = append(list, r)
		}
		return nil
	})
	if t.Of(n) <= smallNumber {
		err = s.cfg.Store.Found(ctx, run.ID, n.String(), from, take)
	} else {
		err = s.cfg.Store.Results(ctx, run.ID, from, take)
	}
	if errors.Is(err, enough) {
		err = nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("the domains of %s: %w", n, err)
	}
	return list, next, nil
}
