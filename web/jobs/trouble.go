package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"mxseal/checks/report"
)

// Trouble is a job that has failed: it waits for its next attempt, is at it, or is given up.
type Trouble struct {
	Kind     string
	Args     string // JSON
	Attempts int
	GivenUp  bool
	At       time.Time // of the last attempt
	Next     time.Time // of the next; zero where it is given up
	Error    string    // of the last attempt, cleaned
}

const (
	maxTroubles = 100 // that are shown
	maxError    = 500 // octets of an error that are shown
)

// Troubles are the jobs that have failed, at most maxTroubles, the latest first.
func (e *Engine) Troubles(ctx context.Context) ([]Trouble, error) {
	found, err := e.client.JobList(ctx, river.NewJobListParams().First(maxTroubles).
		States(append([]rivertype.JobState{rivertype.JobStateDiscarded, rivertype.JobStateCancelled}, unfinished...)...).
		Where("errors IS NOT NULL").
		OrderBy(river.JobListOrderByID, river.SortOrderDesc))
	if err != nil {
		return nil, fmt.Errorf("jobs: read what failed: %w", err)
	}
	list := make([]Trouble, 0, len(found.Jobs))
	for _, job := range found.Jobs {
		t := Trouble{Kind: job.Kind, Args: report.Clean(string(job.EncodedArgs), maxError), Attempts: job.Attempt, GivenUp: !slices.Contains(unfinished, job.State)}
		if !t.GivenUp {
			t.Next = job.ScheduledAt.UTC()
		}
		if n := len(job.Errors); n > 0 {
			t.At, t.Error = job.Errors[n-1].At.UTC(), report.Clean(job.Errors[n-1].Error, maxError)
		}
		list = append(list, t)
	}
	return list, nil
}

// errorLog has a line for every attempt that failed.
type errorLog struct{ log *slog.Logger }

// HandleError notes an attempt that returned an error.
func (l *errorLog) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	l.log.ErrorContext(ctx, "a job failed", "kind", job.Kind, "attempt", job.Attempt, "of", job.MaxAttempts, "error", report.Clean(err.Error(), maxError))
	return nil
}

// HandlePanic notes an attempt that panicked, which is our own fault.
func (l *errorLog) HandlePanic(ctx context.Context, job *rivertype.JobRow, panicked any, trace string) *river.ErrorHandlerResult {
	l.log.ErrorContext(ctx, "a job panicked", "kind", job.Kind, "attempt", job.Attempt, "panic", panicked, "stack", trace)
	return nil
}

// quiet is a handler that hears only what the engine warns of.
type quiet struct{ slog.Handler }

// Enabled leaves out what is of the engine's own daily life.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

// WithAttrs keeps it quiet.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup keeps it quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

// Handle takes it for no trouble that the store was too busy to answer in time, as it is where the disk is: the
// engine asks again.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if !late(r) {
		return q.Handler.Handle(ctx, r)
	}
	if !q.Handler.Enabled(ctx, slog.LevelInfo) {
		return nil
	}
	said := slog.NewRecord(r.Time, slog.LevelInfo, "the store is slow to answer; jobs wait for it", r.PC)
	said.AddAttrs(slog.String("for", r.Message))
	return q.Handler.Handle(ctx, said)
}

// late reports whether a question of the engine ran out of time; of its errors it logs the text.
func late(r slog.Record) (over bool) {
	r.Attrs(func(a slog.Attr) bool {
		over = (a.Key == "err" || a.Key == "error") && strings.HasSuffix(a.Value.String(), context.DeadlineExceeded.Error())
		return !over
	})
	return over
}
