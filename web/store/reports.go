package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"mxseal/checks/report"
)

// Save keeps a report. When it returns nil the report is on the disk. Saving a second
// report under the same id is an error.
func (s *Store) Save(ctx context.Context, r *report.Report) error {
	row, err := RowOf(r)
	if err != nil {
		s.lost.Add(1)
		return err
	}
	_, err = s.write.ExecContext(ctx,
		`INSERT INTO reports (id, domain, checked_at, letter, provisional, rules, body, spoilt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
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
var readable = fmt.Sprintf("CASE WHEN length(body) <= %d THEN body END", MaxReport)

// Get returns the report with that id, ErrNotFound or ErrUnreadable.
func (s *Store) Get(ctx context.Context, id string) (*report.Report, error) {
	leave, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var body []byte
	err = s.read.QueryRowContext(ctx, "SELECT "+readable+" FROM reports WHERE id = $1", id).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("store: read a report: %w", err)
	}
	return Unpack(body)
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
// spoilt; where there is none, the youngest of all; or ErrNotFound. One that cannot be read
// counts as none, and one that a wrong clock has put into the future stands behind all others.
func (s *Store) Latest(ctx context.Context, domain string) (*report.Report, error) {
	var known bool // of most domains that are asked for there is none: one question says so
	if err := s.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM reports WHERE domain = $1)", domain).Scan(&known); err != nil {
		return nil, fmt.Errorf("store: read a report: %w", err)
	}
	if !known {
		return nil, ErrNotFound
	}
	sound := func(r *report.Report) bool { return !r.Spoilt() } // of one from before the column only it itself can tell
	r, err := s.youngest(ctx, domain, "spoilt IS NOT TRUE", sound)
	if errors.Is(err, ErrNotFound) {
		return s.youngest(ctx, domain, "TRUE", func(*report.Report) bool { return true })
	}
	return r, err
}

// Firm returns the youngest report of a domain (A-label) whose letter rests on all that could
// move it, or ErrNotFound.
func (s *Store) Firm(ctx context.Context, domain string) (*report.Report, error) {
	return s.youngest(ctx, domain, "spoilt IS NOT TRUE AND NOT provisional AND letter NOT IN ('', 'T')", func(r *report.Report) bool { return !r.Spoilt() })
}

// youngest returns the youngest report of a domain that fulfils a condition, in SQL and in Go.
func (s *Store) youngest(ctx context.Context, domain, condition string, want func(*report.Report) bool) (*report.Report, error) {
	leave, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	now := time.Now().UnixMilli()
	for _, when := range []string{"checked_at <= $2", "checked_at > $2"} {
		for _, part := range []string{"LIMIT 1", "LIMIT 100 OFFSET 1"} { // the youngest is the one, but for few
			r, err := s.first(ctx, "SELECT id, "+readable+" FROM reports WHERE domain = $1 AND "+when+" AND "+condition+" ORDER BY checked_at DESC, seq DESC "+part, want, domain, now)
			if !errors.Is(err, ErrNotFound) {
				return r, err
			}
		}
	}
	return nil, ErrNotFound
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
		r, err := Unpack(body)
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
	return nil, ErrNotFound
}
