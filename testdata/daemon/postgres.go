package daemon

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgreSQL is where install.sh has it.
const PostgreSQL = "usr/lib/postgresql/15/bin/postgres"

// Postgres is a PostgreSQL with an empty database, in a folder of the run.
type Postgres struct {
	URL string // of the database

	run      *Run
	daemon   *Daemon
	address  string
	settings []string
	folder   string
}

// Unsynced is the setting with which PostgreSQL leaves it to the kernel when the disk is written. Nothing is
// lost by that where only processes are killed, and a disk that is busy with other suites does not keep it
// from being back soon. What is measured has to be measured without it.
const Unsynced = "fsync=off"

// StartPostgres makes one at an address of the loopback, host:port, with settings of its own.
func (r *Run) StartPostgres(address string, settings ...string) (*Postgres, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	p := &Postgres{URL: "postgres://postgres@" + address + "/postgres?sslmode=disable", run: r, address: address, settings: settings, folder: "postgres-" + host + "-" + port}
	if err := r.Make(p.folder, "postgres"); err != nil {
		return nil, err
	}
	ended := func() error { _, err := os.Stat(filepath.Join(r.Dir, p.folder, "ready")); return err }
	if _, err := r.Start("initdb", ended, asPostgres("sh", "-c", `"$0" -D "$1/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync && touch "$1/ready" && exec sleep 1`,
		filepath.Join(r.Cache, filepath.Dir(PostgreSQL), "initdb"), filepath.Join(r.Dir, p.folder))...); err != nil {
		return nil, err
	}
	return p, p.Start()
}

// Start runs it, also again after Stop or Kill; what was kept is there. After Kill it waits for the
// processes that are left to notice that they are alone.
func (p *Postgres) Start() (err error) {
	for range 50 {
		if err = p.start(); err == nil || !strings.Contains(err.Error(), "pre-existing shared memory") {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

func (p *Postgres) start() (err error) {
	host, port, _ := net.SplitHostPort(p.address) // as it was taken apart before
	command := []string{filepath.Join(p.run.Cache, PostgreSQL), "-D", filepath.Join(p.run.Dir, p.folder, "data")}
	for _, setting := range append([]string{"listen_addresses=" + host, "port=" + port, "unix_socket_directories=", "jit=off", "timezone=UTC", "max_connections=200"}, p.settings...) {
		command = append(command, "-c", setting)
	}
	p.daemon, err = p.run.Start(p.folder, p.answers, asPostgres(command...)...)
	return err
}

func (p *Postgres) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := pgx.Connect(ctx, p.URL)
	if err != nil {
		return err
	}
	return c.Close(ctx)
}

// Stop ends it as an operator does.
func (p *Postgres) Stop() { p.daemon.Stop() }

// Kill ends it as a power cut does, but that the disk keeps what it was given.
func (p *Postgres) Kill() { p.daemon.Kill() }

// NewDatabase makes a further database and returns its URL.
func (p *Postgres) NewDatabase(ctx context.Context, name string) (url string, err error) {
	return p.CopyDatabase(ctx, "template1", name)
}

// CopyDatabase makes a further database like one that nobody is connected to, and returns its URL.
func (p *Postgres) CopyDatabase(ctx context.Context, of, name string) (url string, err error) {
	c, err := pgx.Connect(ctx, p.URL)
	if err != nil {
		return "", err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", pgx.Identifier{name}.Sanitize(), pgx.Identifier{of}.Sanitize()))
	return strings.Replace(p.URL, "/postgres?", "/"+name+"?", 1), err
}

// asPostgres is a command for the user that install.sh made; PostgreSQL refuses to run as root.
func asPostgres(command ...string) []string {
	return append([]string{"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"}, command...)
}
