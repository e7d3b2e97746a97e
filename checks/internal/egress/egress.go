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
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"mxseal/checks/internal/share"

	"mxseal/checks/report"
)

// Config says where connections may go and how gently.
type Config struct {
	Upstreams []netip.AddrPort // recursive resolvers the operator named; reached by Upstream only
	Allow     []netip.Prefix   // special-purpose networks that may be contacted all the same
	MaxConns  int              // at a time to one address; 2 if zero
	Pace      time.Duration    // between the starts of two connections to one address
	// OptedOut reports whether the owner of an address has asked not to be contacted; nil: nobody has.
	OptedOut func(netip.Addr) bool
	// Claim makes this process the only one that connects to an address, until release is called; lost
	// is called once where that ends before, and yield, at most once, where another process is to have
	// it soon. None of them waits. The error is that of ctx, or says why nothing can be claimed. Nil: no
	// other process uses the same bounds.
	Claim func(ctx context.Context, addr netip.Addr, lost, yield func()) (release func(), err error)
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

// Dialer is the door, or a counter of those who go through it. It is safe for concurrent use.
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
		if Kind(err) == report.KindExhausted {
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

// Counter returns the same door with a count of its own, which starts at zero.
func (d *Dialer) Counter() *Dialer { return &Dialer{wall: d.wall, parent: d, check: d.check} }

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
	by := talks
	if network == "udp" {
		by = asks
	}
	c, err := d.enter(ctx, server, share.NewParty(d.Scan()), by)
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
	c.check = d.check
	if err := c.dial(ctx, askTime, network, netip.AddrPortFrom(server, 53)); err != nil {
		return nil, err
	}
	return c, nil
}

// Late reports whether the check has waited in vain for a turn to connect, until its time was over, or
// has lost one to other processes.
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

// LookFor is Look for a party, in whose turns it passes the gates.
func (d *Dialer) LookFor(party *share.Party, addr netip.AddrPort, most int) *Peer {
	return &Peer{dialer: d, Addr: unmapped(addr), party: party, most: most}
}

// admit returns why an address is not contacted: it never is, or its owner has opted out.
func (d *wall) admit(a netip.Addr) error {
	if err := d.Vet(a); err != nil {
		return err
	}
	if d.cfg.OptedOut != nil && d.cfg.OptedOut(a) {
		return &OptedOutError{a}
	}
	return nil
}

// OptedOutError says that the owner of an address has asked not to be contacted.
type OptedOutError struct{ Addr netip.Addr }

func (e *OptedOutError) Error() string {
	return fmt.Sprintf("%v is not contacted: its operator has asked this checker to leave it alone", e.Addr)
}

func unmapped(p netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
