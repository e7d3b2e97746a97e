package store

import (
	"context"
	"database/sql"
	"fmt"
)

// clearBatch is how many rows one change deletes of what is not kept any more.
const clearBatch = 2000

// Tx is a change that is made whole or not at all.
type Tx struct {
	tx     *sql.Tx
	engine Engine
}

// SQL is the transaction itself, for the engine of jobs, which writes into the same store.
func (t *Tx) SQL() *sql.Tx { return t.tx }

// Change makes a change, whole or, where do returns an error, not at all. In SQLite only one is made at a
// time: within do nothing else may be written, and nothing of the network waited for.
func (s *Store) Change(ctx context.Context, do func(*Tx) error) error {
	err := s.change(ctx, do)
	if s.ofDisk(err) {
		s.failing.Store(true)
	}
	return err
}

func (s *Store) change(ctx context.Context, do func(*Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store: begin a change: %w", err)
	}
	defer tx.Rollback()
	if err := do(&Tx{tx, s.engine}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store: keep a change: %w", err)
	}
	return nil
}

// lock has the changes that lock the same come one after another, in whatever process.
func (t *Tx) lock(ctx context.Context, what string) error {
	if err := t.engine.Lock(ctx, t.tx, what); err != nil {
		return fmt.Errorf("store: wait for another change: %w", err)
	}
	return nil
}

// changed reports whether a statement changed anything.
func changed(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, fmt.Errorf("store: %w", err)
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// clear deletes clearBatch rows by each of some statements, and reports whether there were any.
func (s *Store) clear(ctx context.Context, of any, statements ...string) (more bool, err error) {
	for _, statement := range statements {
		some, err := changed(s.write.ExecContext(ctx, statement, of, clearBatch))
		if err != nil {
			return false, err
		}
		more = more || some
	}
	return more, nil
}
