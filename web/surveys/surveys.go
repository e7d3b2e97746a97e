// Package surveys looks at lists of domains, again and again, and counts what it finds. It knows no
// HTTP and no SQL: the list and the results lie in the store, what is to be done next is a job.
//
// A run is made of jobs. feed(run) adds those for the next lines of the list while few are under way.
// resolve(run, line) asks about a domain, and notes for which looks it waits. look(run, address) looks
// at a mail server, once for all domains that share it (looks.go). judge(run, line) puts the two
// together and keeps what is counted; it is added with the last look, and where all looks have been
// made already resolve does the same at once. What lies between them is in
// the store, so that nothing waits in memory and a run goes on after a kill. Of a line there is one
// result, however often its jobs are done.
package surveys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"mxseal/checks"
	"mxseal/checks/adoption"
	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/web/jobs"
	"mxseal/web/store"
)

const (
	maxTitle    = 200              // octets of a title
	maxUnderWay = 2000             // lines of one run of which a job is under way
	maxFeed     = 1000             // of these that are added at a time
	feedAgain   = time.Second / 2  // until more are added
	partTime    = 40 * time.Second // one part of a check; what is missing then is untested
	maxTries    = 5                // of a part that met trouble of our own, before it is kept with that
	maxRuns     = 100              // of one survey that are kept
	leastEvery  = time.Hour        // between two runs
	lookAgain   = 5 * time.Minute  // how often it is looked which survey is due
)

// The queues of the jobs, by what they take: time of others, or of ours.
const (
	resolving = "survey-resolve"
	looking   = "survey-look"
	judging   = "survey-judge"
	atOnce    = 16 // jobs that take our time
)

// Queues are those of all jobs of surveys, with how many of each are done at a time: n domains that are
// asked about, and as many mail servers that are looked at.
func Queues(n int) map[string]int { return map[string]int{resolving: n, looking: n, judging: atOnce} }

const (
	// Beside is the n of a process that has visitors too, Aside that of one that has visitors and leaves the
	// most of the work to others, Alone that of one without visitors.
	Beside = 32
	Aside  = 8
	Alone  = 128
)

// Config is what surveys work with. Resolve, Look and Conclude are those of checks.Engine.
type Config struct {
	Store    *store.Store
	Resolve  func(ctx context.Context, d input.Domain, id string) (*report.Report, []checks.Call)
	Look     func(ctx context.Context, c checks.Call, domain string) *report.Report
	Conclude func(r *report.Report, seen func(checks.Call) *report.Report) *report.Report
	Parse    func(string) (input.Domain, error)
	// OptedOut reports whether the owner of a domain (A-label) has asked not to be checked; nil: nobody has.
	OptedOut func(domain string) bool
}

// By returns the configuration with an engine that makes the checks.
func (c Config) By(e *checks.Engine) Config {
	c.Resolve, c.Look, c.Conclude, c.Parse = e.Resolve, e.Look, e.Conclude, e.ParseDomain
	return c
}

// Surveys are those of a store.
type Surveys struct {
	cfg  Config
	jobs *jobs.Engine

	mu   sync.Mutex
	work map[int64]Work // of runs that go on
}

// New returns the surveys of a store, and the kinds of jobs that they are made of.
func New(cfg Config) (*Surveys, []jobs.Kind) {
	s := &Surveys{cfg: cfg, work: make(map[int64]Work)}
	return s, []jobs.Kind{jobs.Do(resolving, 1, s.feed), jobs.Do(resolving, 2, s.resolve), jobs.Do(looking, 2, s.look),
		jobs.Do(judging, 2, s.judge), jobs.Do(judging, 3, s.clear), jobs.Do(judging, 1, s.sum), jobs.Do(judging, 3, s.drop)}
}

// Due is the kind of job that begins the runs that are due.
func (s *Surveys) Due() jobs.Kind { return jobs.Every(lookAgain, s.due) }

// By names the engine that does the jobs; it is called once, before anything else.
func (s *Surveys) By(e *jobs.Engine) { s.jobs = e }

var names = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Create keeps a survey with its list. The list says afterwards what was wrong with it.
func (s *Surveys) Create(ctx context.Context, one *store.Survey, list *List) error {
	if !names.MatchString(one.Name) {
		return fmt.Errorf("a survey is called by up to 63 of a-z, 0-9 and -, not %q", report.Clean(one.Name, 80))
	}
	if err := bounded(one); err != nil {
		return err
	}
	return s.cfg.Store.AddSurvey(ctx, one, list.Next)
}

// Start begins a run. Where one goes on already, that is returned; one of which jobs were given up,
// so that nothing is to be done any more, is begun again for what has no result.
func (s *Surveys) Start(ctx context.Context, name string) (run store.Run, err error) {
	idle, err := s.jobs.Idle(ctx, resolving, looking, judging)
	if err != nil {
		return run, err
	}
	err = s.cfg.Store.Change(ctx, func(tx *store.Tx) error {
		var started bool
		if run, started, err = tx.StartRun(ctx, name, time.Now()); err != nil || !started && !idle {
			return err
		}
		old, err := tx.DropRuns(ctx, name, maxRuns)
		if err != nil {
			return err
		}
		if len(old) > 0 {
			if err := s.jobs.Add(ctx, tx, dropJob{Runs: old}); err != nil {
				return err
			}
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

type dueJob struct{}

func (dueJob) Kind() string { return "survey-due" }

// feed adds the jobs for the next lines of a run.
func (s *Surveys) feed(ctx context.Context, job feedJob, _ int) error {
	more := false
	err := s.cfg.Store.Change(ctx, func(tx *store.Tx) error {
		from, n, further, err := tx.Feed(ctx, job.Run, maxFeed, maxUnderWay)
		if err != nil {
			return err
		}
		more = further
		list := make([]jobs.Args, n)
		for i := range list {
			list[i] = resolveJob{line{job.Run, from + i}}
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

// due begins the runs that are due.
func (s *Surveys) due(ctx context.Context, _ dueJob) error {
	list, err := s.cfg.Store.Surveys(ctx)
	if err != nil {
		return err
	}
	for _, one := range list {
		last, err := s.cfg.Store.Runs(ctx, one.Name, maxRuns)
		if err != nil {
			return err
		}
		if err := s.sumLater(ctx, last); err != nil {
			return err
		}
		if one.Every == 0 {
			continue
		}
		// Where clocks were set the last run may have begun in the future: then it waits as long, and not for ever.
		if len(last) > 0 && time.Since(last[0].Began).Abs() < one.Every {
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
	adoption.Facts
	N int `json:"-"` // of its line
}

// Rows hands on what a run has found out, in the order of the list. Nothing of the store is held while take
// is at work: it may wait for a slow reader.
func (s *Surveys) Rows(ctx context.Context, run store.Run, take func(Row) error) error {
	for next := 0; ; {
		list, err := s.cfg.Store.Results(ctx, run.ID, next, readRows, [2]int64{})
		if err != nil {
			return err
		}
		for _, r := range list {
			row, err := rowOf(r)
			if err == nil {
				err = take(row)
			}
			if err != nil {
				return err
			}
			next = r.N + 1
		}
		if len(list) < readRows {
			return nil
		}
	}
}

func rowOf(r store.Result) (Row, error) {
	row := Row{Domain: r.Domain, Labels: r.Labels, N: r.N}
	if err := json.Unmarshal(r.Facts, &row.Facts); err != nil {
		return row, fmt.Errorf("the result of %s cannot be read: %w", r.Domain, err)
	}
	return row, nil
}
