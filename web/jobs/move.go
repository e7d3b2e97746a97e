package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"mxseal/web/store"
)

// kept is a job as it lies in a store.
type kept struct{ row *rivertype.JobRow }

// Kind is that of the job.
func (k kept) Kind() string { return k.row.Kind }

// MarshalJSON is what its parameters are kept as.
func (k kept) MarshalJSON() ([]byte, error) { return json.RawMessage(k.row.EncodedArgs), nil }

// Copy adds what is to be done in one store to another, to be done when it would have been, and returns how
// many jobs those are. What is done at an interval is left out: the next engine adds that itself.
func Copy(ctx context.Context, from, to *store.Store) (n int, err error) {
	source, err := idle(from)
	if err != nil {
		return 0, err
	}
	target, err := idle(to)
	if err != nil {
		return 0, err
	}
	next := river.NewJobListParams().First(maxBatch).States(unfinished...).OrderBy(river.JobListOrderByID, river.SortOrderAsc)
	for {
		found, err := source.JobList(ctx, next)
		if err != nil {
			return n, fmt.Errorf("jobs: read what is to be done: %w", err)
		}
		if len(found.Jobs) == 0 {
			return n, nil
		}
		next = next.After(found.LastCursor)
		var batch []river.InsertManyParams
		for _, job := range found.Jobs {
			if job.Queue == river.QueueDefault { // of these
				continue
			}
			batch = append(batch, river.InsertManyParams{Args: kept{job}, InsertOpts: &river.InsertOpts{Queue: job.Queue, Priority: job.Priority, ScheduledAt: job.ScheduledAt}})
		}
		if len(batch) == 0 {
			continue
		}
		if err := to.Change(ctx, func(tx *store.Tx) error { _, err := target.InsertManyFastTx(ctx, tx.SQL(), batch); return err }); err != nil {
			return n, fmt.Errorf("jobs: add %d: %w", len(batch), err)
		}
		n += len(batch)
	}
}

// idle is an engine that does nothing.
func idle(s *store.Store) (*river.Client[*sql.Tx], error) {
	c, err := river.NewClient(s.Jobs(), &river.Config{Logger: slog.New(slog.DiscardHandler), MaxAttempts: maxAttempts})
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return c, nil
}
