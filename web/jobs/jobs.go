// Package jobs does what has to happen later: it is kept in the store, done once it is due, done
// again with growing waits where it failed, and taken up again where a process died. The engine is
// River, over the connection by which the store writes; what a job does is said by other rooms.
//
// What it promises:
//
//   - A job is added by a transaction of the store, or it is not. Once added it is done until it has
//     returned nil, whatever becomes of the process, at most maxAttempts times.
//   - A job runs for jobTime at most, unless its kind has more (Kind.Within). One whose process died is
//     taken up again after rescueTime, or after what its kind has, within two minutes. So a job may run twice, and one that still runs may have a twin: what it keeps is
//     unique by itself.
//   - A clock that is set keeps no job waiting for longer than a job waits.
//   - What failed is shown to the operator (Troubles) and in the log.
package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"mxseal/web/store"
)

const (
	jobTime     = 45 * time.Second // one job
	rescueTime  = 60 * time.Second // after which a job is taken for one whose process died
	firstWait   = 2 * time.Second  // before the second attempt; then twice as long each time
	longestWait = 10 * time.Minute // between two attempts
	maxAttempts = 30               // of one job: more than three hours

	keepDone   = 10 * time.Minute   // how long a job that is done stays in the file
	keepFailed = 7 * 24 * time.Hour // how long one that is given up does

	pollEvery = time.Second           // how often the file is asked for what is due
	fetchRest = 25 * time.Millisecond // between two questions while there is work

	maxBatch = 200 // jobs that are added with one statement
)

// Args are the parameters of a job. They are kept as JSON; Kind names what is to be done, for ever.
type Args interface{ Kind() string }

// Kind is one kind of job and what it does. Make one by Do or Every.
type Kind struct {
	name     string
	queue    string
	priority int
	limit    time.Duration // of one job; jobTime if zero
	register func(*river.Workers, time.Duration)
	periodic *river.PeriodicJob
}

// Do is a kind of job that work does, in a queue of that name; of those that are due the lowest
// priority (1 to 4) comes first. Work is told which attempt it is, from 1. What it returns: nil for
// done, Again for later, another error for an attempt that failed.
func Do[T Args](queue string, priority int, work func(ctx context.Context, args T, attempt int) error) Kind {
	var zero T
	return Kind{name: zero.Kind(), queue: queue, priority: priority,
		register: func(all *river.Workers, limit time.Duration) {
			river.AddWorker(all, &worker[T]{work: work, limit: limit})
		}}
}

// Every is a kind of job that is done when the engine starts, and then at an interval, one at a time.
func Every[T Args](interval time.Duration, work func(context.Context, T) error) Kind {
	k := Do(river.QueueDefault, river.PriorityDefault, func(ctx context.Context, args T, _ int) error { return work(ctx, args) })
	var zero T
	k.periodic = river.NewPeriodicJob(river.PeriodicInterval(interval), func() (river.JobArgs, *river.InsertOpts) {
		return zero, &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByState: unfinished}}
	}, &river.PeriodicJobOpts{RunOnStart: true})
	return k
}

// Within is the kind with another limit for one job.
func (k Kind) Within(limit time.Duration) Kind {
	k.limit = limit
	return k
}

// unfinished are the states of jobs that are still to be done.
var unfinished = []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled}

// Again has a job done again after a while, as if it had not begun: that counts as no attempt.
func Again(after time.Duration) error { return river.JobSnooze(after) }

type worker[T Args] struct {
	river.WorkerDefaults[T]
	work  func(context.Context, T, int) error
	limit time.Duration
}

// Timeout is how long a job may take; 0 for jobTime. A job is taken for one whose process died only after that.
func (w *worker[T]) Timeout(*river.Job[T]) time.Duration { return w.limit }

// Work does a job. One that is stopped with the program is done when it starts again.
func (w *worker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	err := w.work(ctx, job.Args, job.Attempt)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return river.JobSnooze(0)
	}
	return err
}

// Engine adds jobs and does them. It is safe for concurrent use.
type Engine struct {
	client *river.Client[*sql.Tx]
	kinds  map[string]Kind
	store  *store.Store
	log    *slog.Logger
	round  time.Duration
	still  context.CancelFunc // ends what runs beside
	beside sync.WaitGroup
}

// Config says what an engine does. Without Queues it adds jobs for another process.
type Config struct {
	Store  *store.Store
	Kinds  []Kind
	Queues map[string]int // how many jobs of each queue are done at a time
	Log    *slog.Logger

	limit, rescue, round time.Duration // jobTime, rescueTime and clockRound if zero; tests are in a hurry
}

// New returns an engine. Start has it work.
func New(c Config) (*Engine, error) {
	e := &Engine{kinds: make(map[string]Kind), store: c.Store, log: c.Log, round: or(c.round, clockRound), still: func() {}}
	cfg := &river.Config{
		Logger:                      slog.New(quiet{c.Log.Handler()}),
		ErrorHandler:                &errorLog{c.Log},
		JobTimeout:                  or(c.limit, jobTime),
		RescueStuckJobsAfter:        or(c.rescue, rescueTime),
		MaxAttempts:                 maxAttempts,
		RetryPolicy:                 waits{},
		CompletedJobRetentionPeriod: keepDone,
		CancelledJobRetentionPeriod: keepFailed,
		DiscardedJobRetentionPeriod: keepFailed,
		FetchPollInterval:           pollEvery,
		FetchCooldown:               fetchRest,
		PollOnly:                    true,
		FetchOnlyKnownKinds:         true, // others are done by other processes, or by newer ones
		SkipUnknownJobCheck:         true, // what is asked of others need not be known here
		Workers:                     river.NewWorkers(),
	}
	for _, k := range c.Kinds {
		k.register(cfg.Workers, k.limit)
		e.kinds[k.name] = k
		if k.periodic != nil && c.Queues != nil {
			cfg.PeriodicJobs = append(cfg.PeriodicJobs, k.periodic)
		}
	}
	if c.Queues != nil {
		cfg.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2}}
		for name, n := range c.Queues {
			cfg.Queues[name] = river.QueueConfig{MaxWorkers: n}
		}
	}
	var err error
	if e.client, err = river.NewClient(c.Store.Jobs(), cfg); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return e, nil
}

func or(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}

// Start begins to do what is due, until Stop is called.
func (e *Engine) Start(ctx context.Context) error {
	if err := e.setRight(ctx); err != nil {
		return err
	}
	if err := e.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	ctx, e.still = context.WithCancel(context.WithoutCancel(ctx))
	e.beside.Go(func() { e.watch(ctx) })
	return nil
}

// Stop tells the jobs under way to end, and returns when they have, or when ctx ends. What was not
// done is done after the next start.
func (e *Engine) Stop(ctx context.Context) error {
	e.still()
	e.beside.Wait()
	if err := e.client.StopAndCancel(ctx); err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	return nil
}

// Add adds jobs within a change of the store.
func (e *Engine) Add(ctx context.Context, tx *store.Tx, list ...Args) error {
	for len(list) > 0 {
		n := min(len(list), maxBatch)
		batch := make([]river.InsertManyParams, 0, n)
		for _, args := range list[:n] {
			k, known := e.kinds[args.Kind()]
			if !known {
				return fmt.Errorf("jobs: nobody does what is called %q", args.Kind())
			}
			batch = append(batch, river.InsertManyParams{Args: args, InsertOpts: &river.InsertOpts{Queue: k.queue, Priority: k.priority}})
		}
		if _, err := e.client.InsertManyFastTx(ctx, tx.SQL(), batch); err != nil {
			return fmt.Errorf("jobs: add %d: %w", n, err)
		}
		list = list[n:]
	}
	return nil
}

// Idle reports whether nothing is to be done in some queues, now or later.
func (e *Engine) Idle(ctx context.Context, queues ...string) (bool, error) {
	found, err := e.client.JobList(ctx, river.NewJobListParams().First(1).Queues(queues...).States(unfinished...))
	if err != nil {
		return false, fmt.Errorf("jobs: read what is to be done: %w", err)
	}
	return len(found.Jobs) == 0, nil
}

// waits are those between the attempts of a job: they grow.
type waits struct{}

// NextRetry says when a job that failed is done again. It counts from now, not from what another
// clock said.
func (waits) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(wait(len(job.Errors) + 1))
}

// wait is how long a job rests that has failed so many times.
func wait(failed int) time.Duration {
	w := firstWait
	for range failed - 1 {
		if w *= 2; w >= longestWait {
			return longestWait
		}
	}
	return w
}
