package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Inbox takes TLS reports for a domain. Its token stands in the DNS, for all to see; who knows its key
// may read what came.
type Inbox struct {
	Token  string
	Key    string
	Domain string // A-label
	Made   time.Time
	Last   time.Time // when a report came; zero for never
}

// AddInbox keeps an inbox, unless there are so many already; then it reports false.
func (s *Store) AddInbox(ctx context.Context, one Inbox, most int) (bool, error) {
	return changed(s.write.ExecContext(ctx, `INSERT INTO inboxes (token, key, domain, made) SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM inboxes) < $5`,
		one.Token, one.Key, one.Domain, one.Made.UnixMilli(), most))
}

// Inbox is the inbox of a token. ErrNotFound: there is none.
func (s *Store) Inbox(ctx context.Context, token string) (Inbox, error) {
	return scanInbox(s.read.QueryRowContext(ctx, inboxes+`WHERE token = $1`, token))
}

// InboxOf is the inbox of a key. ErrNotFound: there is none.
func (s *Store) InboxOf(ctx context.Context, key string) (Inbox, error) {
	return scanInbox(s.read.QueryRowContext(ctx, inboxes+`WHERE key = $1`, key))
}

const inboxes = `SELECT token, key, domain, made, last FROM inboxes `

func scanInbox(row *sql.Row) (one Inbox, err error) {
	var made, last int64
	err = row.Scan(&one.Token, &one.Key, &one.Domain, &made, &last)
	if err := readOne(err, "an inbox"); err != nil {
		return Inbox{}, err
	}
	one.Made = time.UnixMilli(made).UTC()
	if last > 0 {
		one.Last = time.UnixMilli(last).UTC()
	}
	return one, nil
}

// Deliver keeps reports in an inbox, by their keys; one that is there already changes nothing. It
// keeps none, and reports false, where the inbox would hold more than so many.
func (s *Store) Deliver(ctx context.Context, token string, reports map[string][]byte, now time.Time, most int) (kept bool, err error) {
	err = s.Change(ctx, func(tx *Tx) error {
		if err := tx.lock(ctx, "inbox "+token); err != nil {
			return err
		}
		var n int
		if err := tx.tx.QueryRowContext(ctx, `SELECT count(*) FROM inbox_reports WHERE token = $1`, token).Scan(&n); err != nil {
			return fmt.Errorf("store: count the reports of an inbox: %w", err)
		}
		if n+len(reports) > most {
			return nil
		}
		for key, body := range reports {
			if _, err := changed(tx.tx.ExecContext(ctx, `INSERT INTO inbox_reports (token, key, received, body) SELECT token, $1, $2, $3 FROM inboxes WHERE token = $4 ON CONFLICT DO NOTHING`,
				key, now.UnixMilli(), body, token)); err != nil {
				return err
			}
		}
		kept = true
		_, err := changed(tx.tx.ExecContext(ctx, `UPDATE inboxes SET last = $1 WHERE token = $2`, now.UnixMilli(), token))
		return err
	})
	return kept, err
}

// Delivered hands on the reports of an inbox, the earliest first.
func (s *Store) Delivered(ctx context.Context, token string, take func(body []byte) error) error {
	rows, err := s.read.QueryContext(ctx, `SELECT body FROM inbox_reports WHERE token = $1 ORDER BY seq`, token)
	if err != nil {
		return fmt.Errorf("store: read an inbox: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return fmt.Errorf("store: read an inbox: %w", err)
		}
		if err := take(body); err != nil {
			return err
		}
	}
	return rows.Err()
}

// RemoveInbox deletes an inbox with all that is in it.
func (s *Store) RemoveInbox(ctx context.Context, token string) error {
	return s.Change(ctx, func(tx *Tx) error {
		for _, statement := range []string{`DELETE FROM inbox_reports WHERE token = $1`, `DELETE FROM inboxes WHERE token = $1`} {
			if _, err := changed(tx.tx.ExecContext(ctx, statement, token)); err != nil {
				return err
			}
		}
		return nil
	})
}

// ExpireInboxes deletes reports that came before a moment, and the inboxes that were made, and had
// their last report, before another.
func (s *Store) ExpireInboxes(ctx context.Context, reports, unused time.Time) error {
	for more := true; more; {
		var err error
		if more, err = changed(s.write.ExecContext(ctx, `DELETE FROM inbox_reports WHERE seq IN (SELECT seq FROM inbox_reports WHERE received < $1 LIMIT $2)`, reports.UnixMilli(), batch)); err != nil {
			return err
		}
	}
	return s.Change(ctx, func(tx *Tx) error {
		const old = `(SELECT token FROM inboxes WHERE made < $1 AND last < $1)`
		for _, statement := range []string{`DELETE FROM inbox_reports WHERE token IN ` + old, `DELETE FROM inboxes WHERE token IN ` + old} {
			if _, err := changed(tx.tx.ExecContext(ctx, statement, unused.UnixMilli())); err != nil {
				return err
			}
		}
		return nil
	})
}
