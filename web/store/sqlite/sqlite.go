// Package sqlite keeps a store in one file of SQLite, for one process.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	driver "modernc.org/sqlite" // it is the driver "sqlite" as well
	codes "modernc.org/sqlite/lib"

	"mxseal/web/store"
)

// file is an open one: the engine of a store.
type file struct {
	path  string
	write *sql.DB // one connection: SQLite has one writer, so nobody waits for a lock in vain
	read  *sql.DB
}

// Open opens the file at path, creating it and its folder if need be, and brings its
// schema up to date. The error says which file could not be used and why.
func Open(path string) (*store.Store, error) { return openFile(path, migrate) }

// Join opens a file that another process of this version has open, and is at work with.
func Join(path string) (*store.Store, error) { return openFile(path, upToDate) }

func openFile(path string, prepare func(context.Context, *sql.DB) error) (*store.Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("store: make the folder of %s: %w", path, err)
	}
	// SQLite has one sentence for all that keeps it from opening a file; the system says which.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	f.Close()
	// WAL lets pages be read while a report is written. synchronous=FULL makes every commit
	// wait for the disk: NORMAL would survive kill -9 too, but a power cut could take back
	// reports whose link was already given out, and we write a few a second at most.
	write, err := open(path, url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_busy_timeout": {"10000"}, "_txlock": {"immediate"},
	})
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := prepare(context.Background(), write); err != nil {
		return nil, errors.Join(fmt.Errorf("store: %s: %w", path, err), write.Close())
	}
	read, err := open(path, url.Values{"_query_only": {"true"}, "_busy_timeout": {"10000"}})
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(4)
	return store.On(&file{path: path, write: write, read: read}), nil
}

func open(path string, settings url.Values) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	settings.Set("_dqs", "false")
	name := url.URL{Scheme: "file", Path: abs, RawQuery: settings.Encode()}
	return sql.Open("sqlite", name.String())
}

// Close closes the file.
func (f *file) Close() error { return errors.Join(f.read.Close(), f.write.Close()) }

func (f *file) Reader() *sql.DB { return f.read }
func (f *file) Writer() *sql.DB { return f.write }

// Lock does nothing: there is one change at a time.
func (f *file) Lock(context.Context, *sql.Tx, string) error { return nil }

// Jobs is River's driver for SQLite.
func (f *file) Jobs() riverdriver.Driver[*sql.Tx] { return riversqlite.New(f.write) }

// Moment is a time as that driver writes it.
func (f *file) Moment(t time.Time) any { return t.UTC().Format("2006-01-02 15:04:05.000") }

// Numbered does nothing: SQLite looks at what is there.
func (f *file) Numbered(context.Context) error { return nil }

// Full reports whether it is the disk that keeps SQLite from writing.
func (f *file) Full(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && slices.Contains([]int{codes.SQLITE_FULL, codes.SQLITE_IOERR, codes.SQLITE_READONLY}, e.Code()&0xff) // without what an extended code adds
}

// room is what Touch wants to see free on the disk where it is thorough, in octets: some ten reports and
// the log that SQLite writes ahead of them.
const room = 1 << 20

// Touch writes the version of the schema again.
func (f *file) Touch(ctx context.Context, thorough bool) error {
	if thorough {
		if err := tryDisk(filepath.Dir(f.path)); err != nil {
			return err
		}
	}
	var version int
	if err := f.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	_, err := f.write.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
	return err
}

// tryDisk writes a file and takes it away again.
func tryDisk(folder string) error {
	f, err := os.CreateTemp(folder, "room-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	_, err = f.Write(make([]byte, room))
	return err
}

// Tend renews what the planner of SQLite knows of the file, and the log of what was written lately goes
// into the file itself.
func (f *file) Tend(ctx context.Context) error {
	for _, pragma := range []string{"PRAGMA optimize", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := f.write.ExecContext(ctx, pragma); err != nil {
			return fmt.Errorf("store: %s: %w", pragma, err)
		}
	}
	return nil
}

// Size returns how many octets the file takes on the disk, with the log of what was written to it lately.
func (f *file) Size(context.Context) (octets int64, err error) {
	for _, path := range []string{f.path, f.path + "-wal"} {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) && path != f.path {
			continue // nothing was written yet
		}
		if err != nil {
			return 0, fmt.Errorf("store: %w", err)
		}
		octets += info.Size()
	}
	return octets, nil
}
