package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// KeepPart keeps what was asked about the domain of a line until its calls have been made, so many of
// which it waits for. It reports false, and keeps nothing, where a part or a result is there already.
func (t *Tx) KeepPart(ctx context.Context, run int64, n int, body []byte, waits int) (bool, error) {
	return changed(t.tx.ExecContext(ctx, `INSERT INTO survey_parts (run, n, waits, body) SELECT id, $1, $2, $3 FROM survey_runs
		WHERE id = $4 AND NOT EXISTS (SELECT 1 FROM survey_results WHERE run = id AND n = $5) ON CONFLICT DO NOTHING`, n, waits, body, run, n))
}

// Part is what KeepPart kept. ErrNotFound: it is not there any more.
func (s *Store) Part(ctx context.Context, run int64, n int) (body []byte, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT body FROM survey_parts WHERE run = $1 AND n = $2`, run, n).Scan(&body)
	return body, readOne(err, "a part of a check")
}

// Server says what is known of an address in a run: how alike it answers to names (as SetAlike was
// told; empty before), and whether it has been looked at under a name.
func (s *Store) Server(ctx context.Context, run int64, address, name string) (alike string, looked bool, err error) {
	return scanServer(s.read.QueryRowContext(ctx, server, run, address, name))
}

// Server is that of the store, within a change.
func (t *Tx) Server(ctx context.Context, run int64, address, name string) (alike string, looked bool, err error) {
	return scanServer(t.tx.QueryRowContext(ctx, server, run, address, name))
}

const server = `SELECT coalesce((SELECT alike FROM survey_servers WHERE run = $1 AND address = $2), ''),
	EXISTS (SELECT 1 FROM survey_looks WHERE run = $1 AND address = $2 AND name = $3)`

func scanServer(row *sql.Row) (alike string, looked bool, err error) {
	err = row.Scan(&alike, &looked)
	return alike, looked, readOne(err, "a mail server")
}

// Await notes that the domain of a line waits for a look at an address under a name. It reports
// whether nobody is to look at the address yet; from then on somebody is.
func (t *Tx) Await(ctx context.Context, run int64, n int, address, name string) (first bool, err error) {
	if _, err := changed(t.tx.ExecContext(ctx, `INSERT INTO survey_waits (run, address, name, n) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, run, address, name, n)); err != nil {
		return false, err
	}
	return changed(t.tx.ExecContext(ctx, `INSERT INTO survey_servers (run, address, looking, alike) VALUES ($1, $2, TRUE, '')
		ON CONFLICT (run, address) DO UPDATE SET looking = TRUE WHERE NOT survey_servers.looking`, run, address))
}

// Awaited is a name under which an address is to be looked at, and one of the domains that wait for it.
type Awaited struct {
	Name   string
	Domain string
}

// Awaited are the next n names under which an address is to be looked at.
func (s *Store) Awaited(ctx context.Context, run int64, address string, n int) (list []Awaited, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT w.name, l.domain FROM
		(SELECT run, name, min(n) AS n FROM survey_waits WHERE run = $1 AND address = $2 GROUP BY run, name LIMIT $3) w
		JOIN survey_runs r ON r.id = w.run JOIN surveys s ON s.name = r.survey JOIN survey_lines l ON l.list = s.list AND l.n = w.n`, run, address, n)
	if err != nil {
		return nil, fmt.Errorf("store: read which names an address is asked for: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a Awaited
		if err := rows.Scan(&a.Name, &a.Domain); err != nil {
			return nil, fmt.Errorf("store: read which names an address is asked for: %w", err)
		}
		list = append(list, a)
	}
	return list, rows.Err()
}

// KeepLook keeps a look at an address under a name. Of two the first counts.
func (t *Tx) KeepLook(ctx context.Context, run int64, address, name string, body []byte) error {
	added, err := changed(t.tx.ExecContext(ctx, `INSERT INTO survey_looks (run, address, name, body) SELECT id, $1, $2, $3 FROM survey_runs WHERE id = $4 ON CONFLICT DO NOTHING`, address, name, body, run))
	if err == nil && added {
		_, err = changed(t.tx.ExecContext(ctx, `UPDATE survey_runs SET looks = looks + 1 WHERE id = $1`, run))
	}
	return err
}

// SetAlike notes how alike an address answers to names.
func (t *Tx) SetAlike(ctx context.Context, run int64, address, alike string) error {
	_, err := changed(t.tx.ExecContext(ctx, `UPDATE survey_servers SET alike = $1 WHERE run = $2 AND address = $3`, alike, run, address))
	return err
}

// Wake ends the waiting for an address under a name, and returns the lines that wait for nothing else.
func (t *Tx) Wake(ctx context.Context, run int64, address, name string) (ready []int, err error) {
	if err := t.LockAddresses(ctx, run, address); err != nil {
		return nil, err
	}
	rows, err := t.tx.QueryContext(ctx, `UPDATE survey_parts SET waits = waits - 1
		WHERE run = $1 AND n IN (SELECT n FROM survey_waits WHERE run = $1 AND address = $2 AND name = $3) RETURNING n, waits`, run, address, name)
	if err != nil {
		return nil, fmt.Errorf("store: end the waiting for %s: %w", address, err)
	}
	defer rows.Close()
	for rows.Next() {
		var n, waits int
		if err := rows.Scan(&n, &waits); err != nil {
			return nil, fmt.Errorf("store: end the waiting for %s: %w", address, err)
		}
		if waits == 0 {
			ready = append(ready, n)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: end the waiting for %s: %w", address, err)
	}
	_, err = changed(t.tx.ExecContext(ctx, `DELETE FROM survey_waits WHERE run = $1 AND address = $2 AND name = $3`, run, address, name))
	return ready, err
}

// LockAddresses has what is waited for at some addresses, and whether there are jobs for them, changed by
// one at a time: else somebody might begin to wait while the job finds that nobody does. To be called before
// anything of that is read for a change.
func (t *Tx) LockAddresses(ctx context.Context, run int64, addresses ...string) error {
	for _, address := range slices.Compact(slices.Sorted(slices.Values(addresses))) { // in an order, or two would wait for each other
		if err := t.lock(ctx, fmt.Sprintf("look %d %s", run, address)); err != nil {
			return err
		}
	}
	return nil
}

// Rest notes that nobody looks at an address any more, unless somebody waits for it: then it reports false.
func (t *Tx) Rest(ctx context.Context, run int64, address string) (bool, error) {
	if err := t.LockAddresses(ctx, run, address); err != nil {
		return false, err
	}
	var waited bool
	if err := t.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM survey_waits WHERE run = $1 AND address = $2)`, run, address).Scan(&waited); err != nil || waited {
		return false, readOne(err, "who waits for a mail server")
	}
	_, err := changed(t.tx.ExecContext(ctx, `UPDATE survey_servers SET looking = FALSE WHERE run = $1 AND address = $2`, run, address))
	return err == nil, err
}

// Looks are the first n looks at an address, the earliest first.
func (s *Store) Looks(ctx context.Context, run int64, address string, n int) (bodies [][]byte, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT body FROM survey_looks WHERE run = $1 AND address = $2 ORDER BY seq LIMIT $3`, run, address, n)
	if err != nil {
		return nil, fmt.Errorf("store: read the looks at %s: %w", address, err)
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("store: read the looks at %s: %w", address, err)
		}
		bodies = append(bodies, body)
	}
	return bodies, rows.Err()
}

// LookAt is the look at an address under a name or, where there is none, the first at the address.
// ErrNotFound: it was not looked at.
func (s *Store) LookAt(ctx context.Context, run int64, address, name string) (body []byte, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT body FROM survey_looks WHERE run = $1 AND address = $2 ORDER BY name = $3 DESC, seq LIMIT 1`, run, address, name).Scan(&body)
	return body, readOne(err, "a look")
}

// Clear deletes some of what lies between the jobs of a run, and reports whether there is more of it.
func (s *Store) Clear(ctx context.Context, run int64) (more bool, err error) {
	return s.clear(ctx, run,
		`DELETE FROM survey_waits WHERE (run, address, name, n) IN (SELECT run, address, name, n FROM survey_waits WHERE run = $1 LIMIT $2)`,
		`DELETE FROM survey_parts WHERE (run, n) IN (SELECT run, n FROM survey_parts WHERE run = $1 LIMIT $2)`,
		`DELETE FROM survey_servers WHERE (run, address) IN (SELECT run, address FROM survey_servers WHERE run = $1 LIMIT $2)`,
		`DELETE FROM survey_looks WHERE seq IN (SELECT seq FROM survey_looks WHERE run = $1 LIMIT $2)`)
}

// readOne is the error of a row that was asked for.
func readOne(err error, what string) error {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case err != nil:
		return fmt.Errorf("store: read %s: %w", what, err)
	}
	return nil
}
