package claims

import (
	"errors"
	"maps"
	"slices"
	"time"
)

// leaseTime is how long a session is used after the last number that was answered; then all claims are lost.
const leaseTime = 10 * time.Second

// lease is how long this process may use its session. Guarded by the mutex of the claims.
type lease struct {
	session int64 // 0 while there is none
	former  int64 // that was lost, and has to be ended before another begins; 0 if none
	expires time.Time
	timer   *time.Timer
}

// having returns the session, 0 where there is none, and which keys it has.
func (c *Claims) having() (session int64, held []int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lease.session, slices.AppendSeq([]int64{}, maps.Keys(c.held))
}

// extend notes that the database answered what was sent at a time, and reports whether the session is still
// used: its lease may have ended meanwhile.
func (c *Claims) extend(session int64, sent time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lease.session != session {
		return false
	}
	c.lease.expires = sent.Add(leaseTime)
	c.lease.timer.Reset(time.Until(c.lease.expires))
	return true
}

// expire ends the use of a session whose lease was not extended.
func (c *Claims) expire(session int64) {
	c.mu.Lock()
	left := time.Until(c.lease.expires)
	current := c.lease.session == session
	if current && left > 0 { // it was, just now
		c.lease.timer.Reset(left)
	}
	c.mu.Unlock()
	if current && left <= 0 {
		c.lose(session, errExpired)
	}
}

// lose ends the use of a session, once, and tells everybody who had a claim.
func (c *Claims) lose(session int64, why error) {
	c.mu.Lock()
	if c.lease.session != session {
		c.mu.Unlock()
		return
	}
	c.lease.session, c.lease.former = 0, session
	c.lease.timer.Stop()
	held, away := c.held, c.away
	c.held = make(map[int64]*want)
	c.mu.Unlock()
	for _, w := range held {
		w.lost()
	}
	if why != ErrClosed {
		c.log.Warn("what was open under the claims of this process was broken off", "claims", len(held), "error", errors.Join(why, away))
	}
}
