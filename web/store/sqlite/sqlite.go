// Package sqlite is a store of reports in one file of SQLite: SQL, and nothing of what a report is.
// What its methods promise stands in package store.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"mxseal/checks/report"
	"mxseal/web/store"
)

// Store is one file of reports. It is safe for concurrent use.
type Store struct {
	path string
	lost atomic.Int64
	// failing is set where the last report, or a change, could not be kept.
	failing atomic.Bool
	write   *sql.DB // one connection: SQLite has one writer, so nobody waits for a lock in vain
	read    *sql.DB
	reading chan struct{} // one for each report that is being read
	// Log takes a line for each report that cannot be read any more; nil for none.
	Log *slog.Logger
}

// Open opens the file at path, creating it and its folder if need be, and brings its
// schema up to date. The error says which file could not be used and why.
func Open(path string) (*Store, error) { return openFile(path, migrate) }

// Join opens a file that another process of this version has open, and is at work with.
func Join(path string) (*Store, error) { return openFile(path, upToDate) }

func openFile(path string, prepare func(context.Context, *sql.DB) error) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("store: make the folder of %s: %w", path, err)
	}
	// SQLite has one sentence for all that keeps it from opening a file; the system says which.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	f.Close()
	// WAL lets pages be read while a report is written. synchronous=FULL makes every commit
	// wait for the disk: NORMAL would survive kill -9 too, but a power cut could take back
	// reports whose link was already given out, and we write a few a second at most.
	write, err := open(path, url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_busy_timeout": {"10000"}, "_txlock": {"immediate"},
	})
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := prepare(context.Background(), write); err != nil {
		return nil, errors.Join(fmt.Errorf("store: %s: %w", path, err), write.Close())
	}
	read, err := open(path, url.Values{"_query_only": {"true"}, "_busy_timeout": {"10000"}})
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(4)
	return &Store{path: path, write: write, read: read, reading: make(chan struct{}, maxReading)}, nil
}

func open(path string, settings url.Values) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	settings.Set("_dqs", "false")
	name := url.URL{Scheme: "file", Path: abs, RawQuery: settings.Encode()}
	return sql.Open("sqlite", name.String())
}

// Close closes the file.
func (s *Store) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// Save keeps a report. When it returns nil the report is on the disk. Saving a second
// report under the same id is an error.
func (s *Store) Save(ctx context.Context, r *report.Report) error {
	row, err := store.RowOf(r)
	if err != nil {
		s.lost.Add(1)
		return err
	}
	_, err = s.write.ExecContext(ctx,
		`INSERT INTO reports (id, domain, checked_at, letter, provisional, rules, body, spoilt) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		row.ID, row.Domain, row.CheckedAt.UnixMilli(), string(row.Letter), row.Provisional, row.Rules, row.Body, row.Spoilt)
	if err != nil {
		s.lost.Add(1)
		if ctx.Err() == nil { // otherwise it was not the disk that stopped us
			s.failing.Store(true)
		}
		return fmt.Errorf("store: save report %s of %s: %w", r.ID, r.Domain, err)
	}
	s.failing.Store(false)
	return nil
}

// readable is what is read of the body of a row: nothing of one that no report can be in.
var readable = fmt.Sprintf("CASE WHEN length(body) <= %d THEN body END", store.MaxReport)

// Get returns the report with that id, store.ErrNotFound or store.ErrUnreadable.
func (s *Store) Get(ctx context.Context, id string) (*report.Report, error) {
	leave, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var body []byte
	err = s.read.QueryRowContext(ctx, "SELECT "+readable+" FROM reports WHERE id = ?", id).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("store: read a report: %w", err)
	}
	return store.Unpack(body)
}

// maxReading bounds the reports that are read at a time: unpacked, one is many times as large.
const maxReading = 4

// turn waits until a report may be read.
func (s *Store) turn(ctx context.Context) (leave func(), err error) {
	select {
	case s.reading <- struct{}{}:
		return func() { <-s.reading }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("store: read a report: %w", ctx.Err())
	}
}

// Latest returns the youngest report of a domain (A-label) that no trouble of our own has
// spoilt; where there is none, the youngest of all; or store.ErrNotFound. One that cannot be read
// counts as none, and one that a wrong clock has put into the future stands behind all others.
func (s *Store) Latest(ctx context.Context, domain string) (*report.Report, error) {
	var known bool // of most domains that are asked for there is none: one question says so
	if err := s.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM reports WHERE domain = ?)", domain).Scan(&known); err != nil {
		return nil, fmt.Errorf("store: read a report: %w", err)
	}
	if !known {
		return nil, store.ErrNotFound
	}
	sound := func(r *report.Report) bool { return !r.Spoilt() } // of one from before the column only it itself can tell
	r, err := s.youngest(ctx, domain, "spoilt IS NOT 1", sound)
	if errors.Is(err, store.ErrNotFound) {
		return s.youngest(ctx, domain, "TRUE", func(*report.Report) bool { return true })
	}
	return r, err
}

// Firm returns the youngest report of a domain (A-label) whose letter rests on all that could
// move it, or store.ErrNotFound.
func (s *Store) Firm(ctx context.Context, domain string) (*report.Report, error) {
	return s.youngest(ctx, domain, "spoilt IS NOT 1 AND provisional = 0 AND letter NOT IN ('', 'T')", func(r *report.Report) bool { return !r.Spoilt() })
}

// youngest returns the youngest report of a domain that fulfils a condition, in SQL and in Go.
func (s *Store) youngest(ctx context.Context, domain, condition string, want func(*report.Report) bool) (*report.Report, error) {
	leave, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	now := time.Now().UnixMilli()
	for _, when := range []string{"checked_at <= ?", "checked_at > ?"} {
		r, err := s.first(ctx, "SELECT id, "+readable+" FROM reports WHERE domain = ? AND "+when+" AND "+condition+" ORDER BY checked_at DESC, seq DESC LIMIT 100", want, domain, now)
		if !errors.Is(err, store.ErrNotFound) {
			return r, err
		}
	}
	return nil, store.ErrNotFound
}

// first returns the first report of a list that is wanted, and tells of those that cannot be read.
func (s *Store) first(ctx context.Context, query string, want func(*report.Report) bool, args ...any) (*report.Report, error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("store: read a report: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return nil, fmt.Errorf("store: read a report: %w", err)
		}
		r, err := store.Unpack(body)
		if err != nil && s.Log != nil {
			s.Log.Error("a report is passed over", "id", id, "error", err)
		}
		if err == nil && want(r) {
			return r, nil
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: read a report: %w", err)
	}
	return nil, store.ErrNotFound
}
