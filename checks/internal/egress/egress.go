// Package egress is the one door through which mxseal speaks to other machines.
//
// Every connection to a mail or policy server is made here, to an address that was
// resolved and vetted before: special-purpose addresses are refused at the moment of
// dialling, so that no answer of a name server can turn the program against its own
// network. A gate admits a few connections at a time to one address, over all running
// checks, paced; every connection is counted.
package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Config says where connections may go and how gently.
type Config struct {
	Upstreams []netip.AddrPort // recursive resolvers the operator named; reached by Upstream only
	Allow     []netip.Prefix   // special-purpose networks that may be contacted all the same
	MaxConns  int              // at a time to one address; 2 if zero
	Pace      time.Duration    // between the starts of two connections to one address
	// Dial makes the connection; nil for the network. The lab puts its own here.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// connectTime bounds one TCP connection attempt; waiting at the gate does not count.
const connectTime = 30 * time.Second

// Dialer is the door, or a tally of those who go through it. It is safe for concurrent use.
type Dialer struct {
	*wall
	parent *Dialer
	made   atomic.Int64
	asked  atomic.Int64 // conversations with name servers
}

// wall is what all tallies of one door share.
type wall struct {
	cfg   Config
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	mu    sync.Mutex
	gates map[netip.Addr]*gate
}

// New returns a Dialer.
func New(cfg Config) *Dialer {
	if cfg.MaxConns <= 0 {
		cfg.MaxConns = 2
	}
	d := &Dialer{wall: &wall{cfg: cfg, dial: cfg.Dial, gates: make(map[netip.Addr]*gate)}}
	if d.dial == nil {
		// The kernel is asked once more with the address it is about to use: whatever
		// led here, a forbidden address never receives a packet.
		vetted := net.Dialer{Control: func(network, address string, _ syscall.RawConn) error {
			peer, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			if slices.Contains(cfg.Upstreams, unmapped(peer)) {
				return nil
			}
			return d.Vet(peer.Addr())
		}}
		d.dial = vetted.DialContext
	}
	return d
}

// Tally returns the same door with a count of its own, which starts at zero.
func (d *Dialer) Tally() *Dialer { return &Dialer{wall: d.wall, parent: d} }

// Connections returns how many connections were attempted through d and its tallies.
// Those to the resolvers do not count.
func (d *Dialer) Connections() int { return int(d.made.Load()) }

// Asked returns how many conversations with name servers were begun by Authority, through d
// and its tallies.
func (d *Dialer) Asked() int { return int(d.asked.Load()) }

func (d *Dialer) count() {
	for ; d != nil; d = d.parent {
		d.made.Add(1)
	}
}

// Upstream connects to one of the configured resolvers. There is no gate: the resolver is
// the operator's own, and the caller bounds its parallel queries.
func (d *Dialer) Upstream(ctx context.Context, network string, peer netip.AddrPort) (net.Conn, error) {
	if !slices.Contains(d.cfg.Upstreams, peer) {
		return nil, fmt.Errorf("egress: %v is not one of the configured resolvers", peer)
	}
	return d.dial(ctx, network, peer.String())
}

// Authority reaches a name server that a zone names, by "udp" or "tcp" and at port 53 only:
// no record can turn a question into a message to something else. Wall and gate are those
// of Peer.Dial. It does not count as a connection, which are those to mail and policy servers.
func (d *Dialer) Authority(ctx context.Context, network string, server netip.Addr) (net.Conn, error) {
	server = server.Unmap()
	if err := d.Vet(server); err != nil {
		return nil, err
	}
	leave, err := d.enter(ctx, server)
	if err != nil {
		return nil, err
	}
	for t := d; t != nil; t = t.parent {
		t.asked.Add(1)
	}
	c, err := d.dial(ctx, network, netip.AddrPortFrom(server, 53).String())
	if err != nil {
		leave()
		return nil, err
	}
	return &conn{Conn: c, leave: sync.OnceFunc(leave)}, nil
}

// Peer is one address and port as seen by one check: it counts the check's connections.
type Peer struct {
	dialer *Dialer
	Addr   netip.AddrPort
	made   atomic.Int64
}

// Peer returns the door to one address and port.
func (d *Dialer) Peer(addr netip.AddrPort) *Peer {
	return &Peer{dialer: d, Addr: unmapped(addr)}
}

// Connections returns how many connections were attempted through p.
func (p *Peer) Connections() int { return int(p.made.Load()) }

// Dial connects by TCP once the gate of the address admits it. Closing the connection
// gives its place to the next. The error is a *ForbiddenError for an address that is
// never contacted, otherwise that of the network or of ctx.
func (p *Peer) Dial(ctx context.Context) (net.Conn, error) {
	if err := p.dialer.Vet(p.Addr.Addr()); err != nil {
		return nil, err
	}
	leave, err := p.dialer.enter(ctx, p.Addr.Addr())
	if err != nil {
		return nil, err
	}
	p.made.Add(1)
	p.dialer.count()
	connecting, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	c, err := p.dialer.dial(connecting, "tcp", p.Addr.String())
	if err != nil {
		leave()
		return nil, err
	}
	return &conn{Conn: c, leave: sync.OnceFunc(leave)}, nil
}

// conn gives its place in the gate back when it is closed.
type conn struct {
	net.Conn
	leave func()
}

func (c *conn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// gate admits a bounded number of connections to one address and spaces their starts.
type gate struct {
	places chan struct{}
	users  int // callers inside enter or holding a place; guarded by wall.mu
	mu     sync.Mutex
	next   time.Time // earliest start of the next connection
}

// idleGates is how many gates are kept in all before those nobody uses are dropped.
const idleGates = 1024

func (d *wall) enter(ctx context.Context, addr netip.Addr) (leave func(), err error) {
	d.mu.Lock()
	g := d.gates[addr]
	if g == nil {
		if len(d.gates) >= idleGates {
			d.sweep()
		}
		g = &gate{places: make(chan struct{}, d.cfg.MaxConns)}
		d.gates[addr] = g
	}
	g.users++
	d.mu.Unlock()
	release := func() {
		d.mu.Lock()
		g.users--
		d.mu.Unlock()
	}

	select {
	case g.places <- struct{}{}:
	case <-ctx.Done():
		release()
		return nil, ctx.Err()
	}
	leave = func() { <-g.places; release() }
	g.mu.Lock()
	now := time.Now()
	start := now
	if g.next.After(now) {
		start = g.next
	}
	g.next = start.Add(d.cfg.Pace)
	g.mu.Unlock()
	if wait := start.Sub(now); wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		}
	}
	return leave, nil
}

// sweep drops gates that nobody uses and whose pace has run out. d.mu is held.
func (d *wall) sweep() {
	now := time.Now()
	for a, g := range d.gates {
		g.mu.Lock()
		idle := g.users == 0 && now.After(g.next)
		g.mu.Unlock()
		if idle {
			delete(d.gates, a)
		}
	}
}

func unmapped(p netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// Kind puts a network error into one word for the evidence: forbidden, timeout, refused,
// reset, unreachable, closed, or failed.
func Kind(err error) string {
	var forbidden *ForbiddenError
	var timeout net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &forbidden):
		return "forbidden"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return "unreachable"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "closed"
	}
	return "failed"
}
