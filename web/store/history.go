package store

import (
	"context"
	"fmt"
	"time"
)

// Until returns the youngest n reports of a domain that are not younger than a moment,
// youngest first: what the history was when the report of that moment was made.
func (s *Store) Until(ctx context.Context, domain string, moment time.Time, n int) ([]Entry, error) {
	return s.entries(ctx, domain,
		`SELECT id, checked_at, letter, provisional, rules FROM reports
		 WHERE domain = $1 AND checked_at <= $2 ORDER BY checked_at DESC, seq DESC LIMIT $3`, domain, moment.UnixMilli(), n)
}

// History returns the youngest n reports of a domain, youngest first; none is no error.
func (s *Store) History(ctx context.Context, domain string, n int) ([]Entry, error) {
	return s.entries(ctx, domain,
		`SELECT id, checked_at, letter, provisional, rules FROM reports
		 WHERE domain = $1 ORDER BY checked_at DESC, seq DESC LIMIT $2`, domain, n)
}

// Entry returns what a list shows of one report, without reading it, or ErrNotFound.
func (s *Store) Entry(ctx context.Context, id string) (Entry, error) {
	list, err := s.entries(ctx, "report "+id, `SELECT id, checked_at, letter, provisional, rules FROM reports WHERE id = $1`, id)
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Entry{}, err
	}
	return list[0], nil
}

func (s *Store) entries(ctx context.Context, domain, query string, args ...any) ([]Entry, error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("store: history of %s: %w", domain, err)
	}
	defer rows.Close()
	var list []Entry
	for rows.Next() {
		var e Entry
		var at int64
		if err := rows.Scan(&e.ID, &at, &e.Letter, &e.Provisional, &e.Rules); err != nil {
			return nil, fmt.Errorf("store: history of %s: %w", domain, err)
		}
		e.CheckedAt = time.UnixMilli(at).UTC()
		list = append(list, e)
	}
	return list, rows.Err()
}
