package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"mxseal/web/store"
)

// Secret is what is kept under a name; if nothing is, that is fresh from now on.
func (s *Store) Secret(ctx context.Context, name string, fresh []byte) (kept []byte, err error) {
	err = s.Change(ctx, func(tx *Tx) error {
		if _, err := tx.tx.ExecContext(ctx, `INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING`, name, fresh); err != nil {
			return fmt.Errorf("store: keep a secret: %w", err)
		}
		if err := tx.tx.QueryRowContext(ctx, `SELECT value FROM secrets WHERE name = ?`, name).Scan(&kept); err != nil {
			return fmt.Errorf("store: read a secret: %w", err)
		}
		return nil
	})
	return kept, err
}

// SaveSenderTest keeps a test of a sender, in place of what was kept under its id.
func (s *Store) SaveSenderTest(ctx context.Context, one store.SenderTest) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO sender_tests (id, ends, bare, body) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET ends = excluded.ends, bare = excluded.bare, body = excluded.body`,
		one.ID, one.Ends.UnixMilli(), one.Bare, one.Body)
	if err != nil {
		return fmt.Errorf("store: keep the test of a sender: %w", err)
	}
	return nil
}

const senderTests = `SELECT id, ends, bare, body FROM sender_tests `

// SenderTest is the test of an id. store.ErrNotFound: there is none.
func (s *Store) SenderTest(ctx context.Context, id string) (store.SenderTest, error) {
	list, err := s.senderTests(ctx, `WHERE id = ?`, id)
	if err == nil && len(list) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.SenderTest{}, err
	}
	return list[0], nil
}

// SenderTests are those that end after a moment.
func (s *Store) SenderTests(ctx context.Context, after time.Time) ([]store.SenderTest, error) {
	return s.senderTests(ctx, `WHERE ends > ?`, after.UnixMilli())
}

// PersonalSenderTests are up to n that ended before a moment and are not bare.
func (s *Store) PersonalSenderTests(ctx context.Context, before time.Time, n int) ([]store.SenderTest, error) {
	return s.senderTests(ctx, `WHERE ends < ? AND NOT bare LIMIT ?`, before.UnixMilli(), n)
}

func (s *Store) senderTests(ctx context.Context, where string, args ...any) (list []store.SenderTest, err error) {
	rows, err := s.read.QueryContext(ctx, senderTests+where, args...)
	if err != nil {
		return nil, fmt.Errorf("store: read tests of senders: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		one, err := scanSenderTest(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

func scanSenderTest(rows *sql.Rows) (one store.SenderTest, err error) {
	var ends int64
	if err := rows.Scan(&one.ID, &ends, &one.Bare, &one.Body); err != nil {
		return one, fmt.Errorf("store: read a test of a sender: %w", err)
	}
	one.Ends = time.UnixMilli(ends).UTC()
	return one, nil
}
