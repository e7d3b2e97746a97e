package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// clearBatch is how many rows one change deletes of what is not kept any more.
const clearBatch = 2000

// Tx is a change of the file that is made whole or not at all.
type Tx struct{ tx *sql.Tx }

// SQL is the transaction itself, for the engine of jobs, which writes into the same file.
func (t *Tx) SQL() *sql.Tx { return t.tx }

// Writer is the one connection that writes, for the engine of jobs. Who holds it keeps all others
// from writing.
func (s *Store) Writer() *sql.DB { return s.write }

// Change makes a change of the file, whole or, where do returns an error, not at all. Only one is
// made at a time: within do nothing else may be written, and nothing of the network waited for.
func (s *Store) Change(ctx context.Context, do func(*Tx) error) error {
	err := s.change(ctx, do)
	if ofDisk(err) {
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
	if err := do(&Tx{tx}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store: keep a change: %w", err)
	}
	return nil
}

// ofDisk reports whether it is the disk that keeps SQLite from writing.
func ofDisk(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && slices.Contains([]int{codes.SQLITE_FULL, codes.SQLITE_IOERR, codes.SQLITE_READONLY}, e.Code()&0xff) // without what an extended code adds
}

// Tend keeps the file in shape: what the planner of SQLite knows of it is renewed, and the log of
// what was written lately goes into the file itself.
func (s *Store) Tend(ctx context.Context) error {
	for _, pragma := range []string{"PRAGMA optimize", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := s.write.ExecContext(ctx, pragma); err != nil {
			return fmt.Errorf("store: %s: %w", pragma, err)
		}
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
