package processes

import (
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// server counts the connections that are there together.
type server struct {
	addr netip.AddrPort

	mu   sync.Mutex
	open map[*net.TCPConn]bool
	most int
}

func listen(address string) (*server, error) {
	l, err := net.Listen("tcp4", address)
	if err != nil {
		return nil, err
	}
	s := &server{addr: netip.MustParseAddrPort(address), open: make(map[*net.TCPConn]bool)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.accept(c.(*net.TCPConn))
		}
	}()
	return s, nil
}

func (s *server) accept(c *net.TCPConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = true
	n := 0
	for other := range s.open {
		if !ended(other) {
			n++
		}
	}
	s.most = max(s.most, n)
	go func() {
		c.Read(make([]byte, 1)) // nothing comes: it is over
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, c)
		c.Close()
	}()
}

// reset returns the most that were there together, and begins anew.
func (s *server) reset() (most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	most, s.most = s.most, 0
	return most
}

// ended reports whether the client has closed a connection, also where nobody has read that yet.
func ended(c *net.TCPConn) (over bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	err = raw.Control(func(fd uintptr) {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		over = n == 0 && err == nil || err != nil && err != syscall.EAGAIN
	})
	return over || err != nil
}
