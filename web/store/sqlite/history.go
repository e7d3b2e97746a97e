package sqlite

import (
	"context"
	"fmt"
	"time"

	"mxseal/web/store"
)

// Until returns the youngest n reports of a domain that are not younger than a moment,
// youngest first: what the history was when the report of that moment was made.
func (s *Store) Until(ctx context.Context, domain string, moment time.Time, n int) ([]store.Entry, error) {
	return s.entries(ctx, domain,
		`SELECT id, checked_at, letter, provisional, rules FROM reports
		 WHERE domain = ? AND checked_at <= ? ORDER BY checked_at DESC, seq DESC LIMIT ?`, domain, moment.UnixMilli(), n)
}

// History returns the youngest n reports of a domain, youngest first; none is no error.
func (s *Store) History(ctx context.Context, domain string, n int) ([]store.Entry, error) {
	return s.entries(ctx, domain,
		`SELECT id, checked_at, letter, provisional, rules FROM reports
		 WHERE domain = ? ORDER BY checked_at DESC, seq DESC LIMIT ?`, domain, n)
}

// Entry returns what a list shows of one report, without reading it, or store.ErrNotFound.
func (s *Store) Entry(ctx context.Context, id string) (store.Entry, error) {
	list, err := s.entries(ctx, "report "+id, `SELECT id, checked_at, letter, provisional, rules FROM reports WHERE id = ?`, id)
	if err == nil && len(list) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Entry{}, err
	}
	return list[0], nil
}

func (s *Store) entries(ctx context.Context, domain, query string, args ...any) ([]store.Entry, error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("store: history of %s: %w", domain, err)
	}
	defer rows.Close()
	var list []store.Entry
	for rows.Next() {
		var e store.Entry
		var at int64
		if err := rows.Scan(&e.ID, &at, &e.Letter, &e.Provisional, &e.Rules); err != nil {
			return nil, fmt.Errorf("store: history of %s: %w", domain, err)
		}
		e.CheckedAt = time.UnixMilli(at).UTC()
		list = append(list, e)
	}
	return list, rows.Err()
}
