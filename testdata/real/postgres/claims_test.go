// Package postgres tries what needs a PostgreSQL on a real one, and through a real PgBouncer that
// hands out its connections by transaction.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mxseal/testdata/daemon"
	"mxseal/web/claims"
)

// the is the world that all tests share. Those that kill the database must not run beside others.
var the world

type world struct {
	database *daemon.Postgres
	urls     map[string]string // by the way that leads there
}

// TestMain starts the daemons. What is missing fails the run; nothing is skipped.
func TestMain(m *testing.M) { os.Exit(inWorld(m.Run)) }

func inWorld(tests func() int) (code int) {
	run, err := daemon.Open("mxseal-postgres-", "testdata/real/install.sh", daemon.PostgreSQL, daemon.PgBouncer)
	defer func() {
		if err := run.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "postgres:", err)
			code = 1
		}
	}()
	if err == nil {
		err = start(run)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "postgres:", err)
		return 1
	}
	return tests()
}

func start(run *daemon.Run) error {
	n, err := run.Claim(30, 2, 5432, 6432)
	if err != nil {
		return err
	}
	if the.database, err = run.StartPostgres(fmt.Sprintf("127.30.%d.1:5432", n), daemon.Unsynced); err != nil {
		return err
	}
	pooled, err := run.StartPgBouncer(fmt.Sprintf("127.30.%d.2:6432", n), the.database)
	the.urls = map[string]string{"direct": the.database.URL, "pooled": pooled}
	if err != nil {
		return err
	}
	return the.prepare(context.Background())
}

// overAllWays runs a test with the database itself and through the pooler.
func overAllWays(t *testing.T, test func(t *testing.T, url string)) {
	for way, url := range the.urls {
		t.Run(way, func(t *testing.T) { test(t, url) })
	}
}

func open(t *testing.T, url string) *claims.Claims {
	t.Helper()
	return openAs(t, url, false)
}

// openAs opens the claims of a process that goes first, or does not.
func openAs(t *testing.T, url string, first bool) *claims.Claims {
	t.Helper()
	c, err := claims.Open(t.Context(), url, first, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func address(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}) }

// patience ends what would wait without end after a fault.
const patience = 2 * time.Minute

// claim has to succeed.
func claim(t *testing.T, c *claims.Claims, addr netip.Addr, lost func()) (release func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	release, err := c.Claim(ctx, addr, lost, func() {})
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// try asks for an address for a second, and gives it back.
func try(t *testing.T, c *claims.Claims, addr netip.Addr) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	release, err := c.Claim(ctx, addr, func() {}, func() {})
	if err == nil {
		release()
	}
	return err
}

// refused has to fail, within a second.
func refused(t *testing.T, c *claims.Claims, addr netip.Addr, why string) {
	t.Helper()
	if err := try(t, c, addr); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), why) {
		t.Errorf("%v: %v, want %q", addr, err, why)
	}
}

// await waits until a channel is closed.
func await(t *testing.T, closed <-chan struct{}) {
	t.Helper()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Fatal("it does not come")
	}
}

func unexpected(t *testing.T) func() { return func() { t.Error("a claim was lost") } }

// ask returns one number that the database knows.
func ask(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), the.database.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const claimed = `SELECT count(*) FROM claims`

// eventually waits for a number that the database comes to know.
func eventually(t *testing.T, query string, want int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ask(t, query) != want; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: %d, want %d", query, ask(t, query), want)
		}
	}
}

// One process has an address, the other gets it afterwards; an IPv4 address has one claim in both of its
// spellings; a process that ends has none.
func TestOneProcessHasAnAddress(t *testing.T) {
	overAllWays(t, func(t *testing.T, url string) {
		a, b := open(t, url), open(t, url)
		release := claim(t, a, address(1), unexpected(t))
		refused(t, b, address(1), "another process has it")
		refused(t, b, netip.AddrFrom16(address(1).As16()), "another process has it")
		refused(t, a, address(1), "another process has it") // not twice either
		other := claim(t, b, address(2), unexpected(t))
		release()
		claim(t, b, address(1), unexpected(t))()
		other()
		eventually(t, claimed, 0)

		told := make(chan struct{})
		claim(t, a, address(3), func() { close(told) })
		a.Close()
		await(t, told)
		claim(t, b, address(3), unexpected(t))()
		if _, err := a.Claim(t.Context(), address(4), unexpected(t), func() {}); !errors.Is(err, claims.ErrClosed) {
			t.Errorf("%v", err)
		}
		b.Close()
		eventually(t, claimed, 0)
	})
}

// Each of two processes wants a hundred addresses, fifty callers a time; no address is ever had by two.
func TestNoAddressIsHadTwice(t *testing.T) {
	overAllWays(t, func(t *testing.T, url string) {
		var had [256]atomic.Int32
		var work sync.WaitGroup
		for range 2 {
			c := open(t, url)
			for i := range 50 {
				work.Go(func() {
					for n := range 20 {
						at := (i + n*7) % 100
						release := claim(t, c, address(at), unexpected(t))
						if had[at].Add(1) != 1 {
							t.Errorf("%v is had twice", address(at))
						}
						time.Sleep(time.Millisecond)
						had[at].Add(-1)
						release()
					}
				})
			}
		}
		work.Wait()
		eventually(t, claimed, 0)
	})
}

// What is wanted at a time goes in one round trip, and what is given back with the next.
func TestRoundTrips(t *testing.T) {
	overAllWays(t, func(t *testing.T, url string) {
		const many = 1000
		c := open(t, url)
		before := c.Trips()
		var work sync.WaitGroup
		var releases [many]func()
		for i := range many {
			work.Go(func() {
				addr := netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)})
				releases[i] = claim(t, c, addr, unexpected(t))
			})
		}
		work.Wait()
		if n := ask(t, claimed); n != many {
			t.Errorf("%d claims", n)
		}
		for _, release := range releases {
			release()
		}
		eventually(t, claimed, 0)
		trips := c.Trips() - before
		t.Logf("%d round trips for %d claims and as many that were given back", trips, many)
		if trips > many/4 {
			t.Error("want a quarter of the claims at most")
		}
	})
}

// A connection that the database ends takes no claim away: the process gets another.
func TestAConnectionEnds(t *testing.T) {
	overAllWays(t, func(t *testing.T, url string) {
		c := open(t, url)
		var releases []func()
		for n := range 3 {
			releases = append(releases, claim(t, c, address(n), unexpected(t)))
			ask(t, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`)
		}
		claim(t, c, address(9), unexpected(t))()
		eventually(t, claimed, 3)
		for _, release := range releases {
			release()
		}
		eventually(t, claimed, 0)
	})
}

// The database is killed three times and comes back soon: who has a claim keeps it, and others get none of them.
func TestTheDatabaseIsKilled(t *testing.T) {
	overAllWays(t, func(t *testing.T, url string) {
		a, b := open(t, url), open(t, url)
		var lost atomic.Bool
		get := func() (release func()) {
			lost.Store(false)
			return claim(t, a, address(1), func() { lost.Store(true) })
		}
		release := get()
		for kept, tries := 0, 0; kept < 3; tries++ {
			if tries == 10 {
				t.Fatal("the database is never back soon")
			}
			killed := time.Now()
			the.database.Kill()
			refused(t, a, address(2), "")
			if err := the.database.Start(); err != nil {
				t.Fatal(err)
			}
			claim(t, a, address(2), func() {})()
			claim(t, b, address(3), func() {})()
			away := time.Since(killed)
			switch err := try(t, b, address(1)); {
			case !lost.Load() && errors.Is(err, context.DeadlineExceeded):
				kept++
			case !lost.Load():
				t.Errorf("another process has it, too: %v", err)
			case away < soon:
				t.Errorf("a claim was lost, though the database was away for %v only", away)
			default: // as it should: this machine has much to do
				t.Logf("the database was away for %v", away)
				release = get()
			}
		}
		release()
		claim(t, b, address(1), unexpected(t))()
		eventually(t, claimed, 0)
	})
}

// soon is an absence, of which a test sees more than a process does, that must break off nothing.
const soon = 5 * time.Second

// A database that has lost what it committed last, as a standby may have, may have given claims to others: they
// are lost.
func TestTheDatabaseForgets(t *testing.T) {
	overAllWays(t, func(t *testing.T, url string) {
		c := open(t, url)
		told := make(chan struct{})
		claim(t, c, address(1), func() { close(told) })
		ask(t, `WITH before AS (UPDATE claim_sessions SET beat = -1 RETURNING id)
			SELECT (SELECT count(*) FROM before) + count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`)
		await(t, told)
		claim(t, c, address(1), unexpected(t))()
		eventually(t, claimed, 0)
	})
}

// A database that is away for longer takes all claims with it, and gives them again when it is back.
func TestTheDatabaseIsAwayForLong(t *testing.T) {
	overAllWays(t, func(t *testing.T, url string) {
		c := open(t, url)
		told := make(chan struct{})
		release := claim(t, c, address(1), func() { close(told) })
		the.database.Kill()
		await(t, told)
		refused(t, c, address(1), "the database is away")
		if err := the.database.Start(); err != nil {
			t.Fatal(err)
		}
		again := claim(t, c, address(1), unexpected(t))
		release() // of the time before, which is nothing
		eventually(t, claimed, 1)
		again()
		eventually(t, claimed, 0)
	})
}

// A network that dies without a word is noticed, and what was claimed is lost before others get it. What
// the one that was cut off had asked for last changes nothing any more.
func TestTheNetworkDies(t *testing.T) {
	overAllWays(t, func(t *testing.T, url string) {
		way := newRelay(t, url)
		a, b := open(t, way.url), open(t, url)
		told := make(chan struct{})
		claim(t, a, address(1), func() { close(told) })
		way.die()
		refused(t, b, address(1), "another process has it")
		refused(t, a, address(2), "another process has it")
		release := claim(t, b, address(1), unexpected(t))
		select {
		case <-told:
		default:
			t.Error("two processes have an address")
		}
		way.recover()
		claim(t, a, address(2), unexpected(t))()
		refused(t, a, address(1), "another process has it")
		release()
		claim(t, a, address(1), unexpected(t))()
		eventually(t, claimed, 0)
	})
}

// One process goes first, beside others that do not; the next does when that has ended, or was killed.
func TestOneGoesFirst(t *testing.T) {
	overAllWays(t, func(t *testing.T, url string) {
		way := newRelay(t, url)
		open(t, url)
		first := openAs(t, way.url, true)
		if err := first.Alone(t.Context()); err != nil {
			t.Errorf("nobody else goes first: %v", err)
		}
		second := openAs(t, url, true)
		if err := second.Alone(t.Context()); !errors.Is(err, claims.ErrSecond) {
			t.Errorf("beside one that goes first: %v", err)
		}
		way.die() // as one that was killed: it says nothing more
		if err := second.Alone(t.Context()); err != nil {
			t.Errorf("beside what is left of one that was killed: %v", err)
		}
		way.recover()
		first.Close()
		second.Close()
		if err := openAs(t, url, true).Alone(t.Context()); err != nil {
			t.Errorf("after both have ended: %v", err)
		}
	})
}

// A database that is not there to begin with is an error of the start.
func TestNoDatabase(t *testing.T) {
	for url, want := range map[string]string{"postgres://127.30.255.1:1/x": "is it up", "postgres://%": "URL"} {
		if _, err := claims.Open(t.Context(), url, false, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
}
