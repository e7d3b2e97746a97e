package egress

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// gate admits a bounded number of connections to one address and spaces their starts. Before
// it is a porch, for connections that wait for a slow greeting: to wait side by side costs a
// server little, and us a fraction of the time.
type gate struct {
	places place
	porch  place
	users  int // callers inside enter or holding a place; guarded by wall.mu
	mu     sync.Mutex
	next   time.Time // earliest start of the next connection
}

// place holds as many as it has room for.
type place chan struct{}

func (p place) take(ctx context.Context) error {
	select {
	case p <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNoPlace, ctx.Err())
	}
}

func (p place) free() { <-p }

const (
	// Porch is how many connections to one address may wait for its greeting beside those
	// that the gate has admitted.
	Porch = 6

	idleGates = 1024 // kept in all before those nobody uses are dropped
)

// conn gives its place in the gate back when it is closed.
type conn struct {
	net.Conn
	gate    *gate
	release func() // of the gate

	mu sync.Mutex
	at place // nil once it is left
}

func (c *conn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at != nil {
		c.at.free()
		c.at = nil
		c.release()
	}
}

// Waiting is a connection on the porch.
type Waiting struct{ *conn }

// Enter waits until the gate admits the connection. The error is that of ctx, or
// net.ErrClosed where it was closed meanwhile.
func (w *Waiting) Enter(ctx context.Context) error {
	inside := w.gate.places
	if err := inside.take(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at == nil {
		inside.free()
		return net.ErrClosed
	}
	w.at.free()
	w.at = inside
	return nil
}

// enter takes a place at the gate of an address and waits for its turn. What it returns has
// no connection yet, but is to be closed or left.
func (d *wall) enter(ctx context.Context, addr netip.Addr, where func(*gate) place) (*conn, error) {
	d.mu.Lock()
	g := d.gates[addr]
	if g == nil {
		if len(d.gates) >= idleGates {
			d.sweep()
		}
		g = &gate{places: make(place, d.cfg.MaxConns), porch: make(place, Porch)}
		d.gates[addr] = g
	}
	g.users++
	d.mu.Unlock()
	release := func() {
		d.mu.Lock()
		g.users--
		d.mu.Unlock()
	}
	at := where(g)
	if err := at.take(ctx); err != nil {
		release()
		return nil, err
	}
	c := &conn{gate: g, release: release, at: at}
	if err := g.turn(ctx, d.cfg.Pace); err != nil {
		c.leave()
		return nil, fmt.Errorf("%w: %w", ErrNoPlace, err)
	}
	return c, nil
}

// turn waits until the next connection may start.
func (g *gate) turn(ctx context.Context, pace time.Duration) error {
	g.mu.Lock()
	now := time.Now()
	start := now
	if g.next.After(now) {
		start = g.next
	}
	g.next = start.Add(pace)
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
	for a, g := range d.gates {
		g.mu.Lock()
		idle := g.users == 0 && now.After(g.next)
		g.mu.Unlock()
		if idle {
			delete(d.gates, a)
		}
	}
}
