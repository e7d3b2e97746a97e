package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"mxseal/web/store"
)

// KeepTotals keeps what a run comes to: brief for plots of all runs, totals for its page.
func (s *Store) KeepTotals(ctx context.Context, run int64, brief, totals []byte) error {
	_, err := changed(s.write.ExecContext(ctx, `UPDATE survey_runs SET brief = ?, totals = ? WHERE id = ?`, string(brief), string(totals), run))
	return err
}

// Totals are those that were kept. store.ErrNotFound: they are not counted yet.
func (s *Store) Totals(ctx context.Context, run int64) ([]byte, error) {
	var totals sql.NullString
	err := s.read.QueryRowContext(ctx, `SELECT totals FROM survey_runs WHERE id = ?`, run).Scan(&totals)
	if err == nil && !totals.Valid {
		err = sql.ErrNoRows
	}
	return []byte(totals.String), readOne(err, "what a run comes to")
}

// KeepFound keeps which lines stand behind a number.
func (t *Tx) KeepFound(ctx context.Context, run int64, number string, lines []int) error {
	insert, err := t.tx.PrepareContext(ctx, `INSERT INTO survey_found (run, number, n) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer insert.Close()
	for _, n := range lines {
		if _, err := insert.ExecContext(ctx, run, number, n); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	return nil
}

// Survey is that of a name, store.ErrNotFound.
func (s *Store) Survey(ctx context.Context, name string) (one store.Survey, err error) {
	all, err := s.Surveys(ctx)
	if err != nil {
		return one, err
	}
	for _, one := range all {
		if one.Name == name {
			return one, nil
		}
	}
	return one, fmt.Errorf("survey %s: %w", name, store.ErrNotFound)
}

// SetSurvey changes what a survey is called, how often it is made and what is published of it.
// store.ErrNotFound: there is none of that name.
func (s *Store) SetSurvey(ctx context.Context, one store.Survey) error {
	found, err := changed(s.write.ExecContext(ctx, `UPDATE surveys SET title = ?, every = ?, named = ? WHERE name = ?`, one.Title, int64(one.Every/time.Second), one.Named, one.Name))
	if err == nil && !found {
		err = fmt.Errorf("survey %s: %w", one.Name, store.ErrNotFound)
	}
	return err
}

// RemoveSurvey deletes a survey with its list and all of its runs. Jobs of a run find out by themselves.
func (s *Store) RemoveSurvey(ctx context.Context, name string) error {
	return s.Change(ctx, func(tx *Tx) error {
		var list string
		err := tx.tx.QueryRowContext(ctx, `SELECT list FROM surveys WHERE name = ?`, name).Scan(&list)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("survey %s: %w", name, store.ErrNotFound)
		}
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		const run = ` WHERE run IN (SELECT id FROM survey_runs WHERE survey = ?)`
		for _, statement := range []string{`DELETE FROM survey_results` + run, `DELETE FROM survey_found` + run, `DELETE FROM survey_parts` + run, `DELETE FROM survey_waits` + run,
			`DELETE FROM survey_servers` + run, `DELETE FROM survey_looks` + run, `DELETE FROM survey_runs WHERE survey = ?`, `DELETE FROM surveys WHERE name = ?`} {
			if _, err := changed(tx.tx.ExecContext(ctx, statement, name)); err != nil {
				return err
			}
		}
		_, err = changed(tx.tx.ExecContext(ctx, `DELETE FROM survey_lines WHERE list = ?`, list))
		return err
	})
}
