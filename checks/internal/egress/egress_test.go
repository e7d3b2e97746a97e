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
)

// pipe is a network in which every address answers and counts who is there.
type pipe struct {
	mu        sync.Mutex
	open, max map[string]int
	starts    []time.Time
	dials     atomic.Int64
}

type end struct {
	net.Conn
	close func()
}

func (e *end) Close() error { e.close(); return e.Conn.Close() }

func (p *pipe) dial(_ context.Context, _, address string) (net.Conn, error) {
	p.dials.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open, p.max = map[string]int{}, map[string]int{}
	}
	p.open[address]++
	p.max[address] = max(p.max[address], p.open[address])
	p.starts = append(p.starts, time.Now())
	a, _ := net.Pipe()
	return &end{a, sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.open[address]--
	})}, nil
}

func TestSpecialPurposeAddressesAreNeverDialled(t *testing.T) {
	refused := []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
		"169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.31.196.1",
		"192.52.193.1", "192.88.99.1", "192.168.1.1", "192.175.48.1", "198.18.0.1", "198.19.255.255",
		"198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1",
		"fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "ff02::1", "2001::1", "2001:1ff::1", "2001:db8::1",
		"2002:7f00:1::", "3fff::1", "5f00::1", "4000::1",
	}
	allowed := []string{
		"8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1",
		"198.17.0.1", "198.20.0.1", "223.255.255.255", "2001:200::1", "2a00:1450::1", "2606:4700::1", "2003::1",
	}
	var p pipe
	d := New(Config{Dial: p.dial})
	for _, a := range refused {
		addr := netip.MustParseAddr(a)
		var forbidden *ForbiddenError
		if err := d.Vet(addr); !errors.As(err, &forbidden) {
			t.Errorf("%s passes the wall: %v", a, err)
		}
		if addr.Is4In6() {
			continue // a peer is dialled by its IPv4 form, which is vetted as such
		}
		if _, err := d.Peer(netip.AddrPortFrom(addr, 25)).Dial(t.Context()); !errors.As(err, &forbidden) {
			t.Errorf("%s was dialled: %v", a, err)
		}
	}
	if n := p.dials.Load(); n != 0 {
		t.Fatalf("%d connections to forbidden addresses", n)
	}
	for _, a := range allowed {
		if err := d.Vet(netip.MustParseAddr(a)); err != nil {
			t.Errorf("%s is refused: %v", a, err)
		}
	}
	inner := d.Peer(netip.MustParseAddrPort("[::ffff:127.0.0.1]:25"))
	if _, err := inner.Dial(t.Context()); Kind(err) != "forbidden" {
		t.Errorf("IPv4-mapped loopback: %v", err)
	}
}

func TestAllowedNetworksPass(t *testing.T) {
	var p pipe
	d := New(Config{Dial: p.dial, Allow: []netip.Prefix{netip.MustParsePrefix("127.77.0.0/16")}})
	if err := d.Vet(netip.MustParseAddr("127.77.0.1")); err != nil {
		t.Error(err)
	}
	if err := d.Vet(netip.MustParseAddr("127.0.0.1")); err == nil {
		t.Error("127.0.0.1 lies outside the allowed network and passed")
	}
}

// The real dialer asks again with the address the kernel is about to use.
func TestTheKernelsAddressIsVetted(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := New(Config{})
	if _, err := d.dial(t.Context(), "tcp", l.Addr().String()); Kind(err) != "forbidden" {
		t.Errorf("the network dialer reached loopback: %v", err)
	}
	here := netip.MustParseAddrPort(l.Addr().String())
	d = New(Config{Upstreams: []netip.AddrPort{here}})
	c, err := d.Upstream(t.Context(), "tcp", here)
	if err != nil {
		t.Fatalf("the configured resolver: %v", err)
	}
	c.Close()
	if _, err := d.Upstream(t.Context(), "tcp", netip.MustParseAddrPort("9.9.9.9:53")); err == nil {
		t.Error("a resolver that was not configured was asked")
	}
}

func TestTheGateAdmitsTwoAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pipe
		d := New(Config{Dial: p.dial, Pace: 50 * time.Millisecond})
		addr := netip.MustParseAddrPort("198.41.0.4:25")
		var wg sync.WaitGroup
		for range 10 { // ten checks of ten domains, one mail server
			wg.Go(func() {
				c, err := d.Counter().Peer(addr).Dial(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Second)
				c.Close()
				c.Close() // a second Close gives no second place
			})
		}
		wg.Wait()
		if p.max[addr.String()] != 2 {
			t.Errorf("%d connections at once, want 2", p.max[addr.String()])
		}
		for i := 1; i < len(p.starts); i++ {
			if gap := p.starts[i].Sub(p.starts[i-1]); gap < 50*time.Millisecond {
				t.Errorf("connection %d follows after %v, want 50 ms", i, gap)
			}
		}
		if d.Connections() != 10 {
			t.Errorf("%d connections counted, want 10", d.Connections())
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pipe
		d := New(Config{Dial: p.dial, MaxConns: 1})
		peer := d.Peer(netip.MustParseAddrPort("198.41.0.4:25"))
		c, err := peer.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := peer.Dial(ctx); Kind(err) != "not-admitted" {
			t.Errorf("the second connection: %v", err)
		}
		c.Close()
		again, err := peer.Dial(t.Context())
		if err != nil {
			t.Fatalf("after the place was given back: %v", err)
		}
		again.Close()
		if peer.Connections() != 2 {
			t.Errorf("%d connections counted, want 2: waiting is no connection", peer.Connections())
		}
	})
}

func TestGatesAreForgotten(t *testing.T) {
	var p pipe
	d := New(Config{Dial: p.dial})
	for i := range 3 * idleGates {
		addr := netip.AddrFrom4([4]byte{8, byte(i >> 16), byte(i >> 8), byte(i)})
		c, err := d.Peer(netip.AddrPortFrom(addr, 25)).Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	if len(d.gates) > idleGates+1 {
		t.Errorf("%d gates are kept", len(d.gates))
	}
}
