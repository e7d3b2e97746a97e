// Package postgres keeps a store in a database of PostgreSQL, for several processes of one version. A
// pooler may lie in between: nothing here outlives a transaction.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"

	"mxseal/web/store"
)

const (
	connections = 16               // at a time, of one process
	idleTime    = 5 * time.Minute  // after which one that nobody uses is closed
	connectTime = 10 * time.Second // for a new one
)

// Open opens the database that a URL names (postgres://…) and brings its schema up to date; other
// processes that do so wait. The error holds no password.
func Open(ctx context.Context, url string) (*store.Store, error) { return open(ctx, url, migrate) }

// Join opens a database whose schema is that of this program. The error says what to do where it is not.
func Join(ctx context.Context, url string) (*store.Store, error) { return open(ctx, url, upToDate) }

func open(ctx context.Context, url string, prepare func(context.Context, *sql.DB) error) (*store.Store, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("store: the URL of the database: %w", err)
	}
	// Statements are described once and not prepared: a pooler may hand the next to another server.
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	config.ConnectTimeout = connectTime
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(idleTime)
	if err := prepare(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("store: database %s on %s: %w", config.Database, config.Host, err), db.Close())
	}
	return store.On(&server{db}), nil
}

// server is the engine of a store.
type server struct{ db *sql.DB }

func (s *server) Reader() *sql.DB { return s.db }
func (s *server) Writer() *sql.DB { return s.db }
func (s *server) Close() error    { return s.db.Close() }

// Lock takes an advisory lock, which ends with the transaction.
func (s *server) Lock(ctx context.Context, tx *sql.Tx, what string) error {
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", "mxseal "+what)
	return err
}

// Jobs is River's driver for PostgreSQL.
func (s *server) Jobs() riverdriver.Driver[*sql.Tx] { return riverdatabasesql.New(s.db) }

// Moment is a time as that driver writes it.
func (s *server) Moment(t time.Time) any { return t }

// Full reports whether the server takes nothing that is to be kept: it is away, has no room, or may only be
// read (25006).
func (s *server) Full(err error) bool {
	var refused *pgconn.PgError
	return store.Away(err) || errors.As(err, &refused) && refused.Code == "25006"
}

// Touch writes the version of the schema again.
func (s *server) Touch(ctx context.Context, _ bool) error {
	_, err := s.db.ExecContext(ctx, "UPDATE mxseal_schema SET version = version")
	return err
}

// Tend does nothing: autovacuum does.
func (s *server) Tend(context.Context) error { return nil }

// numbered are the columns that PostgreSQL numbers itself.
var numbered = map[string]string{"reports": "seq", "survey_runs": "id", "survey_looks": "seq", "inbox_reports": "seq"}

// Numbered sets the sequences behind the greatest numbers that are there.
func (s *server) Numbered(ctx context.Context) error {
	for table, column := range numbered {
		if _, err := s.db.ExecContext(ctx, fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%[1]s', '%[2]s'), coalesce((SELECT max(%[2]s) FROM %[1]s), 0) + 1, false)", table, column)); err != nil {
			return fmt.Errorf("store: number what comes next in %s: %w", table, err)
		}
	}
	return nil
}

// Size returns how many octets the database takes on the disk.
func (s *server) Size(ctx context.Context) (octets int64, err error) {
	if err := s.db.QueryRowContext(ctx, "SELECT pg_database_size(current_database())").Scan(&octets); err != nil {
		return 0, fmt.Errorf("store: %w", err)
	}
	return octets, nil
}
