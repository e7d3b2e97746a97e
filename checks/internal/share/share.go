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
func (q *Queue) Enter(ctx context.Context, scan *Scan) error {
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
	if l.waiting = append(l.waiting, place); len(l.waiting) == 1 {
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
