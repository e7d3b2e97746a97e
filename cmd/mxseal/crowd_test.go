package main

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"
)

// caller is a connection from an address that is only said.
type caller struct {
	net.Conn
	from   string
	closed atomic.Bool
}

func (c *caller) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.from), 999))
}
func (c *caller) Close() error { c.closed.Store(true); return nil }

func TestTheCrowdIsBounded(t *testing.T) {
	c := newCrowd([]netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")})
	enter := func(from string) *visit { return c.enter(&caller{from: from}) }
	var first, last *visit
	for i := range clientConnections {
		if last = enter("2001:db8::1"); last == nil {
			t.Fatalf("connection %d is refused", i)
		}
		if first == nil {
			first = last
		}
	}
	if enter("2001:db8::ffff") != nil {
		t.Error("one more of the same /64 is let in")
	}
	if enter("2001:db8:0:1::1") == nil {
		t.Error("the neighbouring /64 is refused")
	}
	for _, free := range []string{"203.0.113.7", "127.0.0.1", "10.0.0.1", "::ffff:127.0.0.1", "fd00::1"} {
		for i := range clientConnections + 10 {
			if enter(free) == nil {
				t.Fatalf("connection %d of %s, which comes for many, is refused", i, free)
			}
		}
	}

	// Who idles makes room, the longest first, and only where he stands in the way.
	c.follow(last, http.StateIdle)
	c.follow(first, http.StateIdle)
	c.follow(last, http.StateActive)
	c.follow(last, http.StateIdle)
	next := enter("2001:db8::2")
	if next == nil || !first.left || last.left {
		t.Errorf("let in %v; the one that idled longest has left: %v, the other: %v", next != nil, first.left, last.left)
	}
	next.Close()
	next.Close()
	if enter("2001:db8::3") == nil || enter("2001:db8::4") == nil || enter("2001:db8::5") != nil {
		t.Error("one that was closed twice, and one that idles, make room for two")
	}

	for i := 0; c.total < maxConnections; i++ {
		if enter(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}).String()) == nil {
			t.Fatalf("refused with %d connections", c.total)
		}
	}
	if enter("198.51.100.1") != nil || enter("127.0.0.1") != nil {
		t.Error("more are let in than there is room for")
	}
}

// A crowd in front of a real server counts everybody out again.
func TestTheCrowdLeaves(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := newCrowd(nil)
	server := &http.Server{ConnState: c.follow, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "page") })}
	ended := make(chan error)
	go func() { ended <- server.Serve(c.at(l)) }()
	for range 5 {
		client := http.Client{Transport: &http.Transport{}}
		for range 3 {
			resp, err := client.Get("http://" + l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	c.mu.Lock()
	if c.total != 5 {
		t.Errorf("%d connections of five clients", c.total)
	}
	c.mu.Unlock()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	<-ended
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.total != 0 || c.idle.Len() != 0 {
		t.Errorf("%d connections are left, %d of them idle", c.total, c.idle.Len())
	}
}
