// Package claim has the processes that look at the same servers take turns at an address: one of them
// at a time has it. So that nobody waits for long, others have a chance after some seconds, and one that
// goes first has it at once.
package claim

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	claimTime = 10 * time.Second       // from when on nobody enters, until other processes had their chance
	claimRest = 500 * time.Millisecond // which lasts so long at least, and twice that at most
)

// Ask makes this process the only one that has an address, until release is called; lost is called
// once where that ends before, and yield where another process is to have it soon. None of them waits. The
// error is that of ctx, or says why nothing can be claimed.
type Ask func(ctx context.Context, lost, yield func()) (release func(), err error)

// Claim is what this process has of an address. It is safe for concurrent use. Nil is that of a process
// without others: everybody enters.
type Claim struct {
	ask    Ask
	asking chan struct{} // has room for one who waits for the address; the others wait for that one

	mu   sync.Mutex
	held *hold     // nil while this process does not have the address
	ends time.Time // nobody enters after it …
	rest time.Time // … until this, when others had their chance
}

// hold is one time that this process has the address, guarded by the mutex of the claim.
type hold struct {
	release func()
	users   map[*User]bool
	over    chan struct{} // closed when the address was given back or lost
	lost    bool
	yields  bool // nobody enters any more
}

// User is one connection to the address. Nil is one to which no other process matters.
type User struct {
	of       *Claim
	hold     *hold
	breakOff func() // nil before it has begun
}

// New returns a claim that is not held.
func New(ask Ask) *Claim { return &Claim{ask: ask, asking: make(chan struct{}, 1)} }

// Enter waits until this process has the address and may begin something there, and counts that until
// Leave. The error is that of ctx, or says why the address cannot be claimed.
func (c *Claim) Enter(ctx context.Context) (*User, error) {
	if c == nil {
		return nil, nil
	}
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		u, over := c.join()
		switch {
		case u != nil:
			return u, nil
		case over == nil:
			if u, err := c.take(ctx); u != nil || err != nil {
				return u, err
			}
		default:
			select {
			case <-over:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
}

// join counts one in. Where it may not begin, over is closed once those that have begun are gone, and nil
// where this process does not have the address.
func (c *Claim) join() (u *User, over <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.held == nil:
		return nil, nil
	case time.Now().Before(c.ends):
		return c.use(c.held), nil
	}
	return nil, c.held.over
}

// use counts one in. c.mu is held.
func (c *Claim) use(h *hold) *User {
	u := &User{of: c, hold: h}
	h.users[u] = true
	return u
}

// take claims the address and counts one in; nil where it was lost at once.
func (c *Claim) take(ctx context.Context) (*User, error) {
	select {
	case <-time.After(c.pause()):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	h := &hold{users: make(map[*User]bool), over: make(chan struct{})}
	var err error
	if h.release, err = c.ask(ctx, func() { c.lose(h) }, func() { c.yield(h) }); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.lost {
		return nil, nil
	}
	if now := time.Now(); h.yields {
		c.ends = now
	} else if !now.Before(c.rest) { // otherwise no other had a chance since it was given back
		c.ends = now.Add(claimTime)
	}
	c.held = h
	return c.use(h), nil
}

// pause is for how long others have their chance now.
func (c *Claim) pause() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); !now.Before(c.ends) {
		return c.rest.Sub(now)
	}
	return 0
}

// lose breaks off what has begun, before anything else can.
func (c *Claim) lose(h *hold) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.lost = true
	for u := range h.users {
		if u.breakOff != nil {
			u.breakOff()
		}
	}
	if c.held == h {
		c.end()
	}
}

// yield lets nobody enter any more, nor begin. Those that have begun go on.
func (c *Claim) yield(h *hold) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.yields = true
	if c.held == h {
		c.ends = time.Now()
	}
}

// end notes that the address is no longer this process's. c.mu is held.
func (c *Claim) end() {
	close(c.held.over)
	c.held = nil
	c.rest = time.Now().Add(claimRest + rand.N(claimRest))
}

// MayBegin reports whether this process still has the address, and others need no chance yet.
func (u *User) MayBegin() bool {
	if u == nil {
		return true
	}
	u.of.mu.Lock()
	defer u.of.mu.Unlock()
	return u.of.held == u.hold && time.Now().Before(u.of.ends)
}

// Begin says what breaks the connection off where the address is lost: at once if it is. It may not wait.
func (u *User) Begin(breakOff func()) {
	if u == nil {
		return
	}
	u.of.mu.Lock()
	defer u.of.mu.Unlock()
	if u.breakOff = breakOff; u.hold.lost {
		breakOff()
	}
}

// Lost reports whether another process may have the address.
func (u *User) Lost() bool {
	if u == nil {
		return false
	}
	u.of.mu.Lock()
	defer u.of.mu.Unlock()
	return u.hold.lost
}

// Leave counts one out. The last gives the address back.
func (u *User) Leave() {
	if u == nil {
		return
	}
	u.of.mu.Lock()
	defer u.of.mu.Unlock()
	delete(u.hold.users, u)
	if len(u.hold.users) == 0 && u.of.held == u.hold {
		u.of.end()
		u.hold.release() // before anybody asks for it again
	}
}
