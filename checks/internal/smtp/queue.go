package smtp

import (
	"context"
	"net"
	"sync"

	"mxseal/checks/internal/egress"
)

// Queue keeps connections ahead to a server that is slow to greet: they wait side by side,
// and only those that the gate admits say anything. It is safe for concurrent use.
type Queue struct {
	ctx   context.Context
	stop  context.CancelFunc
	peer  *egress.Peer
	cfg   Config
	ready chan arrival

	mu    sync.Mutex
	ahead int // connections that were asked for and not taken
}

// arrival is a connection that has been greeted, or why not.
type arrival struct {
	session *Session
	waiting *egress.Waiting
	err     error
}

// NewQueue returns a queue without connections. It is to be closed.
func NewQueue(ctx context.Context, peer *egress.Peer, cfg Config) *Queue {
	q := &Queue{peer: peer, cfg: cfg, ready: make(chan arrival, egress.Porch)}
	q.ctx, q.stop = context.WithCancel(ctx)
	return q
}

// UpToTLS is UpToTLS on the connection that has waited longest. About more further ones
// will be wanted.
func (q *Queue) UpToTLS(ctx context.Context, more int) (*Session, error) {
	q.fill(1 + more)
	var a arrival
	select {
	case a = <-q.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	q.mu.Lock()
	q.ahead--
	q.mu.Unlock()
	q.fill(more)
	if a.err != nil {
		return a.session, a.err
	}
	if err := a.waiting.Enter(ctx); err != nil {
		a.session.Close()
		return a.session, a.session.fail(err)
	}
	return a.session, a.session.upToTLS()
}

// fill asks for connections until n are ahead, or as many as there is room for.
func (q *Queue) fill(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for ; q.ahead < min(n, egress.Porch); q.ahead++ {
		go func() {
			var a arrival
			a.session, a.err = greeted(q.ctx, q.peer, q.cfg, func(ctx context.Context) (net.Conn, error) {
				var err error
				if a.waiting, err = q.peer.DialAhead(ctx); err != nil {
					return nil, err
				}
				return a.waiting, nil
			})
			q.ready <- a
		}()
	}
}

// Close takes leave of the connections that nobody took, and returns how many there were.
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
	return unused
}
