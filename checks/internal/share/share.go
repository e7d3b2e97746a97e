// Package share hands out places so that every scan gets its share: a question to the
// resolver, a connection to an address. Whoever asks for many waits behind itself, never
// before those who ask for few.
package share

import (
	"context"
	"slices"
	"sync"
)

// Scan is who asks for places: one run over a domain, or something else that stands for
// itself, such as the self-test. It is the same at every queue, and is compared by address.
type Scan struct{ _ byte }

// Party is who has one thing done for them together: the scan that does it, and those that have
// joined. What it takes comes from the shares of all of them. It is safe for concurrent use; nil
// is nobody.
type Party struct {
	own *Scan

	mu     sync.Mutex
	joined []*Scan
	wishes map[wish]int // that wait
}

// wish is where a party waits, and in whose line.
type wish struct {
	at *Queue
	by *Scan
}

// NewParty returns the party of one scan.
func NewParty(scan *Scan) *Party { return &Party{own: scan} }

// Join adds the scan of another party until leave is called.
func (p *Party) Join(other *Party) (leave func()) {
	if p == nil || other == nil {
		return func() {}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.joined = append(p.joined, other.own)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		at := slices.Index(p.joined, other.own)
		p.joined = slices.Delete(p.joined, at, at+1)
	}
}

// next returns the scan of the party whose turn at a queue comes first for one more of its
// wishes, and counts that until over is called.
func (p *Party) next(q *Queue) (scan *Scan, over func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	turns := func(by *Scan) int { return q.before(by) + p.wishes[wish{q, by}]*(len(q.turns)+1) }
	scan = p.own
	for _, other := range p.joined {
		if turns(other) < turns(scan) {
			scan = other
		}
	}
	if p.wishes == nil {
		p.wishes = make(map[wish]int)
	}
	w := wish{q, scan}
	p.wishes[w]++
	return scan, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.wishes[w]--; p.wishes[w] == 0 {
			delete(p.wishes, w)
		}
	}
}

// Queue hands out a number of places. Those of one scan wait in the order in which they came,
// and the scans take turns. It is safe for concurrent use.
type Queue struct {
	parts int

	mu    sync.Mutex
	free  int
	lines map[*Scan]*line
	turns []*line // those in which somebody waits, the next first
}

// line is what one scan has and wants. It is there as long as that is anything.
type line struct {
	held    int
	waiting []chan struct{} // closed when the place is given
}

// New returns a queue of so many places. Where parts is not zero a scan gets a further one
// only while it holds less than that part of the free ones (the dynamic threshold of Choudhury
// and Hahne, 1998): alone it has some places/(parts+1), beside n others that want all
// they can get each has some places/(parts+n+1), and who has none gets one at once.
func New(places, parts int) *Queue {
	return &Queue{parts: parts, free: places, lines: make(map[*Scan]*line)}
}

// Enter waits for a place, which Leave gives back. The error is that of ctx: no place was given.
func (q *Queue) Enter(ctx context.Context, scan *Scan) error { return q.enter(ctx, scan, false) }

// EnterFor is Enter for a party, and returns whose place it is. In the line of one who has joined
// it stands before what that one wants beside: all of them wait for the party.
func (q *Queue) EnterFor(ctx context.Context, p *Party) (*Scan, error) {
	scan, over := p.next(q)
	defer over()
	return scan, q.enter(ctx, scan, scan != p.own)
}

func (q *Queue) enter(ctx context.Context, scan *Scan, first bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q.mu.Lock()
	l := q.lines[scan]
	if l == nil {
		l = new(line)
		q.lines[scan] = l
	}
	if len(l.waiting) == 0 && q.admits(l) {
		q.give(l)
		q.mu.Unlock()
		return nil
	}
	place := make(chan struct{})
	end := len(l.waiting)
	if first {
		end = 0
	}
	if l.waiting = slices.Insert(l.waiting, end, place); len(l.waiting) == 1 {
		q.turns = append(q.turns, l)
	}
	q.mu.Unlock()
	select {
	case <-place:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(l.waiting, place)
	if at < 0 {
		return nil // it was given at the last moment
	}
	if l.waiting = slices.Delete(l.waiting, at, at+1); len(l.waiting) == 0 {
		q.turns = slices.DeleteFunc(q.turns, func(other *line) bool { return other == l })
	}
	q.drop(scan, l)
	return ctx.Err()
}

// Leave gives a place of a scan back.
func (q *Queue) Leave(scan *Scan) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[scan]
	l.held--
	q.free++
	for {
		at := slices.IndexFunc(q.turns, q.admits)
		if at < 0 {
			break
		}
		next := q.turns[at]
		q.give(next)
		close(next.waiting[0])
		next.waiting = next.waiting[1:]
		q.turns = slices.Delete(q.turns, at, at+1)
		if len(next.waiting) > 0 {
			q.turns = append(q.turns, next)
		}
	}
	q.drop(scan, l)
}

// before is how many other scans have their turn before one. q.mu is held.
func (q *Queue) before(scan *Scan) int {
	if at := slices.Index(q.turns, q.lines[scan]); at >= 0 {
		return at
	}
	return len(q.turns)
}

// admits reports whether a line may have a further place. q.mu is held.
func (q *Queue) admits(l *line) bool { return q.free > 0 && l.held*q.parts < q.free }

// give takes a place for a line. q.mu is held.
func (q *Queue) give(l *line) {
	l.held++
	q.free--
}

// drop forgets a line that has nothing and wants nothing. q.mu is held.
func (q *Queue) drop(scan *Scan, l *line) {
	if l.held == 0 && len(l.waiting) == 0 {
		delete(q.lines, scan)
	}
}
