package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// SenderTest is one test of a sender at rest. Its form is the business of who keeps it.
type SenderTest struct {
	ID   string
	Ends time.Time
	Bare bool // nothing in it names anybody
	Body []byte
}

// optOuts is the name under which the opt-out list is kept.
const optOuts = "opt-out list"

// Secret is what is kept under a name; if nothing is, that is fresh from now on.
func (s *Store) Secret(ctx context.Context, name string, fresh []byte) (kept []byte, err error) {
	err = s.Change(ctx, func(tx *Tx) error {
		if _, err := tx.tx.ExecContext(ctx, `INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, fresh); err != nil {
			return fmt.Errorf("store: keep a secret: %w", err)
		}
		if err := tx.tx.QueryRowContext(ctx, `SELECT value FROM secrets WHERE name = $1`, name).Scan(&kept); err != nil {
			return fmt.Errorf("store: read a secret: %w", err)
		}
		return nil
	})
	return kept, err
}

// OptOuts is the list that ShareOptOuts has put here, empty if none.
func (s *Store) OptOuts(ctx context.Context) (text []byte, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT value FROM secrets WHERE name = $1`, optOuts).Scan(&text)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("store: read the opt-out list: %w", err)
	}
	return text, nil
}

// ShareOptOuts puts the list of those who are left alone where all processes find it.
func (s *Store) ShareOptOuts(ctx context.Context, text []byte) error {
	return s.ReplaceSecret(ctx, optOuts, text)
}

// ReplaceSecret keeps a value under a name, in place of what was kept there.
func (s *Store) ReplaceSecret(ctx context.Context, name string, value []byte) error {
	if _, err := s.write.ExecContext(ctx, `INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value); err != nil {
		return fmt.Errorf("store: replace a secret: %w", err)
	}
	return nil
}

// SaveSenderTest keeps a test of a sender, in place of what was kept under its id.
func (s *Store) SaveSenderTest(ctx context.Context, one SenderTest) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO sender_tests (id, ends, bare, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET ends = excluded.ends, bare = excluded.bare, body = excluded.body`,
		one.ID, one.Ends.UnixMilli(), one.Bare, one.Body)
	if err != nil {
		return fmt.Errorf("store: keep the test of a sender: %w", err)
	}
	return nil
}

// ExpireSenderTests deletes tests that ended before a moment, and of all others the oldest where there are
// more than so many. It returns how many those were.
func (s *Store) ExpireSenderTests(ctx context.Context, before time.Time, most int) (n int64, err error) {
	for {
		done, err := s.write.ExecContext(ctx, `DELETE FROM sender_tests WHERE id IN (SELECT id FROM sender_tests
			WHERE ends < $1 OR ends < (SELECT ends FROM sender_tests ORDER BY ends DESC LIMIT 1 OFFSET $2) ORDER BY ends LIMIT $3)`,
			before.UnixMilli(), max(most-1, 0), batch)
		if err != nil {
			return n, fmt.Errorf("store: delete old tests of senders: %w", err)
		}
		gone, err := done.RowsAffected()
		if err != nil {
			return n, fmt.Errorf("store: delete old tests of senders: %w", err)
		}
		if n += gone; gone < batch {
			return n, nil
		}
	}
}

const senderTests = `SELECT id, ends, bare, body FROM sender_tests `

// SenderTest is the test of an id. ErrNotFound: there is none.
func (s *Store) SenderTest(ctx context.Context, id string) (SenderTest, error) {
	list, err := s.senderTests(ctx, `WHERE id = $1`, id)
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return SenderTest{}, err
	}
	return list[0], nil
}

// SenderTests are those that end after a moment.
func (s *Store) SenderTests(ctx context.Context, after time.Time) ([]SenderTest, error) {
	return s.senderTests(ctx, `WHERE ends > $1`, after.UnixMilli())
}

// PersonalSenderTests are up to n that ended before a moment and are not bare.
func (s *Store) PersonalSenderTests(ctx context.Context, before time.Time, n int) ([]SenderTest, error) {
	return s.senderTests(ctx, `WHERE ends < $1 AND NOT bare LIMIT $2`, before.UnixMilli(), n)
}

func (s *Store) senderTests(ctx context.Context, where string, args ...any) (list []SenderTest, err error) {
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

func scanSenderTest(rows *sql.Rows) (one SenderTest, err error) {
	var ends int64
	if err := rows.Scan(&one.ID, &ends, &one.Bare, &one.Body); err != nil {
		return one, fmt.Errorf("store: read a test of a sender: %w", err)
	}
	one.Ends = time.UnixMilli(ends).UTC()
	return one, nil
}
