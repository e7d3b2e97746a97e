package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Watch has somebody told of what becomes of a domain. Who knows its key may read and end it.
type Watch struct {
	Key       string
	Token     string // confirms it; empty once it is confirmed
	Domain    string // A-label
	Target    string // a mail address, or an https:// URL
	Secret    string // signs what is sent to a URL
	Inbox     string // token of an inbox whose TLS reports count; empty for none
	Made      time.Time
	Confirmed time.Time // zero until then
	Looked    time.Time // moment of the last report that was counted; zero before the first
	Next      time.Time // when the domain is to be looked at
	State     []byte    // JSON, of package watching; nil before the first look
	Missed    int       // messages in a row that could not be delivered
}

// WatchBounds are how many watches there may be.
type WatchBounds struct {
	All         int // of an instance
	Target      int // that tell one target
	Unconfirmed int // of those
}

// Message is something that is told to one who watches.
type Message struct {
	ID      string
	Watch   string // its key
	Made    time.Time
	Sent    time.Time // zero until then
	Tries   int       // that failed
	GivenUp bool
	Error   string // of the last try
	Events  []byte // JSON, of package watching; nil for the one that asks to confirm
}

// AddWatch keeps a watch that is to be confirmed, unless there are too many already, or one that is the
// same; then it reports false.
func (t *Tx) AddWatch(ctx context.Context, one Watch, most WatchBounds) (bool, error) {
	if err := t.lock(ctx, "watches"); err != nil { // which are counted
		return false, err
	}
	return changed(t.tx.ExecContext(ctx, `INSERT INTO watches (key, token, domain, target, secret, inbox, made) SELECT $1, $2, $3, $4, $5, $6, $7
		WHERE (SELECT count(*) FROM watches) < $8 AND (SELECT count(*) FROM watches WHERE target = $9) < $10 AND (SELECT count(*) FROM watches WHERE target = $11 AND confirmed = 0) < $12
		AND NOT EXISTS (SELECT 1 FROM watches WHERE target = $13 AND domain = $14)`,
		one.Key, one.Token, one.Domain, one.Target, one.Secret, one.Inbox, one.Made.UnixMilli(),
		most.All, one.Target, most.Target, one.Target, most.Unconfirmed, one.Target, one.Domain))
}

// ConfirmWatch confirms the watch of a token, which is looked at next at a moment. ErrNotFound: there
// is none that waits.
func (s *Store) ConfirmWatch(ctx context.Context, token string, now, next time.Time) (Watch, error) {
	one, err := s.WatchToConfirm(ctx, token)
	if err != nil {
		return one, err
	}
	done, err := changed(s.write.ExecContext(ctx, `UPDATE watches SET token = NULL, confirmed = $1, next = $2 WHERE token = $3`, now.UnixMilli(), next.UnixMilli(), token))
	if err == nil && !done {
		err = ErrNotFound
	}
	return one, err
}

// Watch is the watch of a key. ErrNotFound: there is none.
func (s *Store) Watch(ctx context.Context, key string) (Watch, error) {
	return scanWatch(s.read.QueryRowContext(ctx, watches+`WHERE key = $1`, key))
}

// WatchToConfirm is the watch that a token confirms. ErrNotFound: there is none that waits.
func (s *Store) WatchToConfirm(ctx context.Context, token string) (Watch, error) {
	return scanWatch(s.read.QueryRowContext(ctx, watches+`WHERE token = $1`, token))
}

// EndWatch deletes a watch with all that was told, or is to be. ErrNotFound: there is none.
func (s *Store) EndWatch(ctx context.Context, key string) error {
	return s.Change(ctx, func(tx *Tx) error {
		if _, err := changed(tx.tx.ExecContext(ctx, `DELETE FROM watch_messages WHERE watch = $1`, key)); err != nil {
			return err
		}
		there, err := changed(tx.tx.ExecContext(ctx, `DELETE FROM watches WHERE key = $1`, key))
		if err == nil && !there {
			err = ErrNotFound
		}
		return err
	})
}

// DueWatches are up to n watches that are due, one of each domain, those first that are due longest.
func (t *Tx) DueWatches(ctx context.Context, now time.Time, n int) (list []Watch, err error) {
	if err := t.lock(ctx, "watches due"); err != nil { // or two would find the same
		return nil, err
	}
	return scanWatches(t.tx.QueryContext(ctx, `SELECT `+watch+` FROM
		(SELECT *, row_number() OVER (PARTITION BY domain ORDER BY next, key) AS of_domain FROM watches WHERE confirmed > 0 AND next <= $1) AS due
		WHERE of_domain = 1 ORDER BY next LIMIT $2`, now.UnixMilli(), n))
}

// SetNext says when a domain is to be looked at for all who watch it.
func (t *Tx) SetNext(ctx context.Context, domain string, next time.Time) error {
	_, err := changed(t.tx.ExecContext(ctx, `UPDATE watches SET next = $1 WHERE domain = $2 AND confirmed > 0`, next.UnixMilli(), domain))
	return err
}

// Watched reports whether somebody watches a domain.
func (s *Store) Watched(ctx context.Context, domain string) (there bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM watches WHERE domain = $1 AND confirmed > 0)`, domain).Scan(&there)
	if err != nil {
		return false, fmt.Errorf("store: read the watches: %w", err)
	}
	return there, nil
}

// WatchedInboxes are the inboxes whose TLS reports count for those who watch a domain.
func (s *Store) WatchedInboxes(ctx context.Context, domain string) (keys []string, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT DISTINCT inbox FROM watches WHERE domain = $1 AND confirmed > 0 AND inbox <> '' ORDER BY inbox`, domain)
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
func (t *Tx) WatchesOf(ctx context.Context, domain string) (list []Watch, err error) {
	return scanWatches(t.tx.QueryContext(ctx, watches+`WHERE domain = $1 AND confirmed > 0 ORDER BY key`, domain))
}

// KeepWatch keeps what became of a watch by the report of a moment. It reports false where that report, or a
// later one, was counted already.
func (t *Tx) KeepWatch(ctx context.Context, key string, state []byte, looked time.Time) (bool, error) {
	return changed(t.tx.ExecContext(ctx, `UPDATE watches SET state = $1, looked = $2 WHERE key = $3 AND looked < $4`, string(state), looked.UnixMilli(), key, looked.UnixMilli()))
}

// AddMessage keeps a message that is to be delivered.
func (t *Tx) AddMessage(ctx context.Context, m Message) error {
	_, err := changed(t.tx.ExecContext(ctx, `INSERT INTO watch_messages (id, watch, made, events) VALUES ($1, $2, $3, $4)`, m.ID, m.Watch, m.Made.UnixMilli(), string(m.Events)))
	return err
}

// Message is a message with its watch. ErrNotFound: there is none.
func (s *Store) Message(ctx context.Context, id string) (Message, Watch, error) {
	m, err := scanMessage(s.read.QueryRowContext(ctx, messages+`WHERE id = $1`, id))
	if err != nil {
		return m, Watch{}, err
	}
	one, err := s.Watch(ctx, m.Watch)
	return m, one, err
}

// Messages are the latest n messages of a watch, newest first.
func (s *Store) Messages(ctx context.Context, key string, n int) (list []Message, err error) {
	rows, err := s.read.QueryContext(ctx, messages+`WHERE watch = $1 ORDER BY made DESC, id LIMIT $2`, key, n)
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
func (s *Store) KeepTry(ctx context.Context, m Message) error {
	return s.Change(ctx, func(tx *Tx) error {
		var sent int64
		if !m.Sent.IsZero() {
			sent = m.Sent.UnixMilli()
		}
		if _, err := changed(tx.tx.ExecContext(ctx, `UPDATE watch_messages SET sent = $1, tries = $2, given_up = $3, error = $4 WHERE id = $5`, sent, m.Tries, m.GivenUp, m.Error, m.ID)); err != nil {
			return err
		}
		var err error
		switch {
		case sent > 0:
			_, err = changed(tx.tx.ExecContext(ctx, `UPDATE watches SET missed = 0 WHERE key = $1`, m.Watch))
		case m.GivenUp:
			_, err = changed(tx.tx.ExecContext(ctx, `UPDATE watches SET missed = missed + 1 WHERE key = $1`, m.Watch))
		}
		return err
	})
}

// ExpireWatches deletes watches that nobody has confirmed since a moment, and messages from before another.
func (s *Store) ExpireWatches(ctx context.Context, unconfirmed, told time.Time) error {
	return s.Change(ctx, func(tx *Tx) error {
		for statement, before := range map[string]time.Time{
			`DELETE FROM watches WHERE confirmed = 0 AND made < $1`:      unconfirmed,
			`DELETE FROM watch_messages WHERE made < $1`:                 told,
			`DELETE FROM watch_messages WHERE events = '' AND made < $1`: unconfirmed,
		} {
			if _, err := changed(tx.tx.ExecContext(ctx, statement, before.UnixMilli())); err != nil {
				return err
			}
		}
		return nil
	})
}

const (
	watch   = `key, coalesce(token, ''), domain, target, secret, inbox, made, confirmed, looked, next, state, missed`
	watches = `SELECT ` + watch + ` FROM watches `
)

func scanWatch(row interface{ Scan(...any) error }) (one Watch, err error) {
	var made, confirmed, looked, next int64
	err = row.Scan(&one.Key, &one.Token, &one.Domain, &one.Target, &one.Secret, &one.Inbox, &made, &confirmed, &looked, &next, &one.State, &one.Missed)
	if err := readOne(err, "a watch"); err != nil {
		return Watch{}, err
	}
	one.Made, one.Confirmed, one.Looked, one.Next = moment(made), moment(confirmed), moment(looked), moment(next)
	if len(one.State) == 0 {
		one.State = nil
	}
	return one, nil
}

func scanWatches(rows *sql.Rows, err error) (list []Watch, _ error) {
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

func scanMessage(row interface{ Scan(...any) error }) (m Message, err error) {
	var made, sent int64
	err = row.Scan(&m.ID, &m.Watch, &made, &sent, &m.Tries, &m.GivenUp, &m.Error, &m.Events)
	if err := readOne(err, "a message"); err != nil {
		return Message{}, err
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
