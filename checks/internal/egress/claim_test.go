package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/report"
)

// How long a process begins connections under one claim, and how long others then have their chance at
// least.
const term, rest = 10 * time.Second, 500 * time.Millisecond

// registry gives an address to one process at a time, as the database does.
type registry struct {
	mu     sync.Mutex
	of     map[netip.Addr]*process
	claims int // that were given
}

// process is one that claims.
type process struct {
	all   *registry
	lost  map[netip.Addr]func()
	yield func() // of what was claimed last
	away  error  // why nothing can be claimed
	hasty bool   // another wants at once what it claims next
}

func (r *registry) process() *process {
	return &process{all: r, lost: make(map[netip.Addr]func())}
}

func (p *process) take(addr netip.Addr, lost func()) bool {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	if p.all.of[addr] != nil {
		return false
	}
	if p.all.of == nil {
		p.all.of = make(map[netip.Addr]*process)
	}
	p.all.claims++
	p.all.of[addr], p.lost[addr] = p, lost
	return true
}

func (p *process) claim(ctx context.Context, addr netip.Addr, lost, yield func()) (func(), error) {
	for p.away != nil || !p.take(addr, lost) {
		if Pause(ctx, 200*time.Millisecond) != nil {
			return nil, errors.Join(p.away, ctx.Err())
		}
	}
	if p.yield = yield; p.hasty {
		p.hasty = false
		yield()
	}
	return func() {
		p.all.mu.Lock()
		defer p.all.mu.Unlock()
		delete(p.all.of, addr)
		delete(p.lost, addr)
	}, nil
}

// end is the end of the session: whoever has a claim is told.
func (p *process) end() {
	p.all.mu.Lock()
	told := p.lost
	p.lost = make(map[netip.Addr]func())
	for addr := range told {
		delete(p.all.of, addr)
	}
	p.all.mu.Unlock()
	for _, lost := range told {
		lost()
	}
}

func (r *registry) given() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.claims
}

// want checks how many claims were given so far, and how many are held.
func (r *registry) want(t *testing.T, given, held int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claims != given || len(r.of) != held {
		t.Errorf("%d claims were given and %d are held, want %d and %d", r.claims, len(r.of), given, held)
	}
}

func dialer(p *pipe, by *process) *Dialer {
	return New(Config{Dial: p.dial, Claim: by.claim})
}

func dial(t *testing.T, p *Peer) net.Conn {
	t.Helper()
	c, err := p.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Three processes have two connections to an address together, whatever each of them wants.
func TestProcessesShareAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pipe
		var all registry
		var work sync.WaitGroup
		addr := at("8.8.8.0/24", 1)
		for range 3 {
			d := dialer(&p, all.process())
			for i := range 40 {
				work.Go(func() {
					if err := visit(t.Context(), d.Check(domainOf(i), 0).Look(addr, 5), time.Second); err != nil {
						t.Error(err)
					}
				})
			}
		}
		work.Wait()
		if p.max[addr.String()] != 2 || p.dials.Load() != 120 {
			t.Errorf("%d of %d connections at a time", p.max[addr.String()], p.dials.Load())
		}
		t.Logf("%d claims for 120 connections of 3 processes", all.given())
		all.want(t, all.given(), 0)
	})
}

// An address is claimed for the first of the connections that are there together and given back with
// the last. What is asked by datagram takes no claim.
func TestAClaimIsForAllWhoAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pipe
		var all registry
		d := dialer(&p, all.process())
		addr := at("8.8.8.0/24", 1)
		first := dial(t, d.Peer(addr))
		second, err := d.Peer(addr).DialAhead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all.want(t, 1, 1)
		first.Close()
		first.Close()
		all.want(t, 1, 1)
		if err := second.Enter(t.Context()); err != nil {
			t.Error(err)
		}
		second.Close()
		all.want(t, 1, 0)

		for network, given := range map[string]int{"udp": 0, "tcp": 1} {
			before := all.given()
			c, err := d.Authority(t.Context(), network, addr.Addr())
			if err != nil {
				t.Fatal(err)
			}
			all.want(t, before+given, given)
			c.Close()
			all.want(t, before+given, 0)
		}
		failing := New(Config{Claim: all.process().claim, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no way") }})
		if _, err := failing.Peer(addr).Dial(t.Context()); err == nil {
			t.Error("connected")
		}
		all.want(t, 3, 0)
	})
}

// A process that could go on for ever gives others a chance, and comes back.
func TestNoProcessKeepsAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const stay = time.Second
		var p pipe
		var all registry
		addr := at("8.8.8.0/24", 1)
		greedy, modest := dialer(&p, all.process()), dialer(&p, all.process())
		ctx, stop := context.WithCancel(t.Context())
		var work sync.WaitGroup
		served := 0
		for i := range 20 {
			work.Go(func() {
				for visit(ctx, greedy.Check(domainOf(i), 0).Look(addr, 10000), stay) == nil {
					p.mu.Lock()
					served++
					p.mu.Unlock()
				}
			})
		}
		time.Sleep(stay / 2)
		for range 5 {
			began := time.Now()
			peer := modest.Peer(addr)
			if err := visit(t.Context(), peer, stay); err != nil {
				t.Fatal(err)
			}
			if waited := peer.Waited(); waited > term+stay+rest || time.Since(began) != waited+stay {
				t.Errorf("waited %v in %v", waited, time.Since(began))
			}
			time.Sleep(2 * stay)
		}
		stop()
		work.Wait()
		if served < 5*2*int(term/stay) || p.max[addr.String()] != 2 {
			t.Errorf("%d served, %d at a time", served, p.max[addr.String()])
		}
		all.want(t, all.given(), 0)
	})
}

// Those that wait for the next claim take no place from those that still talk under this one.
func TestTheBacklogOutlastsAClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pipe
		var all registry
		d := dialer(&p, all.process())
		addr := at("8.8.8.0/24", 1)
		var ahead []*Waiting
		for range 3 {
			w, err := d.Peer(addr).DialAhead(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ahead = append(ahead, w)
		}
		time.Sleep(term)
		var work sync.WaitGroup
		for range 5 {
			work.Go(func() {
				if err := visit(t.Context(), d.Peer(addr), time.Second); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		for _, w := range ahead {
			if err := w.Enter(t.Context()); err != nil {
				t.Error(err)
			}
			all.want(t, 1, 1)
			w.Close()
		}
		work.Wait()
		all.want(t, 2, 0)
	})
}

// A process that loses its claims breaks off at once what is open, or under way, and says that it was us.
// Who has not begun waits for another claim.
func TestALostClaimEndsItsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pipe
		var all registry
		addr := at("8.8.8.0/24", 1)
		hangs := make(chan bool, 1)
		by := all.process()
		d := New(Config{Claim: by.claim, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			select {
			case <-hangs:
				<-ctx.Done()
				return nil, ctx.Err()
			default:
				return p.dial(ctx, network, address)
			}
		}})
		check := d.Check("a.test", 0)
		reads, ahead := dial(t, check.Peer(addr)), func() *Waiting { w, _ := d.Peer(addr).DialAhead(t.Context()); return w }()
		var work sync.WaitGroup
		work.Go(func() {
			if _, err := reads.Read(make([]byte, 1)); !errors.Is(err, ErrLost) || Kind(err) != report.KindNotAdmitted || Say(err).Code != report.SaysTurnLost {
				t.Errorf("a read: %v", err)
			}
			if !check.Late() {
				t.Error("the check is not told")
			}
			reads.Close()
		})
		hangs <- true
		work.Go(func() {
			if _, err := d.Peer(addr).Dial(t.Context()); !errors.Is(err, ErrLost) {
				t.Errorf("a connection under way: %v", err)
			}
		})
		synctest.Wait()
		work.Go(func() { // both places are taken
			if err := visit(t.Context(), d.Peer(addr), time.Minute); err != nil {
				t.Errorf("one that has not begun: %v", err)
			}
		})
		synctest.Wait()
		by.end()
		synctest.Wait()
		p.mu.Lock()
		if n, most := p.open[addr.String()], p.max[addr.String()]; n != 1 || most != 2 {
			t.Errorf("%d are open, %d were at a time", n, most)
		}
		p.mu.Unlock()
		all.want(t, 2, 1)
		if _, err := ahead.Write([]byte("x")); !errors.Is(err, ErrLost) {
			t.Errorf("a write: %v", err)
		}
		ahead.Close()
		work.Wait()
		all.want(t, 2, 0)
		for _, g := range d.gates {
			if g.users != 0 {
				t.Errorf("%d are still counted at a gate", g.users)
			}
		}
	})
}

// What cannot be claimed is trouble of our own: nothing was sent, and nothing was used up.
func TestWhatCannotBeClaimedIsOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pipe
		var all registry
		by := all.process()
		by.away = errors.New("the database is away")
		check := dialer(&p, by).Check("a.test", 5)
		peer := check.Look(at("8.8.8.0/24", 1), 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := peer.Dial(ctx)
		if !errors.Is(err, ErrNoPlace) || !errors.Is(err, by.away) || Kind(err) != report.KindNotAdmitted || !report.Own(Kind(err)) {
			t.Errorf("%v", err)
		}
		if !check.Late() || peer.Connections() != 0 || p.dials.Load() != 0 || peer.Waited() != time.Minute {
			t.Errorf("late %v, %d connections, waited %v", check.Late(), peer.Connections(), peer.Waited())
		}
		by.away = nil
		if err := visit(t.Context(), peer, 0); err != nil {
			t.Error(err)
		}
		all.want(t, 1, 0)
	})
}
