package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrExists says that something of that name is kept already.
var ErrExists = errors.New("there is one of that name")

// ErrEmpty says that a list holds no mail domain.
var ErrEmpty = errors.New("the list holds no mail domain")

// Survey is a list of domains that is looked at again and again.
type Survey struct {
	Name, Title string
	Every       time.Duration // between the beginnings of two runs; 0 for runs that are asked for
	Domains     int
	Named       bool // the domains are published, not only their numbers
}

// Line is one domain of a survey.
type Line struct {
	Domain string   // A-label
	Labels []string // that stood behind it
}

// Run is one look at all domains of a survey.
type Run struct {
	ID           int64
	Survey       string
	Date         string    // of its page: the day it began, 2026-11-28, with a number where an earlier one has that day (2026-11-28-2)
	Began, Ended time.Time // Ended is zero while it goes on
	Domains      int
	Fed          int    // lines of the list that there are jobs for, or were
	Done         int    // domains of which there is a result
	Looks        int    // at mail servers that were made for all of them
	Brief        []byte // JSON, of package surveys: what a plot of all runs shows of it; nil until it is counted
}

// Result is what a run found out about a domain.
type Result struct {
	Line
	N       int       // of the line
	Facts   []byte    // JSON, of package surveys
	Earlier [2]string // the letters of the domain in two earlier runs; empty where it was not part of them
}

// Block are some of the domains that are behind a number of a run.
type Block struct {
	Number string // a thing and an answer: dane:yes
	Lines  []int  // ascending
}

// lineBatch is how many lines of a list one change keeps, so that nobody waits for it.
const lineBatch = 2000

// AddSurvey keeps a survey with its lines, which come from next until it says that there are no
// more. Of a domain that comes again only the first line counts. The survey is there once all of its
// lines are. ErrExists: there is one of that name.
func (s *Store) AddSurvey(ctx context.Context, one *Survey, next func() (Line, bool, error)) (err error) {
	var there bool
	if err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM surveys WHERE name = $1)`, one.Name).Scan(&there); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if there {
		return fmt.Errorf("survey %s: %w", one.Name, ErrExists)
	}
	list := NewID()
	defer func() {
		if err != nil { // what is left behind where this fails too is in nobody's way
			for more, err := true, error(nil); more && err == nil; {
				more, err = s.ClearList(context.WithoutCancel(ctx), list)
			}
		}
	}()
	one.Domains = 0
	for more := true; more; {
		if err := s.Change(ctx, func(tx *Tx) (err error) { more, err = tx.addLines(ctx, list, &one.Domains, next); return err }); err != nil {
			return err
		}
	}
	if one.Domains == 0 {
		return ErrEmpty
	}
	added, err := changed(s.write.ExecContext(ctx, `INSERT INTO surveys (name, title, every, list, domains, named) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		one.Name, one.Title, int64(one.Every/time.Second), list, one.Domains, one.Named))
	if err == nil && !added {
		err = fmt.Errorf("survey %s: %w", one.Name, ErrExists)
	}
	return err
}

// addLines keeps the next lines of a list, and reports whether there may be more.
func (t *Tx) addLines(ctx context.Context, list string, n *int, next func() (Line, bool, error)) (bool, error) {
	insert, err := t.tx.PrepareContext(ctx, `INSERT INTO survey_lines (list, n, domain, labels) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`)
	if err != nil {
		return false, fmt.Errorf("store: %w", err)
	}
	defer insert.Close()
	for range lineBatch {
		line, more, err := next()
		if err != nil || !more {
			return false, err
		}
		labels, err := json.Marshal(line.Labels)
		if err != nil {
			return false, fmt.Errorf("store: %w", err)
		}
		added, err := changed(insert.ExecContext(ctx, list, *n, line.Domain, string(labels)))
		if err != nil {
			return false, err
		}
		if added {
			*n++
		}
	}
	return true, nil
}

// ClearList deletes some of the lines of a list that is not kept any more, and reports whether there are more.
func (s *Store) ClearList(ctx context.Context, list string) (more bool, err error) {
	return s.clear(ctx, list, `DELETE FROM survey_lines WHERE (list, n) IN (SELECT list, n FROM survey_lines WHERE list = $1 LIMIT $2)`)
}

// StartRun begins a run of a survey. Where one goes on already, that is returned, and started is false.
func (t *Tx) StartRun(ctx context.Context, survey string, now time.Time) (run Run, started bool, err error) {
	if err := t.lock(ctx, "survey "+survey); err != nil {
		return Run{}, false, err
	}
	run, err = scanRun(t.tx.QueryRowContext(ctx, runs+`WHERE survey = $1 AND ended = 0`, survey))
	if !errors.Is(err, ErrNotFound) {
		return run, false, err
	}
	date, err := t.freeDate(ctx, survey, now)
	if err != nil {
		return Run{}, false, err
	}
	added, err := changed(t.tx.ExecContext(ctx, `INSERT INTO survey_runs (survey, date, began, domains) SELECT name, $1, $2, domains FROM surveys WHERE name = $3`, date, now.UnixMilli(), survey))
	if err == nil && !added {
		err = fmt.Errorf("survey %s: %w", survey, ErrNotFound)
	}
	if err != nil {
		return Run{}, false, err
	}
	run, err = scanRun(t.tx.QueryRowContext(ctx, runs+`WHERE survey = $1 ORDER BY id DESC LIMIT 1`, survey))
	return run, err == nil, err
}

// freeDate is the day of a time, with a number where an earlier run has that day.
func (t *Tx) freeDate(ctx context.Context, survey string, now time.Time) (date string, err error) {
	day := now.UTC().Format(time.DateOnly)
	date = day
	for n := 2; ; n++ {
		var taken bool
		if err := t.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM survey_runs WHERE survey = $1 AND date = $2)`, survey, date).Scan(&taken); err != nil || !taken {
			return date, readOne(err, "the dates of runs")
		}
		date = fmt.Sprintf("%s-%d", day, n)
	}
}

// Feed takes the next lines of a run, n at most, and no more than so many that are under way. It
// returns where they begin, how many they are, and whether there are further ones.
func (t *Tx) Feed(ctx context.Context, id int64, n, underWay int) (from, count int, more bool, err error) {
	if err := t.lock(ctx, fmt.Sprintf("feed %d", id)); err != nil {
		return 0, 0, false, err
	}
	run, err := scanRun(t.tx.QueryRowContext(ctx, runs+`WHERE id = $1`, id))
	if err != nil {
		return 0, 0, false, err
	}
	count = max(0, min(n, run.Domains-run.Fed, underWay-(run.Fed-run.Done)))
	_, err = changed(t.tx.ExecContext(ctx, `UPDATE survey_runs SET fed = fed + $1 WHERE id = $2`, count, id))
	return run.Fed, count, run.Fed+count < run.Domains, err
}

// FeedAgain has the lines of a run taken from the beginning again. Looks that were made stay.
func (t *Tx) FeedAgain(ctx context.Context, id int64) error {
	for _, statement := range []string{`UPDATE survey_runs SET fed = 0 WHERE id = $1`, `DELETE FROM survey_waits WHERE run = $1`,
		`DELETE FROM survey_parts WHERE run = $1`, `UPDATE survey_servers SET looking = FALSE WHERE run = $1`} {
		if _, err := changed(t.tx.ExecContext(ctx, statement, id)); err != nil {
			return err
		}
	}
	return nil
}

// KeepResult keeps what a run found out about the domain of a line, in the place of the part of it
// that was known, and ends the run with the last one, which it reports. A second result for the same
// line changes nothing.
func (t *Tx) KeepResult(ctx context.Context, id int64, n int, facts []byte, now time.Time) (ended bool, err error) {
	if _, err := changed(t.tx.ExecContext(ctx, `DELETE FROM survey_parts WHERE run = $1 AND n = $2`, id, n)); err != nil {
		return false, err
	}
	added, err := changed(t.tx.ExecContext(ctx, `INSERT INTO survey_results (run, n, facts) SELECT id, $1, $2 FROM survey_runs WHERE id = $3 ON CONFLICT DO NOTHING`, n, string(facts), id))
	if err != nil || !added {
		return false, err
	}
	err = t.tx.QueryRowContext(ctx, `UPDATE survey_runs SET done = done + 1, ended = CASE WHEN done + 1 < domains THEN 0 WHEN began > $1 THEN began ELSE $1 END WHERE id = $2 RETURNING ended > 0`, now.UnixMilli(), id).Scan(&ended)
	return ended, readOne(err, "a run")
}

const runs = `SELECT id, survey, date, began, ended, domains, fed, done, looks, brief FROM survey_runs `

func scanRun(row interface{ Scan(...any) error }) (r Run, err error) {
	var began, ended int64
	err = row.Scan(&r.ID, &r.Survey, &r.Date, &began, &ended, &r.Domains, &r.Fed, &r.Done, &r.Looks, &r.Brief)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrNotFound
	}
	if err != nil {
		return r, fmt.Errorf("store: read a run: %w", err)
	}
	r.Began = time.UnixMilli(began).UTC()
	if ended > 0 {
		r.Ended = time.UnixMilli(ended).UTC()
	}
	return r, nil
}

// Surveys are those that are kept, by name.
func (s *Store) Surveys(ctx context.Context) (list []Survey, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT name, title, every, domains, named FROM surveys ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("store: read the surveys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var one Survey
		var every int64
		if err := rows.Scan(&one.Name, &one.Title, &every, &one.Domains, &one.Named); err != nil {
			return nil, fmt.Errorf("store: read the surveys: %w", err)
		}
		one.Every = time.Duration(every) * time.Second
		list = append(list, one)
	}
	return list, rows.Err()
}

// Run is one run, ErrNotFound.
func (s *Store) Run(ctx context.Context, id int64) (Run, error) {
	return scanRun(s.read.QueryRowContext(ctx, runs+`WHERE id = $1`, id))
}

// Runs are the latest n runs of a survey, the latest first.
func (s *Store) Runs(ctx context.Context, survey string, n int) (list []Run, err error) {
	rows, err := s.read.QueryContext(ctx, runs+`WHERE survey = $1 ORDER BY id DESC LIMIT $2`, survey, n)
	if err != nil {
		return nil, fmt.Errorf("store: read the runs of %s: %w", survey, err)
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanRun(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// LineOf is the line of a run, and whether there is a result of it already.
func (s *Store) LineOf(ctx context.Context, id int64, n int) (line Line, done bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT l.domain, EXISTS (SELECT 1 FROM survey_results WHERE run = r.id AND n = l.n)
		FROM survey_runs r JOIN surveys s ON s.name = r.survey JOIN survey_lines l ON l.list = s.list AND l.n = $1 WHERE r.id = $2`, n, id).Scan(&line.Domain, &done)
	if errors.Is(err, sql.ErrNoRows) {
		return line, false, ErrNotFound
	}
	if err != nil {
		return line, false, fmt.Errorf("store: read a line: %w", err)
	}
	return line, done, nil
}
