package smtp

import (
	"context"
	"net"
	"slices"
	"sync"

	"mxseal/checks/internal/egress"
)

// Queue keeps connections ahead, so that those to come are greeted while others talk: they wait
// side by side, and only those that the gate admits say anything. Where the server lets in fewer than that,
// fewer are kept, and what it turned away is tried again. It is safe for concurrent use.
type Queue struct {
	ctx   context.Context
	stop  context.CancelFunc
	peer  *egress.Peer
	cfg   Config
	ready chan arrival

	mu    sync.Mutex
	takes int // callers that wait for a connection
	ahead int // connections that were asked for and not taken
	width int // how many may be
	tried int // connections that were turned away and tried again
}

// arrival is a connection that has been greeted, or why not.
type arrival struct {
	session *Session
	waiting *egress.Waiting
	err     error
}

// NewQueue returns a queue that keeps so many connections ahead at most, and has none as yet. It
// is to be closed.
func NewQueue(ctx context.Context, peer *egress.Peer, cfg Config, width int) *Queue {
	q := &Queue{peer: peer, cfg: cfg, ready: make(chan arrival, width), width: width}
	q.ctx, q.stop = context.WithCancel(ctx)
	return q
}

// UpToTLS is UpToTLS on the connection that has waited longest. About more further ones
// will be wanted. One that was turned away to the last counts only where none is left that
// may still be let in.
func (q *Queue) UpToTLS(ctx context.Context, more int) (*Session, error) {
	q.fill(1, more)
	var a arrival
	for left := 1; left > 0 && (a == arrival{} || TurnedAway(a.err)); {
		select {
		case a = <-q.ready:
		case <-ctx.Done():
			q.fill(-1, 0)
			return nil, ctx.Err()
		}
		left = q.took(a)
	}
	q.fill(-1, more)
	if a.err != nil {
		return a.session, a.err
	}
	if err := a.waiting.Enter(ctx); err != nil {
		a.session.Close()
		return a.session, a.session.fail(err)
	}
	return a.session, a.session.upToTLS()
}

// took counts a connection off, and returns how many are still ahead for this caller.
func (q *Queue) took(a arrival) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ahead--
	left := q.ahead - (q.takes - 1)
	if left > 0 && TurnedAway(a.err) {
		q.tried++
	}
	return left
}

// fill counts a caller in (1) or out (-1), and asks for connections until there is one for each
// that waits, and more beside that of a new one; or as many as there is room for.
func (q *Queue) fill(caller, more int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.takes += caller
	for ; q.ahead < min(max(q.takes, max(caller, 0)+more), q.width); q.ahead++ {
		go func() { q.ready <- q.arrive() }()
	}
}

// arrive makes one connection and waits for the greeting, anew after a pause where the server
// has no place for it.
func (q *Queue) arrive() (a arrival) {
	for _, pause := range append(slices.Clone(Pauses), 0) {
		a.session, a.err = greeted(q.ctx, q.peer, q.cfg, func(ctx context.Context) (net.Conn, error) {
			var err error
			if a.waiting, err = q.peer.DialAhead(ctx); err != nil {
				return nil, err
			}
			return a.waiting, nil
		})
		if pause == 0 || !TurnedAway(a.err) || q.ctx.Err() != nil {
			break
		}
		q.narrow()
		if egress.Pause(q.ctx, pause) != nil {
			break
		}
	}
	return a
}

// narrow keeps half as many connections from now on, and counts one more that is tried again.
func (q *Queue) narrow() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.width = max(1, q.width/2)
	q.tried++
}

// Close takes leave of the connections that nobody took, and returns how many there were, with
// those that had to be tried again.
func (q *Queue) Close() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	unused := q.ahead
	for ; q.ahead > 0; q.ahead-- {
		var a arrival
		select {
		case a = <-q.ready: // has been greeted
		default:
			q.stop()
			a = <-q.ready
		}
		if a.err == nil && a.waiting.Enter(q.ctx) == nil {
			a.session.Quit()
		} else if a.session != nil {
			a.session.Close()
		}
	}
	q.stop()
	return unused + q.tried
}
