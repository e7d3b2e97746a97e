package smtptest

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Pipe returns the two ends of a connection in memory. Bytes arrive a delay after they
// were written; writing never waits for the reader, as on a network with room to spare.
func Pipe(delay time.Duration) (client, server net.Conn) {
	up, down := newStream(delay), newStream(delay)
	return &end{in: down, out: up}, &end{in: up, out: down}
}

// stream is one direction.
type stream struct {
	delay time.Duration

	mu       sync.Mutex
	chunks   []chunk
	finished bool // the writer closed
	gone     bool // the reader closed
	deadline time.Time
	changed  chan struct{} // closed and replaced whenever a reader should look again
}

type chunk struct {
	due  time.Time
	data []byte
}

func newStream(delay time.Duration) *stream {
	return &stream{delay: delay, changed: make(chan struct{})}
}

// change alters the stream and wakes its reader.
func (s *stream) change(alter func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	alter()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *stream) read(p []byte) (int, error) {
	for {
		s.mu.Lock()
		now := time.Now()
		var wait time.Duration = -1
		switch {
		case s.gone:
			s.mu.Unlock()
			return 0, net.ErrClosed
		case !s.deadline.IsZero() && !now.Before(s.deadline):
			s.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		case len(s.chunks) > 0 && !now.Before(s.chunks[0].due):
			n := copy(p, s.chunks[0].data)
			if s.chunks[0].data = s.chunks[0].data[n:]; len(s.chunks[0].data) == 0 {
				s.chunks = s.chunks[1:]
			}
			s.mu.Unlock()
			return n, nil
		case len(s.chunks) > 0:
			wait = s.chunks[0].due.Sub(now)
		case s.finished:
			s.mu.Unlock()
			return 0, io.EOF
		}
		if !s.deadline.IsZero() && (wait < 0 || s.deadline.Sub(now) < wait) {
			wait = s.deadline.Sub(now)
		}
		changed := s.changed
		s.mu.Unlock()
		if wait < 0 {
			<-changed
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-changed:
		case <-t.C:
		}
		t.Stop()
	}
}

func (s *stream) write(p []byte) (n int, err error) {
	s.change(func() {
		if s.finished || s.gone {
			err = io.ErrClosedPipe
			return
		}
		n = len(p)
		s.chunks = append(s.chunks, chunk{time.Now().Add(s.delay), append([]byte(nil), p...)})
	})
	return n, err
}

type end struct{ in, out *stream }

func (e *end) Read(p []byte) (int, error)  { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error) { return e.out.write(p) }

func (e *end) Close() error {
	e.out.change(func() { e.out.finished = true })
	e.in.change(func() { e.in.gone = true })
	return nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.in.change(func() { e.in.deadline = t })
	return nil
}

func (e *end) SetWriteDeadline(time.Time) error { return nil }
func (e *end) SetDeadline(t time.Time) error    { return e.SetReadDeadline(t) }
func (e *end) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (e *end) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
