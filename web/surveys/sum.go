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
	"mxseal/web/jobs"
	"mxseal/web/store"
)

const (
	maxProviders = 25               // that are counted by themselves, the largest
	maxNamed     = 5000             // providers among which these are looked for
	blockLines   = 100              // domains behind a number that are kept, and shown, together
	maxBlocks    = 20_000           // that are kept with one change
	sumTime      = 15 * time.Second // one step of counting
	readRows     = 2000             // results that are read at a time

	oneYear = 365 * 24 * time.Hour // ago, the run nearest to which is compared
	yearOff = 60 * 24 * time.Hour  // how far from that it may be
)

// The letters of earlier runs, as they come with each result.
const (
	lastRun = 0
	yearAgo = 1
)

type sumJob struct {
	Run int64 `json:"run"`
}

func (sumJob) Kind() string { return "survey-sum" }

// sum counts some of what a run that has ended comes to, once for all who read it.
func (s *Surveys) sum(ctx context.Context, job sumJob, _ int) error {
	more, err := s.step(ctx, job.Run)
	if err == nil && more {
		return jobs.Again(0)
	}
	return err
}

// Count keeps what a run that has ended comes to. One that is not kept any more comes to nothing.
func (s *Surveys) Count(ctx context.Context, run int64) error {
	for {
		if more, err := s.step(ctx, run); err != nil || !more {
			return err
		}
	}
}

// summing is what was counted so far. Between two steps it lies in the store.
type summing struct {
	Totals    *adoption.Totals            `json:"totals"`
	Customers map[string]*adoption.Totals `json:"customers"` // of each provider
	Earlier   [2]int64                    `json:"earlier"`   // runs that are compared, 0 for none
	Open      map[string][]int            `json:"open"`      // of each number, the lines of the block that is not full

	blocks []store.Block // that are full
}

// step counts for a while, and reports whether there is more to be counted.
func (s *Surveys) step(ctx context.Context, id int64) (more bool, err error) {
	from, state, err := s.cfg.Store.Summing(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c, err := s.summing(ctx, id, state)
	if err != nil {
		return false, fmt.Errorf("count run %d: %w", id, err)
	}
	next, ended, err := s.read(ctx, id, from, c, time.Now().Add(sumTime))
	if err != nil {
		return false, fmt.Errorf("count run %d: %w", id, err)
	}
	return !ended, s.keepStep(ctx, id, from, next, ended, c)
}

// summing begins to count a run, or goes on with a state.
func (s *Surveys) summing(ctx context.Context, id int64, state []byte) (*summing, error) {
	c := &summing{Totals: adoption.NewTotals(), Customers: make(map[string]*adoption.Totals), Open: make(map[string][]int)}
	if state != nil {
		return c, json.Unmarshal(state, c)
	}
	run, err := s.cfg.Store.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	last, year, err := s.before(ctx, run)
	c.Earlier = [2]int64{lastRun: last.ID, yearAgo: year.ID}
	c.Totals.LastRun, c.Totals.YearAgo = moves(last), moves(year)
	return c, err
}

// read counts from a line on, until a time.
func (s *Surveys) read(ctx context.Context, id int64, from int, c *summing, until time.Time) (next int, ended bool, err error) {
	for next = from; len(c.blocks) < maxBlocks && time.Now().Before(until); {
		list, err := s.cfg.Store.Results(ctx, id, next, readRows, c.Earlier)
		if err != nil {
			return next, false, err
		}
		for _, r := range list {
			row, err := rowOf(r)
			if err != nil {
				return next, false, err
			}
			c.add(row, r.Earlier)
			next = r.N + 1
		}
		if len(list) < readRows {
			return next, true, nil
		}
	}
	return next, false, nil
}

// add counts a domain, and puts it behind its numbers.
func (c *summing) add(r Row, earlier [2]string) {
	c.Totals.Add(r.Facts, r.Labels)
	if of := c.Customers[r.Provider]; of != nil {
		of.Add(r.Facts, nil)
	} else if r.Provider != "" && len(c.Customers) < maxNamed {
		of = adoption.NewTotals()
		of.Add(r.Facts, nil)
		c.Customers[r.Provider] = of
	}
	numbers := r.Numbers(r.Labels)
	if before := report.Letter(earlier[lastRun]); c.Totals.LastRun.Add(before, r.Letter) {
		numbers = append(numbers, adoption.Changed(adoption.SinceLastRun, before, r.Letter))
	}
	if before := report.Letter(earlier[yearAgo]); c.Totals.YearAgo.Add(before, r.Letter) {
		numbers = append(numbers, adoption.Changed(adoption.SinceAYearAgo, before, r.Letter))
	}
	for _, number := range numbers {
		if number.What == "label" && c.Totals.Labels[number.Answer] == nil || number.What == "provider" && c.Customers[number.Answer] == nil {
			continue // too many of them: it is not counted by itself
		}
		name := number.String()
		if c.Open[name] = append(c.Open[name], r.N); len(c.Open[name]) == blockLines {
			c.close(name)
		}
	}
}

// close ends the block of a number that is open.
func (c *summing) close(number string) {
	c.blocks = append(c.blocks, store.Block{Number: number, Lines: c.Open[number]})
	delete(c.Open, number)
}

// end counts what can only be counted at the end, and returns the numbers that are not shown.
func (c *summing) end() (gone []string) {
	c.Totals.LastRun.Sort()
	c.Totals.YearAgo.Sort()
	for _, name := range slices.SortedFunc(maps.Keys(c.Customers), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.Customers[b].Domains, c.Customers[a].Domains), cmp.Compare(a, b))
	}) {
		if of := c.Customers[name]; len(c.Totals.Providers) < maxProviders && of.Domains > 1 {
			c.Totals.Providers = append(c.Totals.Providers, &adoption.Provider{Name: name, Totals: of})
			continue
		}
		number := adoption.Number{What: "provider", Answer: name}.String()
		delete(c.Open, number)
		gone = append(gone, number)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Open)) {
		c.close(name)
	}
	return gone
}

// keepStep keeps what was counted between two lines of a run, and at the end what it comes to.
func (s *Surveys) keepStep(ctx context.Context, id int64, from, next int, ended bool, c *summing) error {
	state, brief, totals, gone := []byte("{}"), []byte(nil), []byte(nil), []string(nil)
	var err error
	if ended {
		gone = c.end()
		if brief, err = json.Marshal(c.Totals.Brief()); err == nil {
			totals, err = json.Marshal(c.Totals)
		}
	} else {
		state, err = json.Marshal(c)
	}
	if err != nil {
		return err
	}
	return s.cfg.Store.Change(ctx, func(tx *store.Tx) error {
		first, err := tx.KeepSumming(ctx, id, from, next, state, c.blocks)
		if err != nil || !first || !ended {
			return err
		}
		return tx.KeepTotals(ctx, id, brief, totals, gone)
	})
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

// count counts what a run comes to without keeping it.
func (s *Surveys) count(ctx context.Context, run store.Run) (*adoption.Totals, error) {
	c, err := s.summing(ctx, run.ID, nil)
	if err != nil {
		return nil, err
	}
	for next, ended := 0, false; !ended; c.blocks = nil {
		if next, ended, err = s.read(ctx, run.ID, next, c, time.Now().Add(sumTime)); err != nil {
			return nil, err
		}
	}
	c.end()
	return c.Totals, nil
}

// before finds the run before another one, and the one that was made about a year before it; zero for none.
func (s *Surveys) before(ctx context.Context, run store.Run) (last, year store.Run, err error) {
	list, err := s.cfg.Store.Runs(ctx, run.Survey, maxRuns)
	if err != nil {
		return last, year, err
	}
	for _, one := range list { // the latest first
		if one.ID >= run.ID || one.Ended.IsZero() {
			continue
		}
		if last.ID == 0 {
			last = one
		}
		if off := run.Began.Sub(one.Began) - oneYear; off.Abs() <= yearOff && (year.ID == 0 || off.Abs() < (run.Began.Sub(year.Began)-oneYear).Abs()) {
			year = one
		}
	}
	return last, year, nil
}

func moves(since store.Run) *adoption.Moves {
	if since.ID == 0 {
		return nil
	}
	return &adoption.Moves{Began: since.Began, Moved: []adoption.Move{}}
}

// Behind returns domains that are behind a number of a run, from a line on, and the line from which there are
// more; 0 for no more. store.ErrNotFound: there are none.
func (s *Surveys) Behind(ctx context.Context, run store.Run, n adoption.Number, from int) (rows []Row, next int, err error) {
	list, next, err := s.cfg.Store.Behind(ctx, run.ID, n.String(), from)
	if err != nil {
		return nil, 0, fmt.Errorf("the domains of %s: %w", n, err)
	}
	for _, r := range list {
		row, err := rowOf(r)
		if err != nil {
			return nil, 0, err
		}
		rows = append(rows, row)
	}
	return rows, next, nil
}
