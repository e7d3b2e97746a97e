package main

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
)

const (
	maxConnections    = 4096 // of readers, at a time
	clientConnections = 256  // of one reader's network (IPv6: /64), unless that is a proxy
)

// crowd lets in so many connections, and of one network so many. For one more, that which has
// had nothing to say for the longest time makes room; where all are busy, the new one is closed.
// Proxies, and those on this machine or in its network, have no share: they come for many.
type crowd struct {
	proxies         []netip.Prefix
	most, ofNetwork int // connections at a time

	mu    sync.Mutex
	total int
	of    map[netip.Prefix]int
	idle  list.List // of *visit, what has been idle for the longest time at the front
}

// visit is a connection of the crowd.
type visit struct {
	net.Conn
	crowd *crowd
	from  netip.Prefix  // zero without a share
	idle  *list.Element // nil while it is busy
	left  bool
}

func newCrowd(proxies []netip.Prefix) *crowd {
	return &crowd{proxies: proxies, most: maxConnections, ofNetwork: clientConnections, of: make(map[netip.Prefix]int)}
}

// door is one of the listeners by which the crowd comes.
type door struct {
	net.Listener
	crowd *crowd
}

// at returns a listener through which the crowd is let in.
func (c *crowd) at(l net.Listener) door { return door{l, c} }

// Accept returns the next connection for which there is room.
func (d door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if v := d.crowd.enter(conn); v != nil {
			return v, nil
		}
		conn.Close()
	}
}

// enter counts a connection; nil where there is no room.
func (c *crowd) enter(conn net.Conn) *visit {
	v := &visit{Conn: conn, crowd: c, from: c.network(conn)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.from.IsValid() && c.of[v.from] >= c.ofNetwork && !c.makeRoom(v.from) || c.total >= c.most && !c.makeRoom(netip.Prefix{}) {
		return nil
	}
	c.total++
	if v.from.IsValid() {
		c.of[v.from]++
	}
	return v
}

// makeRoom closes the connection that has been idle for the longest time, of a network or of all.
// c.mu is held.
func (c *crowd) makeRoom(of netip.Prefix) bool {
	for at := c.idle.Front(); at != nil; at = at.Next() {
		if v := at.Value.(*visit); !of.IsValid() || v.from == of {
			v.leave()
			go v.Conn.Close() // it may wait
			return true
		}
	}
	return false
}

// leave counts a connection out. c.mu is held.
func (v *visit) leave() {
	if v.left {
		return
	}
	v.left = true
	v.busy()
	v.crowd.total--
	if v.from.IsValid() {
		if v.crowd.of[v.from]--; v.crowd.of[v.from] == 0 {
			delete(v.crowd.of, v.from)
		}
	}
}

// busy takes a connection from those that idle. c.mu is held.
func (v *visit) busy() {
	if v.idle != nil {
		v.crowd.idle.Remove(v.idle)
		v.idle = nil
	}
}

// Close closes the connection and counts it out.
func (v *visit) Close() error {
	v.crowd.mu.Lock()
	v.leave()
	v.crowd.mu.Unlock()
	return v.Conn.Close()
}

// follow is told by the server what becomes of a connection.
func (c *crowd) follow(conn net.Conn, state http.ConnState) {
	v, ok := conn.(*visit)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v.busy()
	if state == http.StateIdle && !v.left {
		v.idle = c.idle.PushBack(v)
	}
}

// network is whose share a connection counts into.
func (c *crowd) network(conn net.Conn) netip.Prefix {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Prefix{}
	}
	a := at.Addr().Unmap().WithZone("")
	if a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || slices.ContainsFunc(c.proxies, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return netip.Prefix{}
	}
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits)
	return p
}
