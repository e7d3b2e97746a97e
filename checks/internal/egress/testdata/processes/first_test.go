package processes

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/web/claims"
)

// stays is how long a connection of one that works without end stays: two at a time, so that a process
// begins two hundred in the ten seconds for which it may have an address.
const stays = 100 * time.Millisecond

// door opens one through which a process that goes first, or does not, connects.
func door(t *testing.T, url string, first bool) *egress.Dialer {
	t.Helper()
	c, err := claims.Open(t.Context(), url, first, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return egress.New(egress.Config{Allow: []netip.Prefix{the.network}, Claim: c.Claim})
}

// visit makes one connection, which stays for a while.
func visit(ctx context.Context, d *egress.Dialer, s *server, began func()) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c, err := d.Peer(s.addr).Dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	began()
	time.Sleep(stays)
	return nil
}

// endless has a process connect to a server without end, and returns how often it did so far.
func endless(t *testing.T, d *egress.Dialer, s *server) *atomic.Int64 {
	var began atomic.Int64
	var work sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	for range 4 {
		work.Go(func() {
			for ctx.Err() == nil {
				if err := visit(ctx, d, s, func() { began.Add(1) }); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	t.Cleanup(func() { stop(); work.Wait() })
	return &began
}

// more waits until so many more have begun.
func more(t *testing.T, began *atomic.Int64, n int64) {
	t.Helper()
	from := began.Load()
	for end := time.Now().Add(time.Minute); began.Load() < from+n; time.Sleep(stays) {
		if time.Now().After(end) {
			t.Fatalf("%d more began, want %d", began.Load()-from, n)
		}
	}
}

// meanwhile makes one connection beside those that have begun, and returns how many more began until it did.
func meanwhile(t *testing.T, began *atomic.Int64, d *egress.Dialer, s *server) (n int64) {
	t.Helper()
	more(t, began, 10)
	before := began.Load()
	if err := visit(t.Context(), d, s, func() { n = began.Load() - before }); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d connections began meanwhile", n)
	return n
}

// Who goes first has an address long before the other, who uses it without end, would leave it to others;
// who does not go first leaves it, once he has it, and gets it back.
func TestWhoGoesFirst(t *testing.T) {
	for n, way := range []string{"direct", "pooled"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := the.servers[n]
			s.reset()
			began := endless(t, door(t, the.urls[way], false), s)
			first := door(t, the.urls[way], true)
			for range 3 {
				if meanwhile(t, began, first, s) > 60 {
					t.Error("want 60 at most")
				}
			}
			more(t, began, 10)
			if most := s.reset(); most != 2 {
				t.Errorf("%d connections at a time, want 2", most)
			}
		})
	}
}

// Who goes first and has work without end leaves the others their turn.
func TestWhoGoesFirstLeavesOthersTheirTurn(t *testing.T) {
	for n, way := range []string{"direct", "pooled"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := the.servers[2+n]
			s.reset()
			began := endless(t, door(t, the.urls[way], true), s)
			modest := door(t, the.urls[way], false)
			for range 2 {
				meanwhile(t, began, modest, s)
			}
			more(t, began, 10)
			if most := s.reset(); most != 2 {
				t.Errorf("%d connections at a time, want 2", most)
			}
		})
	}
}
