package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

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
	`CREATE TABLE surveys (
		name    TEXT PRIMARY KEY,
		title   TEXT NOT NULL,
		every   INTEGER NOT NULL,            -- seconds between two runs; 0 for none by itself
		list    TEXT NOT NULL,               -- of its lines
		domains INTEGER NOT NULL
	) STRICT;
	CREATE TABLE survey_lines (
		list    TEXT NOT NULL,
		n       INTEGER NOT NULL,            -- from 0
		domain  TEXT NOT NULL,               -- A-label
		labels  TEXT NOT NULL,               -- JSON
		PRIMARY KEY (list, n),
		UNIQUE (list, domain)
	) STRICT, WITHOUT ROWID;
	CREATE TABLE survey_runs (
		id      INTEGER PRIMARY KEY AUTOINCREMENT,
		survey  TEXT NOT NULL,
		began   INTEGER NOT NULL,            -- Unix milliseconds
		ended   INTEGER NOT NULL DEFAULT 0,  -- 0 while it goes on
		domains INTEGER NOT NULL,
		fed     INTEGER NOT NULL DEFAULT 0,
		done    INTEGER NOT NULL DEFAULT 0
	) STRICT;
	CREATE INDEX survey_runs_of ON survey_runs (survey, id DESC);
	CREATE TABLE survey_results (
		run     INTEGER NOT NULL,
		n       INTEGER NOT NULL,            -- of the line
		facts   TEXT NOT NULL,               -- JSON
		PRIMARY KEY (run, n)
	) STRICT, WITHOUT ROWID;`,
}

// migrate brings the schema up to date, each step whole or not at all. In a file that is shared with
// a process which is at work it changes nothing.
func migrate(ctx context.Context, db *sql.DB, shared bool) error {
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
	if shared && version < len(migrations) {
		return fmt.Errorf("its schema version is %d, this program needs %d, and another mxseal is at work: bring that one up to date first", version, len(migrations))
	}
	if shared {
		return nil
	}
	for i := version; i < len(migrations); i++ {
		if _, err := tx.ExecContext(ctx, migrations[i]); err != nil {
			return fmt.Errorf("bring its schema to version %d: %w", i+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(migrations))); err != nil {
		return fmt.Errorf("note its schema version: %w", err)
	}
	if err := migrateJobs(ctx, db, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// migrateJobs brings River's tables up to date, which hold what is to be done later (web/jobs).
// They count their versions by themselves.
func migrateJobs(ctx context.Context, db *sql.DB, tx *sql.Tx) error {
	m, err := rivermigrate.New(riversqlite.New(db), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("read the schema of jobs: %w", err)
	}
	all := m.AllVersions()
	known := all[len(all)-1].Version
	var began bool
	var version int
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'river_migration')").Scan(&began); err != nil {
		return fmt.Errorf("read the schema version of jobs: %w", err)
	}
	if began {
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM river_migration").Scan(&version); err != nil {
			return fmt.Errorf("read the schema version of jobs: %w", err)
		}
	}
	if version > known {
		return fmt.Errorf("%w: the schema version of its jobs is %d and this program knows %d: use a newer program", store.ErrNewer, version, known)
	}
	if _, err := m.MigrateTx(ctx, tx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("bring the schema of jobs to version %d: %w", known, err)
	}
	return nil
}
