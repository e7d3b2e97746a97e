package resolve

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
)

// TestSocketsAreUsedAgain counts the ports from which a resolver on this machine is asked: one
// question after the other from few, many at a time each from its own; and one that went
// unanswered takes its port with it, so that what comes late is nobody's.
func TestSocketsAreUsedAgain(t *testing.T) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var mu sync.Mutex
	ports, silent := map[uint16]int{}, false
	together := make(chan struct{})
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			m := new(dns.Msg)
			if m.Unpack(buf[:n]) != nil {
				continue
			}
			mu.Lock()
			ports[from.Port()]++
			mute := silent
			mu.Unlock()
			if mute {
				continue
			}
			m.Response = true
			wire, _ := m.Pack()
			late := m.Copy()
			late.Id++
			foreign, _ := late.Pack() // as if an answer to an earlier question had come late
			go func() {
				if m.Question[0].Qtype == dns.TypeMX {
					<-together
				}
				conn.WriteToUDPAddrPort(foreign, from)
				conn.WriteToUDPAddrPort(wire, from)
			}()
		}
	}()
	peer := netip.MustParseAddrPort(conn.LocalAddr().String())
	dialer := egress.New(egress.Config{Upstreams: []netip.AddrPort{peer}})
	u := newUpstream(dialer, []netip.AddrPort{peer})
	ask := func(qtype uint16) {
		if rep := u.askPeer(t.Context(), "udp", peer, question{"example.", qtype}, true); rep.failure != nil {
			t.Error(rep.failure.Text)
		}
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		n := len(ports)
		clear(ports)
		return n
	}

	for range 200 {
		ask(dns.TypeA)
	}
	if n := count(); n > 100 { // a pool may drop what it holds, and under the race detector does so at random
		t.Errorf("200 questions, one after the other, came from %d ports", n)
	}

	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { ask(dns.TypeMX) })
	}
	for waiting := 0; waiting < 20; time.Sleep(time.Millisecond) {
		mu.Lock()
		waiting = len(ports)
		mu.Unlock()
	}
	close(together)
	all.Wait()
	if n := count(); n != 20 {
		t.Errorf("20 questions at a time came from %d ports", n)
	}

	mu.Lock()
	silent = true
	mu.Unlock()
	if rep := u.askPeer(t.Context(), "udp", peer, question{"example.", dns.TypeA}, true); rep.failure == nil {
		t.Error("there was no answer")
	}
	var lost uint16
	mu.Lock()
	for port := range ports {
		lost = port
	}
	silent = false
	mu.Unlock()
	count()
	for range 5 {
		ask(dns.TypeA)
	}
	mu.Lock()
	if ports[lost] > 0 {
		t.Errorf("port %d was used again after a question that got no answer", lost)
	}
	mu.Unlock()
}

// TestPortsAreNewToOthers: a resolver out there is asked from a new port each time.
func TestPortsAreNewToOthers(t *testing.T) {
	peers := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53"), netip.MustParseAddrPort("[::1]:53")}
	s := newSockets(peers)
	conn := new(net.UDPConn)
	for _, c := range []struct {
		network string
		peer    netip.AddrPort
		kept    bool
	}{{"udp", peers[0], false}, {"udp", peers[1], true}, {"tcp", peers[1], false}} {
		if got := s.keep(c.network, c.peer, conn); got != c.kept {
			t.Errorf("%s to %v: kept %t, want %t", c.network, c.peer, got, c.kept)
		}
	}
}
