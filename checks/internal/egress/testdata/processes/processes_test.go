// Package processes tries with a real PostgreSQL, and through a real PgBouncer, that several processes
// have no more connections to an address than one. It stands below the room that it may import.
package processes

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mxseal/testdata/daemon"
	"mxseal/web/store/postgres"
)

// addresses are those of the servers.
const addresses = 5

// the is the world that all tests share.
var the struct {
	database *daemon.Postgres
	urls     map[string]string // by the way that leads there
	network  netip.Prefix
	servers  []*server
}

// TestMain starts the daemons and the servers. What is missing fails the run; nothing is skipped.
func TestMain(m *testing.M) {
	if of, ok := os.LookupEnv(asked); ok {
		if err := inProcess(of); err != nil {
			fmt.Fprintln(os.Stderr, "processes:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(inWorld(m.Run))
}

func inWorld(tests func() int) (code int) {
	run, err := daemon.Open("mxseal-processes-", "testdata/real/install.sh", daemon.PostgreSQL, daemon.PgBouncer)
	defer func() {
		if err := run.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "processes:", err)
			code = 1
		}
	}()
	if err == nil {
		err = start(run)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "processes:", err)
		return 1
	}
	return tests()
}

func start(run *daemon.Run) error {
	n, err := run.Claim(30, 2+addresses, 5432, 6432, 2525)
	if err != nil {
		return err
	}
	at := func(host, port int) string { return fmt.Sprintf("127.30.%d.%d:%d", n, host, port) }
	if the.database, err = run.StartPostgres(at(1, 5432), daemon.Unsynced); err != nil {
		return err
	}
	s, err := postgres.Open(context.Background(), the.database.URL)
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	pooled, err := run.StartPgBouncer(at(2, 6432), the.database)
	if err != nil {
		return err
	}
	the.urls = map[string]string{"direct": the.database.URL, "pooled": pooled}
	the.network = netip.MustParsePrefix(fmt.Sprintf("127.30.%d.0/24", n))
	for i := range addresses {
		s, err := listen(at(3+i, 2525))
		if err != nil {
			return err
		}
		the.servers = append(the.servers, s)
	}
	return nil
}

// busy has two processes look, for as long as meanwhile takes after both have begun, and returns how many looks
// were broken off.
func busy(t *testing.T, url string, longest time.Duration, meanwhile func()) (broken int) {
	of := task{Database: url, Network: the.network, Longest: longest}
	for _, s := range the.servers {
		s.reset()
		of.Servers = append(of.Servers, s.addr)
	}
	var begins []func()
	var ends []func() outcome
	for range 2 {
		began, finish := of.start(t)
		begins, ends = append(begins, began), append(ends, finish)
	}
	for _, began := range begins {
		began()
	}
	meanwhile()
	for _, finish := range ends {
		o := finish()
		t.Logf("%d looks under %d claims, %d broken off", o.Looks, o.Claims, o.Broken)
		broken += o.Broken
		if o.Looks+o.Broken == 0 {
			t.Error("a process had no look")
		}
	}
	most := 0
	for _, s := range the.servers {
		most = max(most, s.reset())
	}
	if most != 2 {
		t.Errorf("a server saw %d connections at a time, want 2", most)
	}
	return broken
}

// Never has a server more than two connections, whatever happens to the database: nothing, the end of all
// connections to it, a short absence, which breaks nothing off, and a long one, which does.
func TestTwoConnectionsAtATime(t *testing.T) {
	for way, url := range the.urls {
		t.Run(way, func(t *testing.T) {
			t.Run("in peace", func(t *testing.T) { busy(t, url, 0, func() { time.Sleep(6 * time.Second) }) })
			t.Run("connections are ended", func(t *testing.T) {
				busy(t, url, 0, func() {
					for range 3 {
						time.Sleep(2 * time.Second)
						terminate(t)
					}
				})
			})
			t.Run("the database is killed", func(t *testing.T) {
				for tries := 0; !kills(t, url); tries++ {
					if tries == 10 {
						t.Fatal("the database is never back soon")
					}
				}
			})
			t.Run("the database is away", func(t *testing.T) {
				if busy(t, url, 30*time.Second, func() { away(t, 12*time.Second); hear(t); time.Sleep(4 * time.Second) }) == 0 {
					t.Error("no look was broken off")
				}
			})
		})
	}
}

// soon is an absence, of which a test sees more than a process does, that must break off nothing.
const soon = 5 * time.Second

// kills has two processes look while the database is killed three times, and reports whether it was back soon:
// on a machine that has much to do it may be away for so long that looks are broken off, as they should.
func kills(t *testing.T, url string) bool {
	var longest time.Duration
	broken := busy(t, url, 0, func() {
		for range 3 {
			time.Sleep(time.Second)
			killed := time.Now()
			away(t, 0)
			hear(t)
			longest = max(longest, time.Since(killed))
		}
	})
	t.Logf("the database was not heard of for %v", longest)
	if broken > 0 && longest < soon {
		t.Errorf("%d looks were broken off", broken)
	}
	return broken == 0 || longest < soon
}

// away kills the database and has it back after a time.
func away(t *testing.T, d time.Duration) {
	the.database.Kill()
	time.Sleep(d)
	if err := the.database.Start(); err != nil {
		t.Error(err)
	}
}

// hear waits until both processes have been answered by the database twice more.
func hear(t *testing.T) {
	beats := func() map[int64]int64 {
		conn, err := pgx.Connect(t.Context(), the.database.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		rows, err := conn.Query(t.Context(), `SELECT id, beat FROM claim_sessions`)
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[int64]int64)
		var id, beat int64
		if _, err := pgx.ForEachRow(rows, []any{&id, &beat}, func() error { seen[id] = beat; return nil }); err != nil {
			t.Fatal(err)
		}
		return seen
	}
	before := beats()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		heard := 0
		for id, beat := range beats() {
			if beat >= before[id]+2 {
				heard++
			}
		}
		if heard == 2 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of the two processes have heard of the database", heard)
		}
	}
}

// terminate ends all connections to the database.
func terminate(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), the.database.URL)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(context.Background())
	if _, err = conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`); err != nil {
		t.Error(err)
	}
}
