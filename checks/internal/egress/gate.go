package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"mxseal/checks/internal/egress/claim"
	"mxseal/checks/internal/share"
)

// Bounds of the gates, whoever wants to pass them. In front of the places of an address is a
// backlog, for connections that wait for a slow greeting: to wait side by side costs a server
// little, and us a fraction of the time. Behind an address are its networks.
const (
	Backlog  = 6   // connections to one address that wait for its greeting beside those that were admitted
	netConns = 64  // connections at a time into a /24 of IPv4 or a /64 of IPv6
	netBurst = 480 // connections into it that may begin at once …
	netRate  = 2   // … and in every second after that: 600 in a minute
	siteWide = 2   // a /48 of IPv6 takes so many times as much

	idleGates = 4096 // kept in all before those nobody uses are dropped
)

// gate admits a bounded number of connections and spaces their starts. At each gate the checks
// take turns: however many connections one of them wants, it holds up nobody but itself.
type gate struct {
	places  *share.Queue
	backlog *share.Queue // nil for a network
	door    *share.Queue // where one waits for the pace, and the others for that one; nil for an address
	pace    time.Duration
	burst   int          // connections that may begin without keeping the pace
	claim   *claim.Claim // of the address; nil for a network, and where there is no other process
	users   int          // callers inside enter or holding a place; guarded by wall.mu
	mu      sync.Mutex
	next    time.Time // earliest start of the next connection, at the pace
}

// networks are those around an address that have gates and shares of their own, the smallest
// first: what one owner usually has, and what one provider usually gives out.
func networks(a netip.Addr) []netip.Prefix {
	bits := []int{64, 48}
	if a.Is4() {
		bits = []int{24}
	}
	var list []netip.Prefix
	for _, n := range bits {
		if p, err := a.Prefix(n); err == nil {
			list = append(list, p)
		}
	}
	return list
}

// passage returns the gates that a connection to an address has to pass, the narrowest first, and
// counts the caller in. Who waits for a wide one holds a place of the narrow ones already: so a
// busy address costs the others of its network nothing.
func (d *wall) passage(addr netip.Addr) []*gate {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.gates) >= idleGates {
		d.sweep()
	}
	list := []*gate{d.gate(netip.PrefixFrom(addr, addr.BitLen()), func() *gate {
		g := &gate{places: share.New(d.cfg.MaxConns, 0), backlog: share.New(Backlog, 0), pace: d.cfg.Pace, burst: 1}
		if ask := d.cfg.Claim; ask != nil {
			g.claim = claim.New(func(ctx context.Context, lost, yield func()) (func(), error) { return ask(ctx, addr, lost, yield) })
		}
		return g
	})}
	for i, n := range networks(addr) {
		list = append(list, d.gate(n, func() *gate {
			wide := 1 + i*(siteWide-1)
			g := &gate{places: share.New(netConns*wide, 1), door: share.New(1, 0), pace: time.Second / time.Duration(netRate*wide), burst: netBurst * wide}
			if d.cfg.Pace <= 0 {
				g.pace = 0
			}
			return g
		}))
	}
	for _, g := range list {
		g.users++
	}
	return list
}

// gate returns the gate of a network; new makes it. d.mu is held.
func (d *wall) gate(n netip.Prefix, new func() *gate) *gate {
	g := d.gates[n]
	if g == nil {
		g = new()
		d.gates[n] = g
	}
	return g
}

// conn gives its places back when it is closed.
type conn struct {
	net.Conn
	wall  *wall
	party *share.Party
	check *check      // whose it is; nil for the program itself, and until it connects
	path  []*gate     // the narrowest first; those behind passed are not taken
	user  *claim.User // of the address, against other processes

	mu        sync.Mutex
	scans     []*share.Scan // whose places it has, in the gates of path that it has passed
	inBacklog bool          // of the first
	left      bool
}

func (c *conn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left {
		return
	}
	c.left = true
	c.user.Leave()
	for i, scan := range c.scans {
		if i == 0 && c.inBacklog {
			c.path[i].backlog.Leave(scan)
		} else {
			c.path[i].places.Leave(scan)
		}
	}
	c.wall.mu.Lock()
	defer c.wall.mu.Unlock()
	for _, g := range c.path {
		g.users--
	}
}

// dial connects within a time, and leaves where that fails.
func (c *conn) dial(ctx context.Context, limit time.Duration, network string, to netip.AddrPort) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c.user.Begin(cancel)
	if c.Conn, err = c.wall.dial(ctx, network, to.String()); err != nil {
		c.leave()
		return c.why(err)
	}
	c.user.Begin(func() { c.Conn.Close() })
	return nil
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.why(err)
}

func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.why(err)
}

// why returns ErrLost for an error that is there since we have broken off.
func (c *conn) why(err error) error {
	if err == nil || !c.user.Lost() {
		return err
	}
	if c.check != nil {
		c.check.late.Store(true)
	}
	return ErrLost
}

// Waiting is a connection in the backlog.
type Waiting struct{ *conn }

// Enter waits until the gate admits the connection. The error is that of ctx, or
// net.ErrClosed where it was closed meanwhile.
func (w *Waiting) Enter(ctx context.Context) error {
	g := w.path[0]
	scan, err := g.places.EnterFor(ctx, w.party)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoPlace, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left {
		g.places.Leave(scan)
		return net.ErrClosed
	}
	g.backlog.Leave(w.scans[0])
	w.scans[0], w.inBacklog = scan, false
	return nil
}

// lane is how a connection passes the gates.
type lane int

const (
	talks lane = iota // once it is admitted
	waits             // in the backlog at first
	asks              // by datagrams: no connection, and no matter of other processes
)

// errAnew says that a claim was over before the connection could begin.
var errAnew = errors.New("another claim is needed")

// enter takes a place at every gate on the way to an address and waits for its turn. What it
// returns has no connection yet, but is to be dialled or left.
func (d *wall) enter(ctx context.Context, addr netip.Addr, party *share.Party, by lane) (*conn, error) {
	for {
		c := &conn{wall: d, party: party, path: d.passage(addr), inBacklog: by == waits}
		err := c.pass(ctx, by)
		if err == nil {
			return c, nil
		}
		c.leave()
		if !errors.Is(err, errAnew) {
			return nil, fmt.Errorf("%w: %w", ErrNoPlace, err)
		}
	}
}

func (c *conn) pass(ctx context.Context, by lane) (err error) {
	// Who waits for a claim has no place: those that are open under the one before need them to end.
	if by != asks {
		if c.user, err = c.path[0].claim.Enter(ctx); err != nil {
			return err
		}
	}
	for i, g := range c.path {
		queue := g.places
		if i == 0 && by == waits {
			queue = g.backlog
		}
		scan, err := queue.EnterFor(ctx, c.party)
		if err != nil {
			return err
		}
		c.scans = append(c.scans, scan)
		if i == 0 && !c.user.MayBegin() {
			return errAnew
		}
	}
	for i, g := range slices.Backward(c.path) { // that of the address is the last, and so is kept
		if err := g.turn(ctx, c.scans[i]); err != nil {
			return err
		}
	}
	if c.user.Lost() {
		return errAnew
	}
	return nil
}

// turn waits until the next connection may start.
func (g *gate) turn(ctx context.Context, scan *share.Scan) error {
	if g.door != nil {
		if err := g.door.Enter(ctx, scan); err != nil {
			return err
		}
		defer g.door.Leave(scan)
	}
	g.mu.Lock()
	now := time.Now()
	if g.next.Before(now) {
		g.next = now
	}
	start := g.next.Add(-time.Duration(g.burst-1) * g.pace)
	g.next = g.next.Add(g.pace)
	g.mu.Unlock()
	return Pause(ctx, start.Sub(now))
}

// Pause waits for d. The error is that of ctx, when that ends before.
func Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sweep drops gates that nobody uses and whose pace has run out. d.mu is held.
func (d *wall) sweep() {
	now := time.Now()
	for n, g := range d.gates {
		g.mu.Lock()
		idle := g.users == 0 && now.After(g.next)
		g.mu.Unlock()
		if idle {
			delete(d.gates, n)
		}
	}
}
