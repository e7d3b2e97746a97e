package egress

import (
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Where another process is to have an address soon nobody enters any more, nor begins with a place that
// was waited for; what has begun goes on, and the last gives the address back. Then it is claimed again.
func TestAClaimYields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pipe
		var all registry
		addr := at("8.8.8.0/24", 1)
		by := all.process()
		d := dialer(&p, by)
		open := []net.Conn{dial(t, d.Peer(addr)), dial(t, d.Peer(addr))}
		var work sync.WaitGroup
		more := func() {
			work.Go(func() {
				if err := visit(t.Context(), d.Peer(addr), time.Second); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		more() // has entered and waits for a place
		by.yield()
		more() // has not entered
		for _, c := range open {
			all.want(t, 1, 1)
			c.Close()
			synctest.Wait()
			if n := p.dials.Load(); n != 2 {
				t.Errorf("%d have begun, want 2", n)
			}
		}
		all.want(t, 1, 0)
		other := dial(t, dialer(&p, all.process()).Peer(addr))
		time.Sleep(term)
		all.want(t, 2, 1)
		other.Close()
		work.Wait()
		all.want(t, 3, 0)
		if n, most := p.dials.Load(), p.max[addr.String()]; n != 5 || most != 2 {
			t.Errorf("%d have begun, %d at a time, want 5 and 2", n, most)
		}
	})
}

// What is said of a claim that is over changes nothing for the next; what is said before anybody has begun
// gives it back at once.
func TestAClaimYieldsEarlyOrLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pipe
		var all registry
		addr := at("8.8.8.0/24", 1)
		by := all.process()
		d := dialer(&p, by)
		dial(t, d.Peer(addr)).Close()
		late := by.yield
		first := dial(t, d.Peer(addr))
		late()
		second := dial(t, d.Peer(addr))
		all.want(t, 2, 1)
		first.Close()
		second.Close()

		by.hasty = true
		var work sync.WaitGroup
		work.Go(func() {
			if err := visit(t.Context(), d.Peer(addr), time.Second); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		all.want(t, 3, 0)
		work.Wait()
		all.want(t, 4, 0)
		if n := p.dials.Load(); n != 4 {
			t.Errorf("%d have begun, want 4", n)
		}
	})
}
