// Package surveys looks at lists of domains, again and again, and counts what it finds. It knows no
// HTTP and no SQL: the list and the results lie in the store, what is to be done next is a job.
//
// A run is two kinds of jobs: feed(run) adds those for the next lines of the list while few are under
// way, judge(run, line) has the engine check the domain and keeps what is counted of the report. The
// engine looks at a server once an hour for all domains that share it. Of a line there is one result,
// however often its job is done.
package surveys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/web/jobs"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

const (
	// Queue is that of all jobs of surveys, and AtOnce how many of them are done at a time.
	Queue  = "surveys"
	AtOnce = 32

	maxTitle    = 200              // octets of a title
	maxUnderWay = 400              // jobs of one run that are to be done
	maxFeed     = 200              // of these that are added at a time
	feedAgain   = time.Second      // until more are added
	checkTime   = 40 * time.Second // one domain; what is missing then is untested
	maxRuns     = 100              // of one survey that are kept
	leastEvery  = time.Hour        // between two runs
	lookAgain   = 5 * time.Minute  // how often it is looked which survey is due
)

// Config is what surveys work with.
type Config struct {
	Store *sqlite.Store
	// Check is Engine.Run.
	Check func(ctx context.Context, d input.Domain, id string, emit func(report.Event)) *report.Report
	Parse func(string) (input.Domain, error)
	// Spared reports whether the owner of a domain (A-label) has asked not to be checked; nil spares nobody.
	Spared func(domain string) bool
}

// Surveys are those of a store.
type Surveys struct {
	cfg  Config
	jobs *jobs.Engine
}

// New returns the surveys of a store, and the kinds of jobs that they are made of.
func New(cfg Config) (*Surveys, []jobs.Kind) {
	s := &Surveys{cfg: cfg}
	return s, []jobs.Kind{jobs.Do(Queue, 1, s.feed), jobs.Do(Queue, 2, s.judge)}
}

// Due is the kind of job that begins the runs that are due.
func (s *Surveys) Due() jobs.Kind { return jobs.Every(lookAgain, s.due) }

// By names the engine that does the jobs; it is called once, before anything else.
func (s *Surveys) By(e *jobs.Engine) { s.jobs = e }

var names = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Create keeps a survey with its list. The list says afterwards what was wrong with it.
func (s *Surveys) Create(ctx context.Context, one *store.Survey, list *List) error {
	switch {
	case !names.MatchString(one.Name):
		return fmt.Errorf("a survey is called by up to 63 of a-z, 0-9 and -, not %q", report.Clean(one.Name, 80))
	case one.Every != 0 && one.Every < leastEvery:
		return fmt.Errorf("a survey is made every %v at most, not every %v", leastEvery, one.Every)
	}
	one.Title = report.Clean(one.Title, maxTitle)
	return s.cfg.Store.AddSurvey(ctx, one, list.Next)
}

// Start begins a run. Where one goes on already, that is returned; one of which jobs were given up,
// so that nothing is to be done any more, is begun again for what has no result.
func (s *Surveys) Start(ctx context.Context, name string) (run store.Run, err error) {
	idle, err := s.jobs.Idle(ctx, Queue)
	if err != nil {
		return run, err
	}
	err = s.cfg.Store.Change(ctx, func(tx *sqlite.Tx) error {
		var started bool
		if run, started, err = tx.StartRun(ctx, name, time.Now(), maxRuns); err != nil || !started && !idle {
			return err
		}
		if err := tx.FeedAgain(ctx, run.ID); err != nil {
			return err
		}
		return s.jobs.Add(ctx, tx, feedJob{run.ID})
	})
	return run, err
}

type feedJob struct {
	Run int64 `json:"run"`
}

func (feedJob) Kind() string { return "survey-feed" }

type judgeJob struct {
	Run int64 `json:"run"`
	N   int   `json:"n"`
}

func (judgeJob) Kind() string { return "survey-judge" }

type dueJob struct{}

func (dueJob) Kind() string { return "survey-due" }

// feed adds the jobs for the next lines of a run.
func (s *Surveys) feed(ctx context.Context, job feedJob) error {
	more := false
	err := s.cfg.Store.Change(ctx, func(tx *sqlite.Tx) error {
		from, n, further, err := tx.Feed(ctx, job.Run, maxFeed, maxUnderWay)
		if err != nil {
			return err
		}
		more = further
		list := make([]jobs.Args, n)
		for i := range list {
			list[i] = judgeJob{job.Run, from + i}
		}
		return s.jobs.Add(ctx, tx, list...)
	})
	switch {
	case errors.Is(err, store.ErrNotFound): // of a run that is not kept any more
		return nil
	case err == nil && more:
		return jobs.Again(feedAgain)
	}
	return err
}

// judge checks the domain of a line and keeps what is counted.
func (s *Surveys) judge(ctx context.Context, job judgeJob) error {
	line, done, err := s.cfg.Store.LineOf(ctx, job.Run, job.N)
	if errors.Is(err, store.ErrNotFound) || done {
		return nil
	}
	if err != nil {
		return err
	}
	facts, err := s.look(ctx, line.Domain)
	if err != nil {
		return err
	}
	text, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	return s.cfg.Store.Change(ctx, func(tx *sqlite.Tx) error { return tx.KeepResult(ctx, job.Run, job.N, text, time.Now()) })
}

// look checks a domain. The error says that it was stopped.
func (s *Surveys) look(ctx context.Context, domain string) (Facts, error) {
	if s.cfg.Spared != nil && s.cfg.Spared(domain) {
		return None("opted-out"), nil
	}
	d, err := s.cfg.Parse(domain)
	if err != nil { // by the rules of today
		return None("no-mail-domain"), nil
	}
	brief, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	r := s.cfg.Check(brief, d, store.NewID(), nil)
	if ctx.Err() != nil {
		return Facts{}, ctx.Err()
	}
	return FactsOf(r), nil
}

// due begins the runs that are due.
func (s *Surveys) due(ctx context.Context, _ dueJob) error {
	list, err := s.cfg.Store.Surveys(ctx)
	if err != nil {
		return err
	}
	for _, one := range list {
		if one.Every == 0 {
			continue
		}
		last, err := s.cfg.Store.Runs(ctx, one.Name, 1)
		if err != nil {
			return err
		}
		if len(last) > 0 && time.Since(last[0].Began) < one.Every {
			continue
		}
		if _, err := s.Start(ctx, one.Name); err != nil {
			return err
		}
	}
	return nil
}

// Row is what is known of a domain after a run.
type Row struct {
	Domain string   `json:"domain"`
	Labels []string `json:"labels"`
	Facts
}

// Rows hands on what a run has found out, in the order of the list.
func (s *Surveys) Rows(ctx context.Context, run store.Run, take func(Row) error) error {
	return s.cfg.Store.Results(ctx, run.ID, func(r store.Result) error {
		row := Row{Domain: r.Domain, Labels: r.Labels}
		if err := json.Unmarshal(r.Facts, &row.Facts); err != nil {
			return fmt.Errorf("the result of %s in run %d cannot be read: %w", r.Domain, run.ID, err)
		}
		return take(row)
	})
}

// Totals counts what a run has found out.
func (s *Surveys) Totals(ctx context.Context, run store.Run) (*Totals, error) {
	t := NewTotals()
	err := s.Rows(ctx, run, func(r Row) error { t.Add(r.Facts, r.Labels); return nil })
	return t, err
}
