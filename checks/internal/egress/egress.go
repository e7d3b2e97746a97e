// Package egress is the one door through which mxseal speaks to other machines.
//
// Every connection to a mail or policy server is made here, to an address that was
// resolved and vetted before: special-purpose addresses are refused at the moment of
// dialling, so that no answer of a name server can turn the program against its own
// network. Gates admit a few connections at a time to one address and into one network, over
// all running checks, paced and in turn; every connection is counted, and each check, each
// address and each network has a bound.
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

	"mxseal/checks/internal/share"
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

// Times for one attempt to connect, into which waiting at the gates does not count.
const (
	connectTime = 30 * time.Second
	askTime     = 3 * time.Second // to a name server
)

// Bounds for all that strangers' names lead to, beside the looks at mail servers, for which
// whoever looks has a bound of his own.
const (
	fetchesHour   = 600  // connections to one address of a policy host in an hour
	questionsHour = 2400 // conversations with one address of a name server in an hour
	leastPart     = 24   // of either, that every part of them has
	maxAsked      = 600  // conversations of one check with name servers
)

// Dialer is the door, or a tally of those who go through it. It is safe for concurrent use.
type Dialer struct {
	*wall
	parent *Dialer
	check  *check // nil for the program itself
	made   atomic.Int64
	asked  atomic.Int64 // conversations with name servers
}

// check is one run over a domain.
type check struct {
	share.Scan
	domain string // what is charged to whom
	most   int64  // connections; 0: no bound
	made   atomic.Int64
	asked  atomic.Int64
	late   atomic.Bool
}

// wall is what all tallies of one door share.
type wall struct {
	cfg   Config
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	mu    sync.Mutex
	gates map[netip.Prefix]*gate

	fetches, questions Hour

	short   atomic.Int64 // how often this machine lacked what a connection takes
	lacking atomic.Pointer[string]
}

// New returns a Dialer.
func New(cfg Config) *Dialer {
	if cfg.MaxConns <= 0 {
		cfg.MaxConns = 2
	}
	d := &Dialer{wall: &wall{cfg: cfg, dial: cfg.Dial, gates: make(map[netip.Prefix]*gate),
		fetches: Hour{N: fetchesHour, Least: leastPart}, questions: Hour{N: questionsHour, Least: leastPart}}}
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
		d.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			peer, err := netip.ParseAddrPort(address)
			if err != nil {
				return nil, err
			}
			return connect(ctx, vetted, network, peer)
		}
	}
	dial := d.dial
	d.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if Kind(err) == Exhausted {
			what := err.Error()
			d.lacking.Store(&what)
			d.short.Add(1)
		}
		return c, err
	}
	return d
}

// connect dials an address, of which there is nothing to look up: at fifty questions a check what
// Dialer.Dial does beside would be felt.
func connect(ctx context.Context, by net.Dialer, network string, peer netip.AddrPort) (net.Conn, error) {
	if network == "udp" {
		c, err := by.DialUDP(ctx, network, netip.AddrPort{}, peer)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	c, err := by.DialTCP(ctx, network, netip.AddrPort{}, peer)
	if err != nil {
		return nil, err
	}
	return c, nil
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
func (d *Dialer) Tally() *Dialer { return &Dialer{wall: d.wall, parent: d, check: d.check} }

// Check returns the door as one check of a domain goes through it, for so many connections to
// mail and policy servers; 0 is no bound. At the gates it takes turns with other checks.
func (d *Dialer) Check(domain string, most int) *Dialer {
	return &Dialer{wall: d.wall, parent: d, check: &check{domain: domain, most: int64(most)}}
}

// Scan is who waits at the gates: the check, or nil for the program itself.
func (d *Dialer) Scan() *share.Scan {
	if d.check == nil {
		return nil
	}
	return &d.check.Scan
}

// Connections returns how many connections were attempted through d and its tallies.
// Those to the resolvers do not count.
func (d *Dialer) Connections() int { return int(d.made.Load()) }

// Hours are what is remembered of policy hosts and name servers that were asked, by name.
func (d *Dialer) Hours() map[string]*Hour {
	return map[string]*Hour{"fetches": &d.fetches, "questions": &d.questions}
}

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
// of Peer.Dial. It does not count as a connection, which are those to mail and policy servers;
// it has bounds of its own, for the check and for the hour.
func (d *Dialer) Authority(ctx context.Context, network string, server netip.Addr) (net.Conn, error) {
	server = server.Unmap()
	if err := d.admit(server); err != nil {
		return nil, err
	}
	if d.check != nil {
		if d.check.asked.Add(1) > maxAsked {
			return nil, ErrSpent
		}
		if err := d.charge(&d.questions, server); err != nil {
			return nil, err
		}
	}
	c, err := d.enter(ctx, server, share.NewParty(d.Scan()), false)
	if err != nil {
		return nil, err
	}
	if err = d.admit(server); err != nil { // who asked for it meanwhile
		c.leave()
		return nil, err
	}
	for t := d; t != nil; t = t.parent {
		t.asked.Add(1)
	}
	connecting, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if c.Conn, err = d.dial(connecting, network, netip.AddrPortFrom(server, 53).String()); err != nil {
		c.leave()
		return nil, err
	}
	return c, nil
}

// Late reports whether the check has waited in vain for a turn to connect, until its time was over.
func (d *Dialer) Late() bool { return d.check != nil && d.check.late.Load() }

// Vouch notes that a policy host or name server has shown to be the check's: by a certificate
// that holds, or by an answer with authority.
func (d *Dialer) Vouch(server netip.Addr) {
	if d.check != nil {
		d.fetches.Vouch(server.Unmap(), d.check.domain)
		d.questions.Vouch(server.Unmap(), d.check.domain)
	}
}

// charge takes one from what there is of an address for an hour.
func (d *Dialer) charge(h *Hour, addr netip.Addr) error {
	if wait, where := h.Take(addr, Claim{Name: d.check.domain}, 1); wait > 0 {
		return &RateError{addr, where, time.Now().Add(wait)}
	}
	return nil
}

// Peer is one address and port as seen by one check: it counts the check's connections.
type Peer struct {
	dialer *Dialer
	Addr   netip.AddrPort
	party  *share.Party // in whose turns it connects
	most   int          // connections; negative: as many as the hour has for the address
	taken  atomic.Int64
	made   atomic.Int64
	waited atomic.Int64 // nanoseconds
}

// Peer returns the door to one address and port. For a check every connection counts towards
// the hour of the address and its networks.
func (d *Dialer) Peer(addr netip.AddrPort) *Peer {
	return &Peer{dialer: d, Addr: unmapped(addr), party: share.NewParty(d.Scan()), most: -1}
}

// Look returns the door to one address and port for so many connections, which whoever looks
// has counted beforehand.
func (d *Dialer) Look(addr netip.AddrPort, most int) *Peer {
	return d.LookFor(share.NewParty(d.Scan()), addr, most)
}

// LookFor is Look for a party, in whose turns it passes the gates.
func (d *Dialer) LookFor(party *share.Party, addr netip.AddrPort, most int) *Peer {
	return &Peer{dialer: d, Addr: unmapped(addr), party: party, most: most}
}

// take takes a connection from what is left of the look, the check and the hour.
func (p *Peer) take() error {
	c := p.dialer.check
	if n := p.taken.Add(1); p.most >= 0 && n > int64(p.most) {
		p.taken.Add(-1)
		return ErrSpent
	}
	if c == nil {
		return nil
	}
	if n := c.made.Add(1); c.most > 0 && n > c.most {
		p.giveBack()
		return ErrSpent
	}
	if p.most >= 0 {
		return nil
	}
	err := p.dialer.charge(&p.dialer.fetches, p.Addr.Addr())
	if err != nil {
		p.giveBack()
	}
	return err
}

// giveBack gives back to look and check what came to no connection.
func (p *Peer) giveBack() {
	p.taken.Add(-1)
	if c := p.dialer.check; c != nil {
		c.made.Add(-1)
	}
}

// Waited returns how long connections waited for their turn in all.
func (p *Peer) Waited() time.Duration { return time.Duration(p.waited.Load()) }

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

// Dial connects by TCP once the gates of the address admit it, which takes nothing from the
// time for the connection. Closing the connection gives its places to the next. The error is a
// *ForbiddenError for an address that is never contacted, a *SparedError for one that wants to be
// left alone, a *RateError for one that is left alone for now, ErrSpent or ErrNoPlace where no
// packet was sent either, otherwise that of the network or of ctx.
func (p *Peer) Dial(ctx context.Context) (net.Conn, error) { return p.DialWithin(ctx, connectTime) }

// DialWithin is Dial with another time for the connection.
func (p *Peer) DialWithin(ctx context.Context, limit time.Duration) (net.Conn, error) {
	c, err := p.connect(ctx, limit, false)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// DialAhead connects like Dial, to wait for a greeting that takes long: on the porch of the
// gate, where no word may be said before Enter.
func (p *Peer) DialAhead(ctx context.Context) (*Waiting, error) {
	c, err := p.connect(ctx, connectTime, true)
	if err != nil {
		return nil, err
	}
	return &Waiting{c}, nil
}

func (p *Peer) connect(ctx context.Context, limit time.Duration, porch bool) (*conn, error) {
	if err := p.dialer.admit(p.Addr.Addr()); err != nil {
		return nil, err
	}
	if err := p.take(); err != nil {
		return nil, err
	}
	begun := time.Now()
	c, err := p.dialer.enter(ctx, p.Addr.Addr(), p.party, porch)
	p.waited.Add(int64(time.Since(begun)))
	if err != nil {
		if p.dialer.check != nil && ctx.Err() == context.DeadlineExceeded {
			p.dialer.check.late.Store(true)
		}
		p.giveBack()
		return nil, err
	}
	if err = p.dialer.admit(p.Addr.Addr()); err != nil { // who asked for it meanwhile
		p.giveBack()
		c.leave()
		return nil, err
	}
	p.made.Add(1)
	p.dialer.count()
	connecting, cancel := context.WithTimeout(ctx, limit)
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

// Kinds of an error that tell nothing of the peer, since no packet was sent.
const (
	Exhausted   = "exhausted"    // this machine has run out of something
	NotAdmitted = "not-admitted" // ErrNoPlace
	Spent       = "spent"        // ErrSpent
	RateLimited = "rate-limited" // *RateError
)

// ErrNoPlace says that the time for a connection ran out while it waited for its turn here.
var ErrNoPlace = errors.New("its turn among the connections of this checker did not come in time")

// ErrSpent says that a look, or a check, has made all the connections that it may.
var ErrSpent = errors.New("the connections of this check are used up")

// lacking are the errors of a machine without descriptors, ports, buffers or memory.
var lacking = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE}

// Kind puts a network error into one word for the evidence: forbidden, opted-out, exhausted,
// not-admitted, spent, rate-limited, timeout, refused, reset, unreachable, closed, or failed.
func Kind(err error) string {
	var forbidden *ForbiddenError
	var spared *SparedError
	var rate *RateError
	var timeout net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &forbidden):
		return "forbidden"
	case errors.As(err, &spared):
		return "opted-out"
	case errors.As(err, &rate):
		return RateLimited
	case errors.Is(err, ErrSpent):
		return Spent
	case errors.Is(err, ErrNoPlace):
		return NotAdmitted
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
