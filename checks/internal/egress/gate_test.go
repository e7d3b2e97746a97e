package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/internal/share"

	"mxseal/checks/report"
)

// at is an address of a mail server in a network.
func at(network string, n int) netip.AddrPort {
	b := netip.MustParsePrefix(network).Addr().As16()
	b[15] += byte(n)
	b[14] += byte(n >> 8)
	return netip.AddrPortFrom(netip.AddrFrom16(b).Unmap(), 25)
}

// visit connects, stays for a while and leaves.
func visit(ctx context.Context, p *Peer, stay time.Duration) error {
	c, err := p.Dial(ctx)
	if err == nil {
		time.Sleep(stay)
		c.Close()
	}
	return err
}

// One check with a thousand connections in line at an address, or in its network, does not hold
// up another: that one is served by turns.
func TestChecksTakeTurnsAtEveryGate(t *testing.T) {
	const stay = time.Second
	for _, c := range []struct {
		why     string
		crowd   int // addresses over which the greedy check spreads its connections
		network string
		slowest time.Duration // for ten connections one after the other
	}{
		{"at one address", 1, "2a00:1::/64", 21 * stay},
		{"in a /64", 200, "2a00:1::/64", 11 * stay},
		{"in a /24", 200, "8.8.8.0/24", 11 * stay},
	} {
		t.Run(c.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p pipe
				d := New(Config{Dial: p.dial, MaxConns: 2})
				ctx, cancel := context.WithCancel(t.Context())
				greedy, honest := d.Check("greedy.test", 0), d.Check("honest.test", 0)
				var work sync.WaitGroup
				var served atomic.Int64
				for i := range 1000 {
					work.Go(func() {
						if visit(ctx, greedy.Look(at(c.network, 1+i%c.crowd), -1+2000), stay) == nil {
							served.Add(1)
						}
					})
				}
				synctest.Wait()
				began := time.Now()
				for range 10 {
					n := 0
					if c.crowd == 1 {
						n = 1 // the same address
					}
					if err := visit(t.Context(), honest.Look(at(c.network, n), 10), stay); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(began); took > c.slowest {
					t.Errorf("ten connections took %v beside a thousand of another check, want %v at most", took, c.slowest)
				}
				cancel()
				work.Wait()
				if served.Load() == 1000 {
					t.Error("nothing was in line")
				}
				for _, g := range d.gates {
					if g.users != 0 {
						t.Errorf("%d are still counted at a gate", g.users)
					}
				}
			})
		})
	}
}

// Into one network go so many connections at a time and in a minute, however many addresses it
// has and whoever wants them.
func TestANetworkIsGivenTime(t *testing.T) {
	for _, c := range []struct {
		network   string
		addresses int
		atOnce    int
		minute    int
	}{
		{"2a00:1::/64", 250, netConns, 600},
		{"8.8.8.0/24", 250, netConns, 600},
		{"2a00:2::/48", 0, siteWide * netConns, 1200}, // of as many /64
	} {
		synctest.Test(t, func(t *testing.T) {
			var p pipe
			var open, most int
			var mu sync.Mutex
			d := New(Config{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				mu.Lock()
				defer mu.Unlock()
				open++
				most = max(most, open)
				conn, err := p.dial(ctx, network, address)
				return &end{conn, func() { mu.Lock(); defer mu.Unlock(); open-- }}, err
			}, Pace: 50 * time.Millisecond})
			var work sync.WaitGroup
			for n := range 40 {
				check := d.Check("", 0)
				for i := range 50 {
					work.Go(func() {
						addr := at(c.network, i%max(1, c.addresses))
						if c.addresses == 0 {
							b := addr.Addr().As16()
							b[6], b[7] = byte(n), byte(i)
							addr = netip.AddrPortFrom(netip.AddrFrom16(b), 25)
						}
						if err := visit(t.Context(), check.Look(addr, 50), 300*time.Millisecond); err != nil {
							t.Error(err)
						}
					})
				}
			}
			work.Wait()
			if most > c.atOnce {
				t.Errorf("%s: %d connections at a time, want %d", c.network, most, c.atOnce)
			}
			busiest := 0
			for i, start := range p.starts {
				n := 0
				for _, other := range p.starts[i:] {
					if other.Sub(start) < time.Minute {
						n++
					}
				}
				busiest = max(busiest, n)
			}
			t.Logf("%s: 2000 connections of 40 checks, %d at a time at most, %d in the busiest minute", c.network, most, busiest)
			if busiest > c.minute {
				t.Errorf("%s: %d connections in a minute, want %d", c.network, busiest, c.minute)
			}
		})
	}
}

// Who waits in vain has sent nothing, takes nothing, and the check knows that its turn did not come.
func TestWaitingInVainIsOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pipe
		d := New(Config{Dial: p.dial, MaxConns: 1})
		first, second := d.Check("a.test", 0), d.Check("b.test", 5)
		c, err := first.Look(at("8.8.8.0/24", 1), 1).Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		peer := second.Look(at("8.8.8.0/24", 1), 5)
		if _, err := peer.Dial(ctx); Kind(err) != report.KindNotAdmitted {
			t.Errorf("%v", err)
		}
		if !second.Late() || first.Late() || peer.Connections() != 0 || peer.Waited() != time.Minute {
			t.Errorf("late %v and %v, %d connections, waited %v", second.Late(), first.Late(), peer.Connections(), peer.Waited())
		}
		c.Close()
		for range 5 { // none was used up
			if err := visit(t.Context(), peer, 0); err != nil {
				t.Error(err)
			}
		}
		if err := visit(t.Context(), peer, 0); !errors.Is(err, ErrSpent) {
			t.Errorf("the sixth of five: %v", err)
		}
	})
}

// A look and a check end at their bounds, together or alone.
func TestAllConnectionsOfACheckHaveABound(t *testing.T) {
	var p pipe
	d := New(Config{Dial: p.dial})
	check := d.Check("a.test", 30)
	made := 0
	for i := range 10 { // ten looks of five
		look := check.Look(at("8.8.8.0/24", i), 5)
		for range 9 {
			if visit(t.Context(), look, 0) == nil {
				made++
			}
		}
	}
	if made != 30 || check.Connections() != 30 || p.dials.Load() != 30 {
		t.Errorf("%d connections, %d counted, %d dialled; want 30", made, check.Connections(), p.dials.Load())
	}
	if err := visit(t.Context(), check.Counter().Peer(at("8.8.8.0/24", 1)), 0); Kind(err) != report.KindSpent {
		t.Errorf("a counter of the check: %v", err)
	}
	if err := visit(t.Context(), d.Check("b.test", 1).Look(at("8.8.8.0/24", 1), 5), 0); err != nil {
		t.Errorf("another check: %v", err)
	}
}

// Policy hosts and name servers have an hour too, by address and by network; what the program
// itself wants does not count.
func TestHoursOfPolicyHostsAndNameServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pipe
		d := New(Config{Dial: p.dial})
		fetch := func(domain string, n int) error {
			return visit(t.Context(), d.Check(domain, 0).Peer(at("2a00:1::/64", n)), 0)
		}
		made := 0
		for fetch("greedy.test", 1) == nil {
			made++
		}
		if made != fetchesHour/4 {
			t.Errorf("%d connections for one domain, want a quarter of %d", made, fetchesHour)
		}
		for i := range 20 {
			for fetch(domainOf(i), 1) == nil {
				made++
			}
		}
		if made != fetchesHour*3/5 {
			t.Errorf("%d connections for strangers, want three fifths of %d", made, fetchesHour)
		}
		var rate *RateError
		if err := fetch("other.test", 1); !errors.As(err, &rate) || Kind(err) != report.KindRateLimited || !rate.Where.IsSingleIP() || time.Until(rate.Until) > time.Hour {
			t.Errorf("%v", err)
		}
		for i := range 200 {
			for fetch(domainOf(i), 2+i) == nil {
				made++
			}
		}
		if made != netTimes*fetchesHour*2/5 {
			t.Errorf("%d connections into the network, want two fifths of %d", made, netTimes*fetchesHour)
		}
		if err := fetch("other.test", 250); !errors.As(err, &rate) || rate.Where.Bits() != 64 {
			t.Errorf("an address that nobody asked: %v", err)
		}
		if err := visit(t.Context(), d.Peer(at("2a00:1::/64", 1)), 0); err != nil {
			t.Errorf("the program itself: %v", err)
		}
		served := d.Check("served.test", 0)
		served.Vouch(at("2a00:1::/64", 250).Addr())
		if err := visit(t.Context(), served.Peer(at("2a00:1::/64", 250)), 0); err != nil {
			t.Errorf("a domain that the address serves: %v", err)
		}
		time.Sleep(time.Hour)
		if err := fetch("other.test", 1); err != nil {
			t.Errorf("an hour later: %v", err)
		}

		asked := 0
		ask := func(domain string) error {
			c, err := d.Check(domain, 0).Authority(t.Context(), "udp", at("8.8.8.0/24", 1).Addr())
			if err == nil {
				asked++
				c.Close()
			}
			return err
		}
		for i := range 20 {
			for ask(domainOf(i)) == nil {
			}
		}
		if asked != questionsHour*3/5 {
			t.Errorf("%d questions, want three fifths of %d", asked, questionsHour)
		}
		check := d.Check("many.test", 0)
		asked = 0
		for i := range maxAsked + 5 {
			c, err := check.Authority(t.Context(), "udp", at("2a00:9::/64", i).Addr())
			if err != nil {
				if Kind(err) != report.KindSpent {
					t.Errorf("%v", err)
				}
				continue
			}
			asked++
			c.Close()
		}
		if asked != maxAsked {
			t.Errorf("%d questions of one check, want %d", asked, maxAsked)
		}
	})
}

// What several checks have joined takes the turns of all of them: it gets on as fast as if each of
// them had come for itself.
func TestPartiesTakeTheTurnsOfAll(t *testing.T) {
	const stay, strangers = time.Second, 4
	alone, joined := time.Duration(0), time.Duration(0)
	for _, party := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var p pipe
			d := New(Config{Dial: p.dial, MaxConns: 2})
			look := share.NewParty(new(share.Scan))
			ctx, stop := context.WithCancel(t.Context())
			var all sync.WaitGroup
			for range strangers { // each wants more at the same address, and waits for the look too
				other := d.Check("stranger.test", 0)
				if party {
					defer look.Join(share.NewParty(other.Scan()))()
				}
				for range 8 {
					all.Go(func() {
						for visit(ctx, other.Look(at("8.8.8.0/24", 1), 1000), stay) == nil {
						}
					})
				}
			}
			time.Sleep(stay / 2)
			start := time.Now()
			var mine sync.WaitGroup
			for range 2 {
				mine.Go(func() {
					peer := d.Check("victim.test", 0).LookFor(look, at("8.8.8.0/24", 1), 20)
					for range 5 {
						if err := visit(t.Context(), peer, stay); err != nil {
							t.Error(err)
						}
					}
				})
			}
			mine.Wait()
			if party {
				joined = time.Since(start)
			} else {
				alone = time.Since(start)
			}
			stop()
			all.Wait()
		})
	}
	t.Logf("ten connections beside %d strangers: %v, and %v if they have joined", strangers, alone, joined)
	if alone > 27*stay || joined > 12*stay {
		t.Error("want no more than a turn for each of theirs, and half of that at most if they have joined")
	}
}
