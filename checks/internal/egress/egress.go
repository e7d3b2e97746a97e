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
	"strings"
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
	// Spared reports whether the owner of an address has asked not to be contacted; nil spares nobody.
	Spared func(netip.Addr) bool
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

	short   atomic.Int64 // how often this machine lacked what a connection takes
	lacking atomic.Pointer[string]
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
		vetted := net.Dialer{Control: func(network, address string, c syscall.RawConn) error {
			peer, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			ours := slices.Contains(cfg.Upstreams, unmapped(peer))
			if strings.HasPrefix(network, "tcp") && (ours || peer.Port() == 53) {
				smallSegments(c)
			}
			if ours {
				return nil
			}
			return d.Vet(peer.Addr())
		}}
		d.dial = vetted.DialContext
	}
	connect := d.dial
	d.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := connect(ctx, network, address)
		if Kind(err) == Exhausted {
			what := err.Error()
			d.lacking.Store(&what)
			d.short.Add(1)
		}
		return c, err
	}
	return d
}

// Short returns how often this machine itself lacked what a connection takes, whoever wanted
// it, and what it lacked last.
func (d *Dialer) Short() (times int, what string) {
	if last := d.lacking.Load(); last != nil {
		what = *last
	}
	return int(d.short.Load()), what
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
	if err := d.admit(server); err != nil {
		return nil, err
	}
	c, err := d.enter(ctx, server, func(g *gate) place { return g.places })
	if err != nil {
		return nil, err
	}
	for t := d; t != nil; t = t.parent {
		t.asked.Add(1)
	}
	if c.Conn, err = d.dial(ctx, network, netip.AddrPortFrom(server, 53).String()); err != nil {
		c.leave()
		return nil, err
	}
	return c, nil
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

// admit returns why an address is not contacted: it is never, or it is spared.
func (d *wall) admit(a netip.Addr) error {
	if err := d.Vet(a); err != nil {
		return err
	}
	if d.cfg.Spared != nil && d.cfg.Spared(a) {
		return &SparedError{a}
	}
	return nil
}

// SparedError says that the owner of an address has asked not to be contacted.
type SparedError struct{ Addr netip.Addr }

func (e *SparedError) Error() string {
	return fmt.Sprintf("%v is not contacted: its operator has asked this checker to leave it alone", e.Addr)
}

// Dial connects by TCP once the gate of the address admits it. Closing the connection
// gives its place to the next. The error is a *ForbiddenError for an address that is
// never contacted, a *SparedError for one that wants to be left alone, otherwise that of
// the network or of ctx.
func (p *Peer) Dial(ctx context.Context) (net.Conn, error) {
	c, err := p.connect(ctx, func(g *gate) place { return g.places })
	if err != nil {
		return nil, err
	}
	return c, nil
}

// DialAhead connects like Dial, to wait for a greeting that takes long: on the porch of the
// gate, where no word may be said before Enter.
func (p *Peer) DialAhead(ctx context.Context) (*Waiting, error) {
	c, err := p.connect(ctx, func(g *gate) place { return g.porch })
	if err != nil {
		return nil, err
	}
	return &Waiting{c}, nil
}

func (p *Peer) connect(ctx context.Context, where func(*gate) place) (*conn, error) {
	if err := p.dialer.admit(p.Addr.Addr()); err != nil {
		return nil, err
	}
	c, err := p.dialer.enter(ctx, p.Addr.Addr(), where)
	if err != nil {
		return nil, err
	}
	p.made.Add(1)
	p.dialer.count()
	connecting, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	if c.Conn, err = p.dialer.dial(connecting, "tcp", p.Addr.String()); err != nil {
		c.leave()
		return nil, err
	}
	return c, nil
}

func unmapped(p netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// Exhausted is the kind of an error that says that this machine or program has run out of
// something: it tells nothing of the peer.
const Exhausted = "exhausted"

// ErrNoPlace says that the time for a connection ran out while it waited in our own queue: no
// packet was sent, so it says nothing about the other side.
var ErrNoPlace = errors.New("no place became free in the queue of this program")

// lacking are the errors of a machine without descriptors, ports, buffers or memory, and of a
// program without places.
var lacking = []error{ErrNoPlace, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE}

// Kind puts a network error into one word for the evidence: forbidden, opted-out, exhausted,
// timeout, refused, reset, unreachable, closed, or failed.
func Kind(err error) string {
	var forbidden *ForbiddenError
	var spared *SparedError
	var timeout net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &forbidden):
		return "forbidden"
	case errors.As(err, &spared):
		return "opted-out"
	case errors.Is(err, syscall.EADDRNOTAVAIL) && overIPv6(err): // a machine without IPv6
		return "unreachable"
	case slices.ContainsFunc(lacking, func(e error) bool { return errors.Is(err, e) }):
		return Exhausted
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "unreachable"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "closed"
	}
	return "failed"
}

// overIPv6 reports whether an error is that of a connection to an IPv6 address. Where a
// machine has no IPv6 at all, Linux finds no address to come from.
func overIPv6(err error) bool {
	var at *net.OpError
	if !errors.As(err, &at) || at.Addr == nil {
		return false
	}
	peer, err := netip.ParseAddrPort(at.Addr.String())
	return err == nil && peer.Addr().Unmap().Is6()
}
