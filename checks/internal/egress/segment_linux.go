package egress

import "syscall"

// smallSegment is the most octets of a TCP segment that a name server is to send us: with its
// headers it stays below what tunnels and ill-configured firewalls let pass.
const smallSegment = 1200

// smallSegments asks the other side for small segments. DNS over TCP carries what was too
// long for a datagram: it must not be lost on a path that drops long packets without a word.
// Where the system does not do so, the usual size serves.
func smallSegments(c syscall.RawConn) {
	c.Control(func(fd uintptr) {
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, smallSegment)
	})
}
