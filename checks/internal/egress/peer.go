package egress

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"mxseal/checks/internal/share"
)

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

// Dial connects by TCP once the gates of the address admit it, which takes nothing from the
// time for the connection. Closing the connection gives its places to the next. The error is a
// *ForbiddenError for an address that is never contacted, an *OptedOutError for one that wants to be
// left alone, a *RateError for one that is left alone for now, ErrSpent or ErrNoPlace where no
// packet was sent either, ErrLost where we broke off, which reading and writing say too, otherwise
// that of the network or of ctx.
func (p *Peer) Dial(ctx context.Context) (net.Conn, error) { return p.DialWithin(ctx, connectTime) }

// DialWithin is Dial with another time for the connection.
func (p *Peer) DialWithin(ctx context.Context, limit time.Duration) (net.Conn, error) {
	c, err := p.connect(ctx, limit, talks)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// DialAhead connects like Dial, to wait for a greeting that takes long: in the backlog of the
// gate, where no word may be said before Enter.
func (p *Peer) DialAhead(ctx context.Context) (*Waiting, error) {
	c, err := p.connect(ctx, connectTime, waits)
	if err != nil {
		return nil, err
	}
	return &Waiting{c}, nil
}

func (p *Peer) connect(ctx context.Context, limit time.Duration, by lane) (*conn, error) {
	if err := p.dialer.admit(p.Addr.Addr()); err != nil {
		return nil, err
	}
	if err := p.take(); err != nil {
		return nil, err
	}
	begun := time.Now()
	c, err := p.dialer.enter(ctx, p.Addr.Addr(), p.party, by)
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
	c.check = p.dialer.check
	if err := c.dial(ctx, limit, "tcp", p.Addr); err != nil {
		return nil, err
	}
	return c, nil
}
