package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"mxseal/web/store"
)

// AddWatch keeps a watch that is to be confirmed, unless there are too many already, or one that is the
// same; then it reports false.
func (t *Tx) AddWatch(ctx context.Context, one store.Watch, most store.WatchBounds) (bool, error) {
	return changed(t.tx.ExecContext(ctx, `INSERT INTO watches (key, token, domain, target, secret, inbox, made) SELECT ?, ?, ?, ?, ?, ?, ?
		WHERE (SELECT count(*) FROM watches) < ? AND (SELECT count(*) FROM watches WHERE target = ?) < ? AND (SELECT count(*) FROM watches WHERE target = ? AND confirmed = 0) < ?
		AND NOT EXISTS (SELECT 1 FROM watches WHERE target = ? AND domain = ?)`,
		one.Key, one.Token, one.Domain, one.Target, one.Secret, one.Inbox, one.Made.UnixMilli(),
		most.All, one.Target, most.Target, one.Target, most.Unconfirmed, one.Target, one.Domain))
}

// ConfirmWatch confirms the watch of a token, which is looked at next at a moment. store.ErrNotFound: there
// is none that waits.
func (s *Store) ConfirmWatch(ctx context.Context, token string, now, next time.Time) (store.Watch, error) {
	one, err := s.WatchToConfirm(ctx, token)
	if err != nil {
		return one, err
	}
	done, err := changed(s.write.ExecContext(ctx, `UPDATE watches SET token = NULL, confirmed = ?, next = ? WHERE token = ?`, now.UnixMilli(), next.UnixMilli(), token))
	if err == nil && !done {
		err = store.ErrNotFound
	}
	return one, err
}

// Watch is the watch of a key. store.ErrNotFound: there is none.
func (s *Store) Watch(ctx context.Context, key string) (store.Watch, error) {
	return scanWatch(s.read.QueryRowContext(ctx, watches+`WHERE key = ?`, key))
}

// WatchToConfirm is the watch that a token confirms. store.ErrNotFound: there is none that waits.
func (s *Store) WatchToConfirm(ctx context.Context, token string) (store.Watch, error) {
	return scanWatch(s.read.QueryRowContext(ctx, watches+`WHERE token = ?`, token))
}

// EndWatch deletes a watch with all that was told, or is to be. store.ErrNotFound: there is none.
func (s *Store) EndWatch(ctx context.Context, key string) error {
	return s.Change(ctx, func(tx *Tx) error {
		if _, err := changed(tx.tx.ExecContext(ctx, `DELETE FROM watch_messages WHERE watch = ?`, key)); err != nil {
			return err
		}
		there, err := changed(tx.tx.ExecContext(ctx, `DELETE FROM watches WHERE key = ?`, key))
		if err == nil && !there {
			err = store.ErrNotFound
		}
		return err
	})
}

// DueWatches are up to n watches that are due, one of each domain, those first that are due longest.
func (t *Tx) DueWatches(ctx context.Context, now time.Time, n int) (list []store.Watch, err error) {
	return scanWatches(t.tx.QueryContext(ctx, watches+`WHERE confirmed > 0 AND next <= ? GROUP BY domain ORDER BY min(next) LIMIT ?`, now.UnixMilli(), n))
}

// SetNext says when a domain is to be looked at for all who watch it.
func (t *Tx) SetNext(ctx context.Context, domain string, next time.Time) error {
	_, err := changed(t.tx.ExecContext(ctx, `UPDATE watches SET next = ? WHERE domain = ? AND confirmed > 0`, next.UnixMilli(), domain))
	return err
}

// Watched reports whether somebody watches a domain.
func (s *Store) Watched(ctx context.Context, domain string) (there bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM watches WHERE domain = ? AND confirmed > 0)`, domain).Scan(&there)
	if err != nil {
		return false, fmt.Errorf("store: read the watches: %w", err)
	}
	return there, nil
}

// WatchedInboxes are the inboxes whose TLS reports count for those who watch a domain.
func (s *Store) WatchedInboxes(ctx context.Context, domain string) (keys []string, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT DISTINCT inbox FROM watches WHERE domain = ? AND confirmed > 0 AND inbox <> '' ORDER BY inbox`, domain)
	if err != nil {
		return nil, fmt.Errorf("store: read the watches: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, fmt.Errorf("store: read the watches: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

// WatchesOf are the confirmed watches of a domain.
func (t *Tx) WatchesOf(ctx context.Context, domain string) (list []store.Watch, err error) {
	return scanWatches(t.tx.QueryContext(ctx, watches+`WHERE domain = ? AND confirmed > 0 ORDER BY key`, domain))
}

// KeepWatch keeps what became of a watch by the report of a moment. It reports false where that report, or a
// later one, was counted already.
func (t *Tx) KeepWatch(ctx context.Context, key string, state []byte, looked time.Time) (bool, error) {
	return changed(t.tx.ExecContext(ctx, `UPDATE watches SET state = ?, looked = ? WHERE key = ? AND looked < ?`, string(state), looked.UnixMilli(), key, looked.UnixMilli()))
}

// AddMessage keeps a message that is to be delivered.
func (t *Tx) AddMessage(ctx context.Context, m store.Message) error {
	_, err := changed(t.tx.ExecContext(ctx, `INSERT INTO watch_messages (id, watch, made, events) VALUES (?, ?, ?, ?)`, m.ID, m.Watch, m.Made.UnixMilli(), string(m.Events)))
	return err
}

// Message is a message with its watch. store.ErrNotFound: there is none.
func (s *Store) Message(ctx context.Context, id string) (store.Message, store.Watch, error) {
	m, err := scanMessage(s.read.QueryRowContext(ctx, messages+`WHERE id = ?`, id))
	if err != nil {
		return m, store.Watch{}, err
	}
	one, err := s.Watch(ctx, m.Watch)
	return m, one, err
}

// Messages are the latest n messages of a watch, newest first.
func (s *Store) Messages(ctx context.Context, key string, n int) (list []store.Message, err error) {
	rows, err := s.read.QueryContext(ctx, messages+`WHERE watch = ? ORDER BY made DESC, id LIMIT ?`, key, n)
	if err != nil {
		return nil, fmt.Errorf("store: read what was told: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		m, err := scanMessage(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, rows.Err()
}

// KeepTry keeps how the delivery of a message went, and counts for its watch how many were missed in a row.
func (s *Store) KeepTry(ctx context.Context, m store.Message) error {
	return s.Change(ctx, func(tx *Tx) error {
		var sent int64
		if !m.Sent.IsZero() {
			sent = m.Sent.UnixMilli()
		}
		if _, err := changed(tx.tx.ExecContext(ctx, `UPDATE watch_messages SET sent = ?, tries = ?, given_up = ?, error = ? WHERE id = ?`, sent, m.Tries, m.GivenUp, m.Error, m.ID)); err != nil {
			return err
		}
		_, err := changed(tx.tx.ExecContext(ctx, `UPDATE watches SET missed = CASE WHEN ? > 0 THEN 0 ELSE missed + ? END WHERE key = ?`, sent, m.GivenUp, m.Watch))
		return err
	})
}

// ExpireWatches deletes watches that nobody has confirmed since a moment, and messages from before another.
func (s *Store) ExpireWatches(ctx context.Context, unconfirmed, told time.Time) error {
	return s.Change(ctx, func(tx *Tx) error {
		for statement, before := range map[string]time.Time{
			`DELETE FROM watches WHERE confirmed = 0 AND made < ?`:      unconfirmed,
			`DELETE FROM watch_messages WHERE made < ?`:                 told,
			`DELETE FROM watch_messages WHERE events = '' AND made < ?`: unconfirmed,
		} {
			if _, err := changed(tx.tx.ExecContext(ctx, statement, before.UnixMilli())); err != nil {
				return err
			}
		}
		return nil
	})
}

const watches = `SELECT key, coalesce(token, ''), domain, target, secret, inbox, made, confirmed, looked, next, state, missed FROM watches `

func scanWatch(row interface{ Scan(...any) error }) (one store.Watch, err error) {
	var made, confirmed, looked, next int64
	err = row.Scan(&one.Key, &one.Token, &one.Domain, &one.Target, &one.Secret, &one.Inbox, &made, &confirmed, &looked, &next, &one.State, &one.Missed)
	if err := readOne(err, "a watch"); err != nil {
		return store.Watch{}, err
	}
	one.Made, one.Confirmed, one.Looked, one.Next = moment(made), moment(confirmed), moment(looked), moment(next)
	if len(one.State) == 0 {
		one.State = nil
	}
	return one, nil
}

func scanWatches(rows *sql.Rows, err error) (list []store.Watch, _ error) {
	if err != nil {
		return nil, fmt.Errorf("store: read the watches: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		one, err := scanWatch(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

const messages = `SELECT id, watch, made, sent, tries, given_up, error, events FROM watch_messages `

func scanMessage(row interface{ Scan(...any) error }) (m store.Message, err error) {
	var made, sent int64
	err = row.Scan(&m.ID, &m.Watch, &made, &sent, &m.Tries, &m.GivenUp, &m.Error, &m.Events)
	if err := readOne(err, "a message"); err != nil {
		return store.Message{}, err
	}
	m.Made, m.Sent = moment(made), moment(sent)
	if len(m.Events) == 0 {
		m.Events = nil
	}
	return m, nil
}

// moment is one of the file; zero for none.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
