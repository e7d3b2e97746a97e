package resolve

import (
	"net"
	"net/netip"
	"sync"
)

// A question to a resolver out there goes from a port of its own, which whoever wants to forge the
// answer has to guess. Nobody out there can send as a loopback address: to a
// resolver on this machine sockets are used again, one question at a time, as opening one costs more
// than the question. What comes late for an earlier question has another id, and is ignored.

// sockets are those to resolvers on this machine that wait for their next question. The collector
// closes what has waited long.
type sockets map[netip.AddrPort]*sync.Pool

func newSockets(peers []netip.AddrPort) sockets {
	s := make(sockets)
	for _, peer := range peers {
		if peer.Addr().Unmap().IsLoopback() {
			s[peer] = new(sync.Pool)
		}
	}
	return s
}

// take returns one that waits, or nil.
func (s sockets) take(network string, peer netip.AddrPort) net.Conn {
	if pool := s[peer]; pool != nil && network == "udp" {
		if conn, ok := pool.Get().(net.Conn); ok {
			return conn
		}
	}
	return nil
}

// keep takes one back that has had its answer, and reports whether it did: the network's own only,
// so that a world in memory sees each conversation end.
func (s sockets) keep(network string, peer netip.AddrPort, conn net.Conn) bool {
	pool := s[peer]
	if _, own := conn.(*net.UDPConn); pool == nil || network != "udp" || !own {
		return false
	}
	pool.Put(conn)
	return true
}
