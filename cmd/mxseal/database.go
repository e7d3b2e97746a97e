package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/web/claims"
	"mxseal/web/store"
	"mxseal/web/store/postgres"
	"mxseal/web/store/sqlite"
	"mxseal/web/surveys"
)

// database is the flag of commands that can share a PostgreSQL with other processes, and how they look together.
type database struct {
	url  string
	eyes eyes // of those that look
}

func (d *database) register(c *cobra.Command) {
	c.Flags().StringVar(&d.url, "database", "", "`URL` of a PostgreSQL that several processes share, postgres://USER@HOST/NAME; the file in --data if empty")
	c.PreRunE = func(c *cobra.Command, _ []string) error { return fromEnvironment(c.Flags()) } // it may hold a password
}

// inFile reports whether what is kept lies in a file rather than in a PostgreSQL.
func (d database) inFile() bool { return d.url == "" }

// part is how much of a survey a process does that has visitors, at a time.
func (d database) part() int {
	if d.inFile() {
		return surveys.Beside
	}
	return surveys.Aside
}

// connect opens the PostgreSQL of a command by open: postgres.Open or, where others bring its schema up to
// date, postgres.Join. name tells other operators who is connected.
func (d database) connect(ctx context.Context, name string, open func(ctx context.Context, url string) (*store.Store, error)) (*store.Store, error) {
	at, err := named(d.url, name)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, at)
	if errors.Is(err, store.ErrNewer) || errors.Is(err, store.ErrOlder) {
		return nil, &exit{exitConfig, err} // which no other attempt changes
	}
	if err != nil {
		return nil, fault(err)
	}
	return s, nil
}

// await is connect that waits for one that is not there yet.
func (d database) await(ctx context.Context, name string, open func(ctx context.Context, url string) (*store.Store, error), log *slog.Logger) (*store.Store, error) {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		s, err := d.connect(ctx, name, open)
		if err == nil {
			s.Log = log
			return s, nil
		}
		if e := (*exit)(nil); ctx.Err() != nil || !errors.As(err, &e) || e.code != exitFault {
			return nil, err
		}
		log.Warn("the database is not to be had; trying again", "after", wait, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// claim has the engine share the addresses that it connects to with the other processes of the database;
// first says that it goes first among them, as one of them may. The caller calls end.
func (d database) claim(ctx context.Context, name string, first bool, cfg *checks.Config, log *slog.Logger) (end func(), err error) {
	at, err := named(d.url, name)
	if err != nil {
		return nil, err
	}
	c, err := claims.Open(ctx, at, first, log)
	if err != nil {
		return nil, fault(err)
	}
	if first {
		err = c.Alone(ctx)
	}
	if errors.Is(err, claims.ErrSecond) {
		err = errors.New("the database is in use by another mxseal serve; stop that one, or run mxseal work here")
	}
	if err != nil {
		c.Close()
		return nil, fault(err)
	}
	cfg.Claim = c.Claim
	return c.Close, nil
}

// open opens what serve keeps, in a folder that no other process uses or in the PostgreSQL that it shares;
// there the engine shares its addresses too. The caller calls closed.
func (d *database) open(ctx context.Context, data string, cfg *checks.Config, log *slog.Logger) (s *store.Store, closed func(), err error) {
	if err := d.eyes.apply(cfg, !d.inFile(), log); err != nil {
		return nil, nil, err
	}
	if !d.inFile() {
		if s, err = d.await(ctx, "serve", postgres.Open, log); err != nil {
			return nil, nil, err
		}
		end, err := d.claim(ctx, "serve", true, cfg, log)
		if err != nil {
			s.Close()
			return nil, nil, err
		}
		return s, func() { end(); s.Close() }, nil
	}
	s, release, err := openFile(data, true)
	if errors.Is(err, store.ErrNewer) {
		return nil, nil, &exit{exitConfig, err} // which no restart changes
	}
	if err != nil {
		return nil, nil, fault(fmt.Errorf("--data: %w", err))
	}
	s.Log = log
	return s, func() { s.Close(); release() }, nil
}

// named is a URL of a PostgreSQL that says who connects, unless it does so already.
func named(at, name string) (string, error) {
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", errors.New("--database: postgres://USER@HOST/NAME is needed") // it may hold a password
	}
	q := u.Query()
	if q.Get("application_name") == "" {
		q.Set("application_name", "mxseal "+name)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func migrateCommand() *cobra.Command {
	var d database
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the schema of a shared database up to date",
		Long: "Migrate brings the schema of a PostgreSQL to that of this program, as serve does when it starts.\n" +
			"Programs that are older refuse a schema that they do not know: bring all of them up to date, with\n" +
			"the workers first stopped and started last.",
		Example: "  mxseal migrate --database postgres://mxseal@db.example.net/mxseal",
		Args:    wants(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if d.inFile() {
				return misused(c)
			}
			s, err := d.connect(c.Context(), "migrate", postgres.Open)
			if err != nil {
				return err
			}
			defer s.Close()
			fmt.Fprintln(c.OutOrStdout(), "The schema is up to date.")
			return nil
		},
	}
	d.register(c)
	return c
}

// openAny opens a store for store copy: a URL, or the folder of a file.
func openAny(ctx context.Context, flag, where string, make bool) (s *store.Store, release func(), err error) {
	release = func() {}
	switch {
	case where == "":
		err = fmt.Errorf("--%s: a data folder or postgres://USER@HOST/NAME is needed", flag)
	case strings.Contains(where, "://"):
		var at string
		if at, err = named(where, "store copy"); err == nil {
			s, err = postgres.Open(ctx, at)
		}
	default:
		s, release, err = openFile(where, make)
	}
	if err != nil {
		return nil, nil, fault(fmt.Errorf("--%s: %w", flag, err))
	}
	return s, release, nil
}

// openFile opens the file in a folder in which no other process is at work.
func openFile(folder string, make bool) (s *store.Store, release func(), err error) {
	file := filepath.Join(folder, "mxseal.db")
	if make {
		err = os.MkdirAll(folder, 0o750)
	} else {
		_, err = os.Stat(file)
	}
	if err != nil {
		return nil, nil, err
	}
	held, err := claim(folder)
	if err != nil {
		return nil, nil, err
	}
	if s, err = sqlite.Open(file); err != nil {
		held.Close()
		return nil, nil, err
	}
	return s, func() { held.Close() }, nil
}
