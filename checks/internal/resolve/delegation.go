package resolve

import (
	"fmt"
	"net/netip"
)

// delegation is a zone with the servers that the zone above names for it.
type delegation struct {
	zone    string
	servers []server
	above   *delegation // nil where the way began
}

// server is a name server at one of its addresses; addr is invalid where it has none.
type server struct {
	name string
	addr netip.Addr
}

func (s server) String() string {
	if !s.addr.IsValid() {
		return plain(s.name)
	}
	return fmt.Sprintf("%s (%v)", plain(s.name), s.addr)
}
