package store

import (
	"context"
	"fmt"
	"time"
)

// batch is how many reports one transaction deletes: few enough that a report which waits to
// be saved is saved at once.
const batch = 100

// Expire deletes every report that is older than a moment and returns how many those were.
// It does so in batches, each of them whole or not at all; readers never wait for it. The
// space is used again for later reports, the file does not become smaller. When it ends
// early, n says how many are gone.
func (s *Store) Expire(ctx context.Context, before time.Time) (n int64, err error) {
	for {
		done, err := s.write.ExecContext(ctx,
			`DELETE FROM reports WHERE seq IN (SELECT seq FROM reports WHERE checked_at < $1 ORDER BY checked_at LIMIT $2)`,
			before.UnixMilli(), batch)
		if err != nil {
			return n, fmt.Errorf("store: delete old reports: %w", err)
		}
		gone, err := done.RowsAffected()
		if err != nil {
			return n, fmt.Errorf("store: delete old reports: %w", err)
		}
		n += gone
		if gone < batch {
			return n, nil
		}
	}
}
