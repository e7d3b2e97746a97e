package egress_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks"
	"mxseal/checks/input"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

const (
	public = "198.41.0.4" // leads to the mail server and the policy host of sts.test
	server = "198.41.0.5" // a name server above sts.test, which refers to one inside our network
)

// liar is the network as an attacker shows it: the lab, whose resolver gives the attacker's
// answers for some names. Every connection that is asked for is noted.
type liar struct {
	lab    *lab.Lab
	mu     sync.Mutex
	asked  map[string]int // how often by name and type
	tells  func(name string, qtype uint16, times int) []string
	dialed map[string]int
}

func newLiar(t *testing.T, tells func(name string, qtype uint16, times int) []string) *liar {
	t.Helper()
	world, err := lab.New(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { world.Close() })
	return &liar{lab: world, asked: map[string]int{}, tells: tells, dialed: map[string]int{}}
}

// run checks a domain with an engine that may go nowhere special.
func (l *liar) run(t *testing.T, domain string) *report.Report {
	t.Helper()
	e, err := checks.New(checks.Config{Resolvers: []netip.AddrPort{l.lab.Resolver()}, Anchors: l.lab.Anchors(), Roots: l.lab.CA(),
		HELO: "mxseal.example", Pace: -1, Timeout: 20 * time.Second, Dial: l.dial})
	if err != nil {
		t.Fatal(err)
	}
	return e.Run(t.Context(), input.Domain{ASCII: domain, Unicode: domain}, "id", nil)
}

func (l *liar) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if address == l.lab.Resolver().String() {
		near, far := net.Pipe()
		go converse(far, network, l.answer)
		return near, nil
	}
	l.mu.Lock()
	l.dialed[address]++
	l.mu.Unlock()
	switch address {
	case public + ":25":
		return l.lab.Dial(ctx, network, "127.77.20.1:25")
	case public + ":443":
		return l.lab.Dial(ctx, network, "127.77.20.201:443")
	case server + ":53":
		near, far := net.Pipe()
		go converse(far, network, refer)
		return near, nil
	}
	return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
}

// packet is the end of a conversation by UDP in memory: a write is a datagram. With it,
// dns.Conn sends messages without the length that goes before them by TCP.
type packet struct{ net.Conn }

func (packet) ReadFrom([]byte) (int, net.Addr, error) { panic("not used") }
func (packet) WriteTo([]byte, net.Addr) (int, error)  { panic("not used") }

// converse answers the questions of one connection until its client hangs up.
func converse(c net.Conn, network string, answer func(*dns.Msg) *dns.Msg) {
	defer c.Close()
	conn := &dns.Conn{Conn: c, UDPSize: dns.MaxMsgSize}
	if network == "udp" {
		conn.Conn = packet{c}
	}
	for {
		q, err := conn.ReadMsg()
		if err != nil || conn.WriteMsg(answer(q)) != nil {
			return
		}
	}
}

// answer is the resolver.
func (l *liar) answer(q *dns.Msg) *dns.Msg {
	name, qtype := strings.ToLower(q.Question[0].Name), q.Question[0].Qtype
	l.mu.Lock()
	key := fmt.Sprint(name, " ", dns.TypeToString[qtype])
	l.asked[key]++
	lines := l.tells(name, qtype, l.asked[key])
	l.mu.Unlock()
	m := new(dns.Msg).SetReply(q)
	if lines == nil {
		up, err := l.lab.Dial(context.Background(), "tcp", l.lab.Resolver().String())
		if err == nil {
			defer up.Close()
			through := &dns.Conn{Conn: up}
			if err = through.WriteMsg(q); err == nil {
				m, err = through.ReadMsg()
			}
		}
		if err != nil {
			return new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
		}
		return m
	}
	m.RecursionAvailable = true
	for _, line := range lines {
		if line == "SERVFAIL" {
			m.Rcode = dns.RcodeServerFailure
			continue
		}
		rr, err := dns.NewRR(name + " 0 IN " + line)
		if err != nil {
			panic(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	return m
}

// refer answers as a name server does that knows who has the zone: one at a loopback address.
func refer(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	if strings.HasSuffix(q.Question[0].Name, "sts.test.") {
		ns, _ := dns.NewRR("sts.test. 60 IN NS ns.sts.test.")
		glue, _ := dns.NewRR("ns.sts.test. 60 IN A 127.0.0.1")
		m.Ns, m.Extra = []dns.RR{ns}, []dns.RR{glue}
	}
	return m
}

// A name that has a public address at the first look and a private one at every later look
// is dialled at the address that was vetted: nothing between the look-up and the connection
// asks the DNS again.
func TestRebinding(t *testing.T) {
	l := newLiar(t, func(name string, qtype uint16, times int) []string {
		switch {
		case name == "ns.test." && qtype == dns.TypeA:
			return []string{"A " + server}
		case !strings.HasSuffix(name, ".sts.test."):
			return nil
		case strings.HasPrefix(name, "_"):
			return nil
		case name == "mx2.sts.test.":
			return []string{"SERVFAIL"} // has the name servers asked who is to blame
		case qtype == dns.TypeAAAA:
			return []string{}
		case qtype == dns.TypeA && times == 1:
			return []string{"A " + public}
		case qtype == dns.TypeA:
			return []string{"A 127.0.0.1", "A 10.0.0.1"}
		}
		return nil
	})
	r := l.run(t, "sts.test")
	if n := l.dialed[public+":25"]; n < 4 {
		t.Errorf("%d connections to the mail server, want the several that an ordinary look takes: %v", n, l.dialed)
	}
	if n := l.dialed[public+":443"]; n != 1 {
		t.Errorf("%d connections to the policy host, want one: %v", n, l.dialed)
	}
	for address := range l.dialed {
		if address != public+":25" && address != public+":443" && address != server+":53" {
			t.Errorf("%s was dialled", address)
		}
	}
	if len(r.Hosts) != 2 || len(r.Hosts[0].Addresses) != 1 || !r.Hosts[0].Addresses[0].Reachable || r.MTASTS == nil || r.MTASTS.State != "enforce" {
		t.Errorf("the check did not get through at the vetted address: %+v, %+v", r.Hosts, r.MTASTS)
	}
	inside := 0
	for _, a := range r.DNSSEC.Authorities {
		for _, s := range a.Servers {
			if s.IP == "127.0.0.1" && s.Fault == "forbidden" {
				inside++
			}
		}
	}
	if inside == 0 || l.dialed[server+":53"] == 0 {
		t.Errorf("no name server inside was about to be asked, so the test proves nothing of them: %+v", r.DNSSEC.Authorities)
	}
}

// Whatever a record says, in whatever spelling, nothing special is dialled: neither the mail
// server, nor the policy host, nor a name server.
func TestNoRecordLeadsInside(t *testing.T) {
	var all sync.WaitGroup
	for _, c := range []struct{ why, mx, address string }{
		{"loopback", "mx.certificate.test.", "A 127.0.0.1"},
		{"this host", "mx.certificate.test.", "A 0.0.0.0"},
		{"private network", "mx.certificate.test.", "A 192.168.1.1"},
		{"metadata of a cloud", "mx.certificate.test.", "A 169.254.169.254"},
		{"broadcast", "mx.certificate.test.", "A 255.255.255.255"},
		{"IPv6 loopback", "mx.certificate.test.", "AAAA ::1"},
		{"unspecified", "mx.certificate.test.", "AAAA ::"},
		{"IPv4-mapped loopback", "mx.certificate.test.", "AAAA ::ffff:127.0.0.1"},
		{"IPv4-mapped public address", "mx.certificate.test.", "AAAA ::ffff:" + public},
		{"NAT64 of loopback", "mx.certificate.test.", "AAAA 64:ff9b::7f00:1"},
		{"NAT64 for local use", "mx.certificate.test.", "AAAA 64:ff9b:1::7f00:1"},
		{"6to4 of a private address", "mx.certificate.test.", "AAAA 2002:c0a8:101::1"},
		{"Teredo", "mx.certificate.test.", "AAAA 2001:0:4136:e378:8000:63bf:80ff:fffe"},
		{"link local", "mx.certificate.test.", "AAAA fe80::1"},
		{"a host named like an address", "127.0.0.1.", "A 127.0.0.1"},
		{"a host named like a decimal address", "2130706433.", "A 127.0.0.1"},
		{"a host named like an octal address", "0177.0.0.1.", "A 127.0.0.1"},
		{"a host named like a hexadecimal address", "0x7f.1.", "A 127.0.0.1"},
		{"localhost itself", "localhost.", "A 127.0.0.1"},
		{"a host named like an address with no record", "127.0.0.1.", ""},
	} {
		l := newLiar(t, func(name string, qtype uint16, _ int) []string {
			switch {
			case name == "certificate.test." && qtype == dns.TypeMX:
				return []string{"MX 10 " + c.mx}
			case name == "_mta-sts.certificate.test." && qtype == dns.TypeTXT:
				return []string{`TXT "v=STSv1; id=1"`}
			case name == c.mx || name == "mta-sts.certificate.test." || name == "ns.test.":
				if rtype, _, _ := strings.Cut(c.address, " "); dns.TypeToString[qtype] == rtype {
					return []string{c.address}
				}
				return []string{}
			case strings.HasPrefix(name, "_25._tcp."):
				return []string{"SERVFAIL"}
			}
			return nil
		})
		all.Go(func() { // each waits for name servers that fail
			r := l.run(t, "certificate.test")
			if len(l.dialed) != 0 {
				t.Errorf("%s: dialled %v", c.why, l.dialed)
			}
			if r.MX == nil || len(r.MX.Records) != 1 || r.MTASTS == nil || r.MTASTS.Fetch == nil || r.MTASTS.Fetch.Failure == nil {
				t.Errorf("%s: the check did not come as far as a host and a policy: %+v %+v", c.why, r.MX, r.MTASTS)
			}
		})
	}
	all.Wait()
}

// The lab stands for the network here; the dialer that ships asks the kernel's address again.
// Neither looks at the environment: a proxy would be told where to connect to, by name.
func TestNoProxyFromTheEnvironment(t *testing.T) {
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	met := make(chan string, 8)
	go func() {
		for {
			c, err := proxy.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			first := make([]byte, 64)
			n, _ := io.ReadAtLeast(c, first, 1)
			met <- string(first[:n])
			c.Close()
		}
	}()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, "http://"+proxy.Addr().String())
	}
	world, err := lab.New(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	e, err := checks.New(checks.Config{Resolvers: []netip.AddrPort{world.Resolver()}, Anchors: world.Anchors(), Roots: world.CA(),
		Allow: world.Networks(), HELO: "mxseal.example", Pace: -1, Dial: world.Dial})
	if err != nil {
		t.Fatal(err)
	}
	r := e.Run(t.Context(), input.Domain{ASCII: "sts.test", Unicode: "sts.test"}, "id", nil)
	if r.MTASTS == nil || r.MTASTS.State != "enforce" || !r.Hosts[0].Addresses[0].Reachable {
		t.Errorf("with a proxy in the environment: %+v", r.MTASTS)
	}
	select {
	case line := <-met:
		t.Errorf("the proxy was asked: %q", line)
	default:
	}
}
