package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

const (
	askEvery = 250 * time.Millisecond // how often it is looked whether an answer is there
	askLast  = 5 * time.Second        // for taking back what was asked in vain
)

// Reply is a kind of job that others ask for (Ask), in a queue of that name, and wait for. What work returns
// is the answer. A job that fails is not done again: who asked no longer waits.
func Reply[T Args, A any](queue string, work func(ctx context.Context, args T) (A, error)) Kind {
	return Do(queue, river.PriorityDefault, func(ctx context.Context, args T, _ int) error {
		answer, err := work(ctx, args)
		if err != nil {
			return err
		}
		return river.RecordOutput(ctx, answer)
	})
}

// Ask has a job done by whichever process has a queue of that name, and returns the answer. The error is that of
// ctx where none came until then: the job is taken back. It may be that nobody has such a queue.
func Ask[A any](ctx context.Context, e *Engine, queue string, args Args) (answer A, err error) {
	row, err := e.client.Insert(ctx, args, &river.InsertOpts{Queue: queue, MaxAttempts: 1})
	if err != nil {
		return answer, fmt.Errorf("jobs: ask in %s: %w", queue, err)
	}
	defer e.takeBack(context.WithoutCancel(ctx), row.Job.ID)
	for {
		job, err := e.client.JobGet(ctx, row.Job.ID)
		switch {
		case err != nil:
			return answer, fmt.Errorf("jobs: ask in %s: %w", queue, err)
		case job.State == rivertype.JobStateCompleted:
			return answer, json.Unmarshal(job.Output(), &answer)
		case job.FinalizedAt != nil:
			return answer, fmt.Errorf("jobs: ask in %s: the job failed", queue)
		}
		select {
		case <-ctx.Done():
			return answer, fmt.Errorf("jobs: ask in %s: %w", queue, ctx.Err())
		case <-time.After(askEvery):
		}
	}
}

// takeBack deletes what was asked, or ends it where it is being done.
func (e *Engine) takeBack(ctx context.Context, job int64) {
	ctx, cancel := context.WithTimeout(ctx, askLast)
	defer cancel()
	_, err := e.client.JobDelete(ctx, job)
	if errors.Is(err, rivertype.ErrJobRunning) {
		_, err = e.client.JobCancel(ctx, job)
	}
	if err != nil && !errors.Is(err, rivertype.ErrNotFound) {
		e.log.Warn("a job that nobody waits for any more was not taken back", "job", job, "error", err)
	}
}
