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
	// What lies between the jobs of a run, until it has ended.
	`CREATE TABLE survey_parts (
		run     INTEGER NOT NULL,
		n       INTEGER NOT NULL,            -- of the line
		waits   INTEGER NOT NULL,            -- for so many looks
		body    BLOB NOT NULL,               -- gzip of a report without its mail servers
		PRIMARY KEY (run, n)
	) STRICT;
	CREATE TABLE survey_servers (
		run     INTEGER NOT NULL,
		address TEXT NOT NULL,
		looking INTEGER NOT NULL,            -- whether there is a job for it
		alike   TEXT NOT NULL,               -- JSON: under which further names it answers as it did
		PRIMARY KEY (run, address)
	) STRICT, WITHOUT ROWID;
	CREATE TABLE survey_waits (
		run     INTEGER NOT NULL,
		address TEXT NOT NULL,
		name    TEXT NOT NULL,
		n       INTEGER NOT NULL,            -- of the line that waits
		PRIMARY KEY (run, address, name, n)
	) STRICT, WITHOUT ROWID;
	CREATE TABLE survey_looks (
		seq     INTEGER PRIMARY KEY,
		run     INTEGER NOT NULL,
		address TEXT NOT NULL,
		name    TEXT NOT NULL,
		body    BLOB NOT NULL,               -- gzip of a report with that server alone
		UNIQUE (run, address, name)
	) STRICT;
	ALTER TABLE survey_runs ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;`,
	`CREATE TABLE inboxes (
		token   TEXT PRIMARY KEY,
		key     TEXT NOT NULL UNIQUE,        -- of who may read it
		domain  TEXT NOT NULL,               -- A-label
		made    INTEGER NOT NULL,            -- Unix milliseconds, as the next two
		last    INTEGER NOT NULL DEFAULT 0   -- when a report came
	) STRICT, WITHOUT ROWID;
	CREATE TABLE inbox_reports (
		seq     INTEGER PRIMARY KEY,
		token   TEXT NOT NULL,
		key     TEXT NOT NULL,               -- by which a report that comes twice is known
		received INTEGER NOT NULL,
		body    BLOB NOT NULL,               -- gzip of the JSON of a report, as it was understood
		UNIQUE (token, key)
	) STRICT;
	CREATE INDEX inbox_reports_by_age ON inbox_reports (received);`,
	`ALTER TABLE surveys ADD COLUMN named INTEGER NOT NULL DEFAULT 0;     -- whether its domains are published
	ALTER TABLE survey_runs ADD COLUMN brief TEXT;                        -- JSON: what a plot shows; NULL until it is counted
	ALTER TABLE survey_runs ADD COLUMN totals TEXT;                       -- JSON: what its page shows
	CREATE TABLE survey_found (                                           -- the domains of small numbers
		run     INTEGER NOT NULL,
		number  TEXT NOT NULL,               -- a thing and an answer
		n       INTEGER NOT NULL,            -- of the line
		PRIMARY KEY (run, number, n)
	) STRICT, WITHOUT ROWID;`,
	// Counted in steps, and the domains of every number in blocks. What was counted before is counted again.
	`DROP TABLE survey_found;
	UPDATE survey_runs SET brief = NULL, totals = NULL;
	CREATE TABLE survey_sums (
		run     INTEGER PRIMARY KEY,
		next    INTEGER NOT NULL,            -- line that is to be counted next
		state   BLOB NOT NULL                -- JSON: what was counted so far
	) STRICT;
	CREATE TABLE survey_numbers (
		run     INTEGER NOT NULL,
		number  TEXT NOT NULL,               -- a thing and an answer
		first   INTEGER NOT NULL,            -- line of the block
		lines   BLOB NOT NULL,               -- of the block, each as the varint of what lies between it and the one before
		PRIMARY KEY (run, number, first)
	) STRICT, WITHOUT ROWID;`,
	`CREATE TABLE secrets (                  -- that the program has made for itself
		name    TEXT PRIMARY KEY,
		value   BLOB NOT NULL
	) STRICT, WITHOUT ROWID;
	CREATE TABLE sender_tests (
		id      TEXT PRIMARY KEY,
		ends    INTEGER NOT NULL,            -- Unix milliseconds
		bare    INTEGER NOT NULL,            -- whether nothing in it names anybody
		body    BLOB NOT NULL                -- JSON
	) STRICT;
	CREATE INDEX sender_tests_by_age ON sender_tests (ends);`,
	// The day of a run, with a number where an earlier one has that day: the address of its page.
	`ALTER TABLE survey_runs ADD COLUMN date TEXT NOT NULL DEFAULT '';
	UPDATE survey_runs SET date = strftime('%Y-%m-%d', began / 1000, 'unixepoch') || coalesce((SELECT '-' || (count(*) + 1) FROM survey_runs b
		WHERE b.survey = survey_runs.survey AND b.id < survey_runs.id AND b.began / 86400000 = survey_runs.began / 86400000 HAVING count(*) > 0), '');
	CREATE UNIQUE INDEX survey_runs_by_date ON survey_runs (survey, date);`,
	`CREATE TABLE watches (
		key     TEXT PRIMARY KEY,            -- of who may read and end it
		token   TEXT UNIQUE,                 -- by which it is confirmed; NULL once it is
		domain  TEXT NOT NULL,               -- A-label
		target  TEXT NOT NULL,               -- a mail address or a URL
		secret  TEXT NOT NULL,               -- that signs what is sent to a URL
		inbox   TEXT NOT NULL,               -- token of an inbox whose TLS reports count; empty for none
		made    INTEGER NOT NULL,            -- Unix milliseconds, as the next three
		confirmed INTEGER NOT NULL DEFAULT 0,
		looked  INTEGER NOT NULL DEFAULT 0,  -- moment of the last report that was counted
		next    INTEGER NOT NULL DEFAULT 0,  -- when the domain is to be looked at
		state   TEXT NOT NULL DEFAULT '',    -- JSON
		missed  INTEGER NOT NULL DEFAULT 0   -- messages in a row that could not be delivered
	) STRICT, WITHOUT ROWID;
	CREATE INDEX watches_due ON watches (next) WHERE confirmed > 0;
	CREATE INDEX watches_of ON watches (domain);
	CREATE INDEX watches_to ON watches (target);
	CREATE TABLE watch_messages (
		id      TEXT PRIMARY KEY,
		watch   TEXT NOT NULL,               -- its key
		made    INTEGER NOT NULL,            -- Unix milliseconds, as sent
		sent    INTEGER NOT NULL DEFAULT 0,
		tries   INTEGER NOT NULL DEFAULT 0,
		given_up INTEGER NOT NULL DEFAULT 0,
		error   TEXT NOT NULL DEFAULT '',    -- of the last try
		events  TEXT NOT NULL                -- JSON; empty for the one that asks to confirm
	) STRICT, WITHOUT ROWID;
	CREATE INDEX watch_messages_of ON watch_messages (watch, made DESC);`,
}

// migrate brings the schema up to date, each step whole or not at all, and after it that of jobs.
func migrate(ctx context.Context, db *sql.DB) error {
	river, err := rivermigrate.New(riversqlite.New(db), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("read the schema of jobs: %w", err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("open it for writing: %w", err)
	}
	defer tx.Rollback()
	version, err := versionOf(ctx, tx, river)
	if err != nil {
		return err
	}
	for i := version; i < len(migrations); i++ {
		if _, err := tx.ExecContext(ctx, migrations[i]); err != nil {
			return fmt.Errorf("bring its schema to version %d: %w", i+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(migrations))); err != nil {
		return fmt.Errorf("note its schema version: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("keep its schema: %w", err)
	}
	if _, err := river.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("bring the schema of its jobs up to date: %w", err)
	}
	return nil
}

// upToDate reports by an error that the schema is not that of this program. It changes nothing: a
// process is at work with the file.
func upToDate(ctx context.Context, db *sql.DB) error {
	river, err := rivermigrate.New(riversqlite.New(db), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("read the schema of jobs: %w", err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("open it for writing: %w", err)
	}
	defer tx.Rollback()
	version, err := versionOf(ctx, tx, river)
	if err == nil && version < len(migrations) {
		err = fmt.Errorf("its schema version is %d, this program needs %d, and another mxseal is at work: bring that one up to date first", version, len(migrations))
	}
	return err
}

// versionOf is the version of the schema. store.ErrNewer: that, or the one of River's tables, which
// hold what is to be done later (web/jobs) and count their versions by themselves, is not known.
func versionOf(ctx context.Context, tx *sql.Tx, river *rivermigrate.Migrator[*sql.Tx]) (version int, err error) {
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, fmt.Errorf("read its schema version: %w", err)
	}
	if version > len(migrations) {
		return 0, fmt.Errorf("%w: its schema version is %d and this program knows %d: use a newer program", store.ErrNewer, version, len(migrations))
	}
	var began bool
	var jobs int
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'river_migration')").Scan(&began); err != nil {
		return 0, fmt.Errorf("read the schema version of its jobs: %w", err)
	}
	if began {
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM river_migration").Scan(&jobs); err != nil {
			return 0, fmt.Errorf("read the schema version of its jobs: %w", err)
		}
	}
	all := river.AllVersions()
	if known := all[len(all)-1].Version; jobs > known {
		return 0, fmt.Errorf("%w: the schema version of its jobs is %d and this program knows %d: use a newer program", store.ErrNewer, jobs, known)
	}
	return version, nil
}
