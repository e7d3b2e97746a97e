package egress

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A name server is reached at port 53 of a vetted address, through the same gate as a mail
// server, and is counted apart from those.
func TestAuthorities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pipe
		var mu sync.Mutex
		var dialled []string
		d := New(Config{Pace: 50 * time.Millisecond, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			mu.Lock()
			dialled = append(dialled, network+" "+address)
			mu.Unlock()
			return p.dial(ctx, network, address)
		}})
		check := d.Counter()
		server := netip.MustParseAddr("198.41.0.4")
		for _, a := range []string{"127.0.0.1", "10.0.0.1", "::1", "::ffff:192.168.0.1", "2001:db8::1"} {
			if _, err := check.Authority(t.Context(), "udp", netip.MustParseAddr(a)); Kind(err) != "forbidden" {
				t.Errorf("%s: %v", a, err)
			}
		}
		if n := p.dials.Load(); n != 0 || check.Asked() != 0 {
			t.Fatalf("%d connections to forbidden addresses, %d counted", n, check.Asked())
		}
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				c, err := check.Authority(t.Context(), []string{"udp", "tcp"}[i%2], server)
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Second)
				c.Close()
			})
		}
		all.Wait()
		if n := p.max["198.41.0.4:53"]; n != 2 {
			t.Errorf("%d at a time, want 2", n)
		}
		for i := range p.starts[1:] {
			if gap := p.starts[i+1].Sub(p.starts[i]); gap < 50*time.Millisecond {
				t.Errorf("%v between two, want the pace", gap)
			}
		}
		if check.Asked() != 4 || d.Asked() != 4 || check.Connections() != 0 || d.Connections() != 0 {
			t.Errorf("counted %d and %d as questions, %d and %d as connections", check.Asked(), d.Asked(), check.Connections(), d.Connections())
		}
		if s := strings.Join(dialled, ", "); strings.Count(s, "udp 198.41.0.4:53") != 2 || strings.Count(s, "tcp 198.41.0.4:53") != 2 {
			t.Errorf("dialled %s", s)
		}
	})
}
