package jobs

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"mxseal/web/store"
)

// clockRound is how often it is looked whether the clock was set back.
const clockRound = 30 * time.Second

// What waits in the store waits for a time. Where the clock was a day ahead and is set right, that would be
// a day: so what lies further ahead than anything of ours waits is for now. A lease that lies ahead is of a
// clock that was wrong too.
const (
	waitsTooLong = `UPDATE river_job SET scheduled_at = $1 WHERE state IN ('available', 'scheduled', 'retryable', 'pending') AND scheduled_at > $2`
	heldTooLong  = `UPDATE river_job SET attempted_at = $1 WHERE state = 'running' AND attempted_at > $2`
	leadsTooLong = `DELETE FROM river_leader WHERE expires_at > $1`
)

// setRight has nothing wait for a time that another clock has said.
func (e *Engine) setRight(ctx context.Context) error {
	now := time.Now()
	in := func(d time.Duration) any { return e.store.Moment(now.Add(d)) }
	return e.store.Change(ctx, func(tx *store.Tx) error {
		_, waits := tx.SQL().ExecContext(ctx, waitsTooLong, in(0), in(longestWait+time.Minute))
		_, holds := tx.SQL().ExecContext(ctx, heldTooLong, in(0), in(rescueTime))
		_, leads := tx.SQL().ExecContext(ctx, leadsTooLong, in(time.Minute))
		if err := cmp.Or(waits, holds, leads); err != nil {
			return fmt.Errorf("jobs: set right what another clock has said: %w", err)
		}
		return nil
	})
}

// watch does that again and again until ctx ends, and tries the disk, of whose troubles River tells nobody.
func (e *Engine) watch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(e.round):
		}
		if err := cmp.Or(e.setRight(ctx), e.store.Try(ctx)); err != nil && ctx.Err() == nil {
			e.log.Error("jobs wait", "error", err)
		}
	}
}
