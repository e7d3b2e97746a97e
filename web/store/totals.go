package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Totals are those that were kept. ErrNotFound: they are not counted yet.
func (s *Store) Totals(ctx context.Context, run int64) ([]byte, error) {
	var totals sql.NullString
	err := s.read.QueryRowContext(ctx, `SELECT totals FROM survey_runs WHERE id = $1`, run).Scan(&totals)
	if err == nil && !totals.Valid {
		err = sql.ErrNoRows
	}
	return []byte(totals.String), readOne(err, "what a run comes to")
}

// Summing is how far a run is counted: the line that comes next, and the state that KeepSumming kept; before
// that 0 and nil. ErrNotFound: it goes on, all of it is counted, or it is not kept.
func (s *Store) Summing(ctx context.Context, run int64) (next int, state []byte, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT coalesce(c.next, 0), c.state FROM survey_runs r LEFT JOIN survey_sums c ON c.run = r.id WHERE r.id = $1 AND r.ended > 0 AND r.totals IS NULL`, run).Scan(&next, &state)
	return next, state, readOne(err, "what a run comes to")
}

// KeepSumming keeps what was counted of the lines of a run between two: the state, and further blocks of the
// domains behind numbers. It reports false, and keeps nothing, where somebody else has counted them meanwhile.
func (t *Tx) KeepSumming(ctx context.Context, run int64, from, next int, state []byte, blocks []Block) (bool, error) {
	kept, err := changed(t.tx.ExecContext(ctx, `INSERT INTO survey_sums (run, next, state) SELECT id, $2, $3 FROM survey_runs WHERE id = $1 AND ended > 0 AND totals IS NULL
		ON CONFLICT (run) DO UPDATE SET next = excluded.next, state = excluded.state WHERE survey_sums.next = $4`, run, next, state, from))
	if err != nil || !kept {
		return false, err
	}
	insert, err := t.tx.PrepareContext(ctx, `INSERT INTO survey_numbers (run, number, first, lines) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`)
	if err != nil {
		return false, fmt.Errorf("store: %w", err)
	}
	defer insert.Close()
	for _, b := range blocks {
		if _, err := changed(insert.ExecContext(ctx, run, b.Number, b.Lines[0], packLines(b.Lines))); err != nil {
			return false, err
		}
	}
	return true, nil
}

// KeepTotals keeps what a run comes to, after the last KeepSumming: brief for plots of all runs, totals for
// its page. Of gone, numbers, no blocks are kept.
func (t *Tx) KeepTotals(ctx context.Context, run int64, brief, totals []byte, gone []string) error {
	for _, number := range gone {
		if _, err := changed(t.tx.ExecContext(ctx, `DELETE FROM survey_numbers WHERE run = $1 AND number = $2`, run, number)); err != nil {
			return err
		}
	}
	if _, err := changed(t.tx.ExecContext(ctx, `DELETE FROM survey_sums WHERE run = $1`, run)); err != nil {
		return err
	}
	_, err := changed(t.tx.ExecContext(ctx, `UPDATE survey_runs SET brief = $1, totals = $2 WHERE id = $3`, string(brief), string(totals), run))
	return err
}

// Survey is that of a name, ErrNotFound.
func (s *Store) Survey(ctx context.Context, name string) (one Survey, err error) {
	all, err := s.Surveys(ctx)
	if err != nil {
		return one, err
	}
	for _, one := range all {
		if one.Name == name {
			return one, nil
		}
	}
	return one, fmt.Errorf("survey %s: %w", name, ErrNotFound)
}

// SetSurvey changes what a survey is called, how often it is made and what is published of it.
// ErrNotFound: there is none of that name.
func (s *Store) SetSurvey(ctx context.Context, one Survey) error {
	found, err := changed(s.write.ExecContext(ctx, `UPDATE surveys SET title = $1, every = $2, named = $3 WHERE name = $4`, one.Title, int64(one.Every/time.Second), one.Named, one.Name))
	if err == nil && !found {
		err = fmt.Errorf("survey %s: %w", one.Name, ErrNotFound)
	}
	return err
}

// DropSurvey takes a survey away with its runs, and says what is to be cleared after it (ClearRun,
// ClearList). Jobs of its runs find out by themselves. ErrNotFound: there is none of that name.
func (t *Tx) DropSurvey(ctx context.Context, name string) (list string, ids []int64, err error) {
	if err := t.tx.QueryRowContext(ctx, `DELETE FROM surveys WHERE name = $1 RETURNING list`, name).Scan(&list); err != nil {
		return "", nil, readOne(err, "a survey")
	}
	ids, err = t.DropRuns(ctx, name, 0)
	return list, ids, err
}

// DropRuns takes all runs of a survey away but so many, the latest, and says which are to be cleared after
// that (ClearRun).
func (t *Tx) DropRuns(ctx context.Context, survey string, keep int) (ids []int64, err error) {
	rows, err := t.tx.QueryContext(ctx, `DELETE FROM survey_runs WHERE survey = $1 AND id NOT IN (SELECT id FROM survey_runs WHERE survey = $1 ORDER BY id DESC LIMIT $2) RETURNING id`, survey, keep)
	if err != nil {
		return nil, fmt.Errorf("store: delete runs of %s: %w", survey, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("store: delete runs of %s: %w", survey, err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// ClearRun deletes some of what a run found that is not kept any more, and reports whether there is more of it.
func (s *Store) ClearRun(ctx context.Context, run int64) (more bool, err error) {
	return s.clear(ctx, run, `DELETE FROM survey_results WHERE (run, n) IN (SELECT run, n FROM survey_results WHERE run = $1 LIMIT $2)`,
		`DELETE FROM survey_numbers WHERE (run, number, first) IN (SELECT run, number, first FROM survey_numbers WHERE run = $1 LIMIT $2)`,
		`DELETE FROM survey_sums WHERE run IN (SELECT run FROM survey_sums WHERE run = $1 LIMIT $2)`)
}
