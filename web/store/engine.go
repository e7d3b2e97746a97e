package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river/riverdriver"
)

// Engine is what SQLite and PostgreSQL do differently.
type Engine interface {
	// Reader and Writer are the connections to it.
	Reader() *sql.DB
	Writer() *sql.DB
	// Lock has the changes that lock the same come one after another; it is held until the change is over.
	Lock(ctx context.Context, tx *sql.Tx, what string) error
	// Full reports whether an error says that nothing can be kept at present, whatever it is.
	Full(err error) bool
	// Touch writes what changes nothing, and reports why it could not. thorough tries whether there is room
	// for more.
	Touch(ctx context.Context, thorough bool) error
	// Tend keeps what lies there in shape.
	Tend(ctx context.Context) error
	// Size is how many octets it takes on the disk.
	Size(ctx context.Context) (int64, error)
	// Jobs is the way of the engine of jobs into it, and Moment a time in the form in which that keeps one.
	Jobs() riverdriver.Driver[*sql.Tx]
	Moment(t time.Time) any
	// Numbered has what is kept from now on numbered behind what was put in with its numbers.
	Numbered(ctx context.Context) error
	Close() error
}

// Store is what is kept. It is safe for concurrent use.
type Store struct {
	engine Engine
	lost   atomic.Int64
	// failing is set where the last report, or a change, could not be kept.
	failing     atomic.Bool
	read, write *sql.DB
	reading     chan struct{} // one for each report that is being read
	// Log takes a line for each report that cannot be read any more; nil for none.
	Log *slog.Logger
}

// On is the store that an engine keeps.
func On(e Engine) *Store {
	return &Store{engine: e, read: e.Reader(), write: e.Writer(), reading: make(chan struct{}, maxReading)}
}

// Close ends all connections.
func (s *Store) Close() error { return s.engine.Close() }

// Jobs is the way of the engine of jobs into what is kept.
func (s *Store) Jobs() riverdriver.Driver[*sql.Tx] { return s.engine.Jobs() }

// Moment is a time in the form in which the engine of jobs keeps one.
func (s *Store) Moment(t time.Time) any { return s.engine.Moment(t) }

// Writer is what writes, for the engine of jobs. In SQLite it is one connection: who holds it keeps all
// others from writing.
func (s *Store) Writer() *sql.DB { return s.write }

// Tend keeps what lies there in shape.
func (s *Store) Tend(ctx context.Context) error { return s.engine.Tend(ctx) }

// Size returns how many octets what is kept takes on the disk.
func (s *Store) Size(ctx context.Context) (int64, error) { return s.engine.Size(ctx) }

// ofDisk reports whether an error says that nothing can be kept, rather than that somebody has gone.
func (s *Store) ofDisk(err error) bool {
	return err != nil && !errors.Is(err, context.Canceled) && s.engine.Full(err)
}
