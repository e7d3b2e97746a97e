package lab

import (
	"io"
	"net"
	"net/netip"
	"syscall"
)

// openHole makes an address that swallows connections: its queue holds one, which is in
// it, and Linux leaves what comes after without an answer.
func openHole(addr netip.AddrPort) (io.Closer, error) {
	s, err := net.Listen("tcp", addr.String())
	if err != nil {
		return nil, err
	}
	raw, err := s.(*net.TCPListener).SyscallConn()
	if err != nil {
		s.Close()
		return nil, err
	}
	var shrunk error
	if err := raw.Control(func(fd uintptr) { shrunk = syscall.Listen(int(fd), 0) }); err != nil || shrunk != nil {
		s.Close()
		return nil, shrunk
	}
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		s.Close()
		return nil, err
	}
	return plugged{s, c}, nil
}

// plugged is a listener with the connection that fills its queue.
type plugged struct{ listener, plug io.Closer }

func (p plugged) Close() error {
	p.plug.Close()
	return p.listener.Close()
}
