// Package claims sees to it that of several processes that share a PostgreSQL one at a time has an
// address. Each process has a session there, which is a row with a number that it raises again and again,
// its beat, and a claim is a row that names the session.
//
// What it promises:
//   - No two processes have the same claim, and no process has one twice.
//   - A process that cannot raise its beat for a lease tells whoever has a claim that it is lost, by its
//     own clock, whether or not it hears of the database. Only after silence, which is longer, do others
//     that have watched the beat stand still all along take its session away, each by its own clock:
//     clocks need not agree, and a database that is away for less than a lease breaks off nothing.
//   - Whatever a process asks for names the beat that it knows. What arrives late, from a connection given
//     up long ago, changes nothing.
//   - Nothing outlives a transaction: a pooler may lie in between.
//
// Some processes go first: those for whose work people wait. Whoever has what one of them waits for, and
// does not go first itself, hears so within hearTime and is asked to yield; what it has begun it may finish.
// Then it rests for a while, as between equals, so that the other gets it. A process that goes first does
// not rest for those that do not; so that they have their turn all the same, it has to leave by itself, now
// and then, what it uses without end (checks/internal/egress/claim does).
//
// The database has to keep what it commits. With synchronous_commit off, or after a failover to a standby
// that missed the last transactions, two processes may have a claim until one raises its beat (beat).
package claims

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	firstTry = 25 * time.Millisecond  // until a claim that another process has is asked for again; then twice that …
	lastTry  = 500 * time.Millisecond // … up to this …
	soonTry  = 100 * time.Millisecond // … or, for a process that goes first, this
	restTime = time.Second            // in which a process does not ask again for what it gave back and others want
)

// ErrClosed says that the process is ending.
var ErrClosed = errors.New("claims are closed")

// Claims are those of one process. It is safe for concurrent use.
type Claims struct {
	log    *slog.Logger
	config *pgx.ConnConfig
	first  bool // whether this process goes first
	stop   context.CancelFunc
	done   chan struct{} // closed when everything was given back
	wake   chan struct{} // has room for one: there is something to say
	trips  atomic.Int64
	others map[int64]watched // the sessions of other processes; only run's
	beat   int64             // of the session; only run's

	mu     sync.Mutex
	wanted map[*want]struct{}
	held   map[int64]*want
	freed  []int64 // that the database may still have as ours
	lease  lease
	away   error // why the database cannot be asked; nil while it can

	contested map[int64]bool      // what other processes waited for when they were last heard of; true: one that goes first
	rests     map[int64]time.Time // until which what was contested is not asked for again
}

// want is a claim that somebody waits for, or has.
type want struct {
	key   int64
	lost  func()
	yield func()        // nil once it was called
	got   chan struct{} // closed when it was given
	next  time.Time     // when it is asked for
	pause time.Duration // until it is asked for again
}

// Open connects to a database whose schema is up to date and keeps a session there until Close. first says
// that this process goes first. The error says why there is no session to begin with.
func Open(ctx context.Context, url string, first bool, log *slog.Logger) (*Claims, error) {
	config, err := configure(url)
	if err != nil {
		return nil, err
	}
	c := &Claims{log: log, config: config, first: first, done: make(chan struct{}), wake: make(chan struct{}, 1),
		others: make(map[int64]watched), rests: make(map[int64]time.Time), wanted: make(map[*want]struct{}), held: make(map[int64]*want)}
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("claims: no session with the database (is it up, and may this user connect?): %w", err)
	}
	ctx, c.stop = context.WithCancel(context.Background())
	go c.run(ctx, conn)
	return c, nil
}

// Close gives everything back and ends the session.
func (c *Claims) Close() {
	c.stop()
	<-c.done
}

// Trips returns how often the database was asked for something.
func (c *Claims) Trips() int64 { return c.trips.Load() }

// Claim waits until no other process has an address and takes it, until release is called; lost is
// called once, and may not wait, where it is lost before. Release then does nothing. yield is called at most
// once, may not wait either, and says that a process that goes first waits for the address, which is to be
// released soon, or just was. The error says why the address was not to be had until ctx ended, or is ErrClosed.
func (c *Claims) Claim(ctx context.Context, addr netip.Addr, lost, yield func()) (release func(), err error) {
	w := &want{key: key(addr), lost: lost, yield: yield, got: make(chan struct{}), pause: firstTry}
	c.mu.Lock()
	c.wanted[w] = struct{}{}
	c.mu.Unlock()
	c.speak()
	select {
	case <-w.got:
		return func() { c.release(w) }, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-c.done:
		err = ErrClosed
	}
	c.release(w)
	return nil, fmt.Errorf("claims: %v was not to be had (%s): %w", addr, c.obstacle(), err)
}

// speak has run look at what there is to say.
func (c *Claims) speak() {
	select {
	case c.wake <- struct{}{}:
	default: // it will
	}
}

func (c *Claims) obstacle() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away != nil {
		return "the database is away: " + c.away.Error()
	}
	return "another process has it"
}

// release gives a claim back, or no longer wants it.
func (c *Claims) release(w *want) {
	c.mu.Lock()
	delete(c.wanted, w)
	had := c.held[w.key] == w
	if had {
		delete(c.held, w.key)
		c.freed = append(c.freed, w.key)
		if first, contested := c.contested[w.key]; first || contested && !c.first {
			c.rests[w.key] = time.Now().Add(restTime)
		}
	}
	c.mu.Unlock()
	if had {
		c.speak()
	}
}

// hear notes what other processes wait for, and asks whoever has what one that goes first waits for to yield.
func (c *Claims) hear(contested map[int64]bool) {
	var yields []func()
	c.mu.Lock()
	c.contested = contested
	for key, w := range c.held {
		if contested[key] && !c.first && w.yield != nil {
			yields = append(yields, w.yield)
			w.yield = nil
		}
	}
	c.mu.Unlock()
	for _, yield := range yields {
		yield()
	}
}

// due returns what the database is to be told now: claims that are given back, and those that are wanted,
// each once; and when more is wanted, at the latest until.
func (c *Claims) due(now, until time.Time) (freed []int64, asked map[int64]*want, next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.rests, func(_ int64, end time.Time) bool { return !end.After(now) })
	asked = make(map[int64]*want)
	for w := range c.wanted {
		if c.held[w.key] != nil || asked[w.key] != nil {
			continue
		}
		next := w.next
		if rest := c.rests[w.key]; rest.After(next) {
			next = rest
		}
		if !next.After(now) {
			asked[w.key] = w
		} else if next.Before(until) {
			until = next
		}
	}
	freed, c.freed = c.freed, nil
	return freed, asked, until
}

// refused returns what this process waits for since another has it.
func (c *Claims) refused() []int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := []int64{}
	for w := range c.wanted {
		if w.pause > firstTry {
			keys = append(keys, w.key)
		}
	}
	return keys
}

// unsaid notes that the database may not have heard what due returned, or have heard it without an answer.
func (c *Claims) unsaid(freed []int64, asked map[int64]*want) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.freed = append(c.freed, freed...)
	for key := range asked {
		c.freed = append(c.freed, key)
	}
}

// answered notes which claims the database gave a session of those that it was asked for, and reports whether
// that is still used.
func (c *Claims) answered(session int64, asked map[int64]*want, given map[int64]bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lease.session != session {
		return false
	}
	last := lastTry
	if c.first {
		last = soonTry
	}
	for key, w := range asked {
		_, wanted := c.wanted[w]
		switch {
		case given[key] && wanted:
			delete(c.wanted, w)
			c.held[key] = w
			close(w.got)
		case given[key]:
			c.freed = append(c.freed, key)
		default:
			w.next = time.Now().Add(w.pause/2 + rand.N(w.pause))
			w.pause = min(2*w.pause, last)
		}
	}
	return true
}

// key is the number of an address in the database.
func key(addr netip.Addr) int64 {
	sum := sha256.Sum256([]byte("mxseal address " + addr.Unmap().String()))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}
