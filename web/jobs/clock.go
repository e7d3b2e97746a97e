package jobs

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"mxseal/web/store/sqlite"
)

// clockRound is how often it is looked whether the clock was set back.
const clockRound = 30 * time.Second

// What waits in the file waits for a time. Where the clock was a day ahead and is set right, that would be a
// day: so what lies further ahead than anything of ours waits is for now. A lease that lies ahead is of a
// clock that was wrong too.
var overdue = []string{
	fmt.Sprintf(`UPDATE river_job SET scheduled_at = datetime('now', 'subsec')
		WHERE state IN ('available', 'scheduled', 'retryable', 'pending') AND scheduled_at > datetime('now', 'subsec', '+%d seconds')`, int((longestWait + time.Minute).Seconds())),
	fmt.Sprintf(`UPDATE river_job SET attempted_at = datetime('now', 'subsec')
		WHERE state = 'running' AND attempted_at > datetime('now', 'subsec', '+%d seconds')`, int(rescueTime.Seconds())),
	`DELETE FROM river_leader WHERE expires_at > datetime('now', 'subsec', '+60 seconds')`,
}

// setRight has nothing wait for a time that another clock has said.
func (e *Engine) setRight(ctx context.Context) error {
	return e.store.Change(ctx, func(tx *sqlite.Tx) error {
		for _, statement := range overdue {
			if _, err := tx.SQL().ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("jobs: set right what another clock has said: %w", err)
			}
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
