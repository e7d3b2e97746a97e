package lab

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// window is how many octets one direction of a connection holds before a writer has to wait.
const window = 1 << 18

// conn is one end of a connection in memory. Unlike that of net.Pipe it is buffered, so
// that both ends may write at once, and it takes time: what is written arrives later.
// It waits on channels and timers only, as a testing/synctest bubble demands.
type conn struct {
	in, out       *pipe
	local, remote net.Addr
}

// Pipe returns the two ends of a connection in memory, at once at the other end, for servers that
// are no part of a lab. With packets it is as by UDP.
func Pipe(client, server net.Addr, packets bool) (near, far net.Conn) {
	ours, theirs := newConns(client, server, 0, packets)
	if packets {
		return packetConn{ours}, theirs
	}
	return ours, theirs
}

// newConns returns the two ends of a connection whose octets travel for delay each way.
// With packets every Read gives what one Write gave, as UDP does.
func newConns(client, server net.Addr, delay time.Duration, packets bool) (near, far *conn) {
	there, back := newPipe(delay, packets), newPipe(delay, packets)
	return &conn{in: back, out: there, local: client, remote: server},
		&conn{in: there, out: back, local: server, remote: client}
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	return n, c.wrap("read", err)
}

func (c *conn) Write(b []byte) (int, error) {
	n, err := c.out.write(b)
	return n, c.wrap("write", err)
}

// Close ends both directions: the peer reads what is on its way, then io.EOF.
func (c *conn) Close() error {
	c.out.end()
	c.in.abandon()
	return nil
}

// hungUp reports whether the peer has closed, though word of it may be on its way.
func (c *conn) hungUp() bool {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.in.ended
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.change(func(p *pipe) { p.readBy = t })
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.change(func(p *pipe) { p.writeBy = t })
	return nil
}

func (c *conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: c.local.Network(), Source: c.local, Addr: c.remote, Err: err}
}

// packetConn is the near end of a connection by UDP. Its two further methods are what DNS
// libraries tell datagrams from streams by.
type packetConn struct{ *conn }

func (c packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := c.Read(b)
	return n, c.remote, err
}

func (c packetConn) WriteTo(b []byte, _ net.Addr) (int, error) { return c.Write(b) }

// pipe is one direction of a connection.
type pipe struct {
	delay   time.Duration
	packets bool

	mu              sync.Mutex
	changed         chan struct{} // closed, and replaced, whenever anything below changes
	chunks          []chunk       // on their way, in order
	size            int           // octets in chunks
	ended           bool          // the writer has closed
	abandoned       bool          // the reader has closed
	readBy, writeBy time.Time     // deadlines; zero for none
}

// chunk is what one Write gave; data is nil where the writer closed.
type chunk struct {
	arrives time.Time
	data    []byte
}

func newPipe(delay time.Duration, packets bool) *pipe {
	return &pipe{delay: delay, packets: packets, changed: make(chan struct{})}
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := time.Now()
		if p.abandoned {
			return 0, net.ErrClosed
		}
		if over(p.readBy, now) {
			return 0, os.ErrDeadlineExceeded
		}
		var next time.Time
		if len(p.chunks) > 0 {
			if next = p.chunks[0].arrives; !next.After(now) {
				return p.take(b, now)
			}
		}
		p.wait(p.readBy, next)
	}
}

// take fills b from what has arrived; p.mu is held and the first chunk has arrived.
func (p *pipe) take(b []byte, now time.Time) (n int, err error) {
	for len(p.chunks) > 0 && !p.chunks[0].arrives.After(now) {
		first := &p.chunks[0]
		if first.data == nil {
			if n == 0 {
				err = io.EOF
			}
			break
		}
		k := copy(b[n:], first.data)
		n += k
		if k < len(first.data) && !p.packets {
			first.data = first.data[k:]
			p.size -= k
			break
		}
		p.size -= len(first.data) // the rest of a packet is lost, as with UDP
		p.chunks = p.chunks[1:]
		if p.packets {
			break
		}
	}
	p.notify()
	return n, err
}

func (p *pipe) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case p.ended:
			return 0, net.ErrClosed
		case p.abandoned:
			return 0, syscall.EPIPE
		case over(p.writeBy, now):
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case p.size < window:
			p.chunks = append(p.chunks, chunk{now.Add(p.delay), append([]byte(nil), b...)})
			p.size += len(b)
			p.notify()
			return len(b), nil
		}
		p.wait(p.writeBy)
	}
}

// end is the writer's Close.
func (p *pipe) end() {
	p.change(func(p *pipe) {
		if !p.ended {
			p.ended = true
			p.chunks = append(p.chunks, chunk{arrives: time.Now().Add(p.delay)})
		}
	})
}

// abandon is the reader's Close: nobody will read what is still on its way.
func (p *pipe) abandon() {
	p.change(func(p *pipe) { p.abandoned, p.chunks, p.size = true, nil, 0 })
}

func (p *pipe) change(f func(*pipe)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
	p.notify()
}

// notify wakes everybody who waits; p.mu is held.
func (p *pipe) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait lets go of p.mu until something changes or the earliest of the given times has
// come; a zero time never comes.
func (p *pipe) wait(times ...time.Time) {
	changed := p.changed
	p.mu.Unlock()
	defer p.mu.Lock()
	var earliest time.Time
	for _, t := range times {
		if !t.IsZero() && (earliest.IsZero() || t.Before(earliest)) {
			earliest = t
		}
	}
	if earliest.IsZero() {
		<-changed
		return
	}
	timer := time.NewTimer(time.Until(earliest))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	}
}

func over(deadline, now time.Time) bool { return !deadline.IsZero() && !deadline.After(now) }
