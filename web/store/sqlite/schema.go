package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"mxseal/web/store"
)

// migrations lead from each version of the schema to the next. The file's user_version
// counts those that it has seen; a row here is never changed once it was released.
var migrations = []string{
	`CREATE TABLE reports (
		seq         INTEGER PRIMARY KEY,
		id          TEXT NOT NULL UNIQUE,
		domain      TEXT NOT NULL,           -- A-label
		checked_at  INTEGER NOT NULL,        -- Unix milliseconds
		letter      TEXT NOT NULL,
		provisional INTEGER NOT NULL,
		rules       INTEGER NOT NULL,        -- version of the rule set
		body        BLOB NOT NULL            -- gzip of the JSON report
	) STRICT;
	CREATE INDEX reports_of_domain ON reports (domain, checked_at DESC, seq DESC);`,
	`CREATE INDEX reports_by_age ON reports (checked_at);`, // for Expire
	// Whether trouble of our own had a part in a report; NULL for those from before this column.
	`ALTER TABLE reports ADD COLUMN spoilt INTEGER;`,
}

// migrate brings the schema up to date, each step whole or not at all.
func migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("open it for writing: %w", err)
	}
	defer tx.Rollback()
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("read its schema version: %w", err)
	}
	if version > len(migrations) {
		return fmt.Errorf("%w: its schema version is %d and this program knows %d: use a newer program", store.ErrNewer, version, len(migrations))
	}
	for i := version; i < len(migrations); i++ {
		if _, err := tx.ExecContext(ctx, migrations[i]); err != nil {
			return fmt.Errorf("bring its schema to version %d: %w", i+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(migrations))); err != nil {
		return fmt.Errorf("note its schema version: %w", err)
	}
	return tx.Commit()
}
