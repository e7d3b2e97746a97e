package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks"
	"mxseal/checks/report"
)

// addressOf looks a host up in the lab's DNS.
func (l *Lab) addressOf(t *testing.T, host string) netip.Addr {
	t.Helper()
	for _, rr := range ask(t, l, "udp", host+".", dns.TypeA).Answer {
		if a, ok := rr.(*dns.A); ok {
			addr, _ := netip.AddrFromSlice(a.A.To4())
			return addr
		}
	}
	t.Fatalf("%s has no address", host)
	return netip.Addr{}
}

func TestTheDomains(t *testing.T) {
	l := begin(t, Options{})
	letters := make(map[report.Letter]int)
	byName := make(map[string]Domain)
	rules := checks.Catalogue()
	shown := make(map[report.CheckID]bool)
	for _, d := range l.Domains() {
		if byName[d.Name].Name != "" {
			t.Errorf("%s is there twice", d.Name)
		}
		byName[d.Name] = d
		letters[d.Letter]++
		if !strings.HasSuffix(d.Shows, ".") || len(d.Rules) == 0 {
			t.Errorf("%s shows %q, rules %v", d.Name, d.Shows, d.Rules)
		}
		for _, id := range d.Rules {
			if _, known := rules[id]; !known {
				t.Errorf("%s: %s is no rule", d.Name, id)
			}
			for _, c := range checks.All {
				shown[c.ID] = shown[c.ID] || slices.ContainsFunc(c.Rules, func(r report.Rule) bool { return r.ID == id })
			}
		}
	}
	if len(byName) < 34 {
		t.Errorf("%d domains", len(byName))
	}
	for _, c := range checks.All {
		if !shown[c.ID] {
			t.Errorf("no domain shows what %s finds", c.ID)
		}
	}
	for _, letter := range []report.Letter{"A+", "A", "B", "C", "D", "E", "F", "T", "N"} {
		if letters[letter] == 0 {
			t.Errorf("no domain has %s", letter)
		}
	}
	for name, letter := range map[string]report.Letter{ // names that scripts rely on
		"perfect.test": "A+", "dane.test": "A", "sts.test": "B", "certificate.test": "C", "selfsigned.test": "D",
		"backup-cleartext.test": "E", "no-starttls.test": "F", "tlsa-mismatch.test": "", "tlsa-servfail.test": "",
		"bogus.test": "", "expired.test": "", "sts-expired.test": "", "sts-testing.test": "", "old-tls.test": "",
		"export.test": "", "enforced.test": "", "rate-limited.test": "T", "greylisted.test": "", "stripped.test": "",
		"implicit-mx.test": "", "null-mx.test": "N", "unreachable.test": "T", "private-mx.test": "", "cname-mx.test": "",
		"dual-cert.test": "", "hostile-text.test": "", "ipv6.test": "", "many-mx.test": "",
	} {
		if d, ok := byName[name]; !ok || letter != "" && d.Letter != letter {
			t.Errorf("%s is there: %v, with %s", name, ok, d.Letter)
		}
	}
}

func TestAddressesAreUniqueAndAllowed(t *testing.T) {
	l := begin(t, Options{})
	nets := make(map[byte]string)
	for _, w := range worlds {
		if w.net > 0 && nets[w.net] != "" {
			t.Errorf("%s and %s share network %d", w.name, nets[w.net], w.net)
		}
		nets[w.net] = w.name
	}
	peers := slices.AppendSeq(slices.Collect(maps.Keys(l.services)), maps.Keys(l.names))
	for _, peer := range peers {
		if !slices.ContainsFunc(l.Networks(), func(p netip.Prefix) bool { return p.Contains(peer.Addr()) }) && peer.Addr() != privateAddr {
			t.Errorf("%v is in none of the lab's networks", peer)
		}
	}
	for _, p := range l.Networks() {
		if p.Contains(privateAddr) {
			t.Errorf("%v allows the private address", p)
		}
	}
}

func TestTheSameTimeGivesTheSameLab(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := begin(t, Options{}), begin(t, Options{})
		if !bytes.Equal(a.CA(), b.CA()) || !bytes.Equal(a.Anchors(), b.Anchors()) {
			t.Error("the anchors differ")
		}
		for _, q := range []struct {
			name  string
			rtype uint16
		}{{"_25._tcp.mx.tlsa-large.test.", dns.TypeTLSA}, {"nothing.nsec3.test.", dns.TypeA}, {"dane.test.", dns.TypeDNSKEY}} {
			one, two := ask(t, a, "tcp", q.name, q.rtype), ask(t, b, "tcp", q.name, q.rtype)
			one.Id = two.Id
			if one.String() != two.String() {
				t.Errorf("%s differs", q.name)
			}
		}
	})
}

func TestDialErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		for _, c := range []struct {
			network, address string
			err              error
		}{
			{"tcp", "127.77.250.1:25", syscall.ECONNREFUSED},
			{"tcp", "127.77.1.1:26", syscall.ECONNREFUSED},
			{"tcp", "192.0.2.1:25", syscall.ECONNREFUSED},
			{"udp", "127.77.1.1:25", syscall.ECONNREFUSED},
			{"tcp", l.address(t, "mx.unreachable.test"), context.DeadlineExceeded},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			_, err := l.Dial(ctx, c.network, c.address)
			cancel()
			var op *net.OpError
			if !errors.Is(err, c.err) || !errors.As(err, &op) {
				t.Errorf("%s %s: %v", c.network, c.address, err)
			}
		}
		if _, err := l.Dial(t.Context(), "tcp", "nonsense"); err == nil {
			t.Error("an address that is none can be dialled")
		}
	})
}

func TestDialledCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		for i := range 3 {
			c := l.call(t, "mx.dane.test")
			if l.Open() != i+1 {
				t.Errorf("%d connections are open", l.Open())
			}
			defer c.Close()
		}
		last := l.call(t, "mx.endless.test")
		last.Close()
		if l.Open() != 3 {
			t.Errorf("a closed connection counts as open, or an open one does not: %d", l.Open())
		}
		if l.Dialled("127.77.3.1") != 3 || l.Dialled("127.77.3.1:25") != 3 || l.Dialled("127.0.0.1") != 0 {
			t.Error(l.dialled)
		}
		if c, err := l.Dial(t.Context(), "tcp", "127.0.0.1:25"); err == nil {
			c.Close()
		}
		if l.Dialled("127.0.0.1") != 1 {
			t.Error("a contact with the private address goes unnoticed")
		}
	})
}

func TestDelayIsAddedToEveryRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{Delay: 100 * time.Millisecond})
		took := func(what string, want time.Duration, f func()) {
			start := time.Now()
			if f(); time.Since(start) != want {
				t.Errorf("%s took %v, want %v", what, time.Since(start), want)
			}
		}
		took("a question by UDP", 100*time.Millisecond, func() { ask(t, l, "udp", "dane.test.", dns.TypeMX) })
		took("a question by TCP", 200*time.Millisecond, func() { ask(t, l, "tcp", "dane.test.", dns.TypeMX) })
		var c *client
		took("connecting", 100*time.Millisecond, func() { c = l.call(t, "mx.dane.test") })
		took("the greeting's way here", 50*time.Millisecond, func() { c.reply() })
		took("a command", 100*time.Millisecond, func() { c.say("EHLO me") })
		took("STARTTLS and a TLS 1.3 handshake", 200*time.Millisecond, func() { c, _ = c.secure(l) })
		took("a command inside TLS", 100*time.Millisecond, func() { c.say("EHLO me") })
	})
}

func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{Delay: time.Second})
		for _, host := range []string{"mx.dane.test", "mx.silent.test", "mx.endless.test", "mx.slow.test", "mx.export.test"} {
			l.call(t, host)
		}
		waiting := make(chan error)
		go func() {
			_, err := l.Dial(context.Background(), "tcp", l.address(t, "mx.unreachable.test"))
			waiting <- err
		}()
		synctest.Wait()
		start := time.Now()
		l.Close()
		if err := <-waiting; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a waiting Dial gave %v", err)
		}
		if len(l.open) > 0 || time.Since(start) > 0 {
			t.Errorf("%d connections are open after %v", len(l.open), time.Since(start))
		}
		if _, err := l.Dial(t.Context(), "udp", l.Resolver().String()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Dial after Close gave %v", err)
		}
		l.Close() // twice is no harm
	}) // the bubble itself insists that no goroutine is left
}

// TestSocketsAnswerAsMemoryDoes asks the same of both.
func TestSocketsAnswerAsMemoryDoes(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Millisecond} {
		before := runtime.NumGoroutine()
		o := Options{Delay: delay, SMTPPort: freePort(t), STSPort: freePort(t), DNSPort: freePort(t)}
		l := begin(t, o)
		if err := l.Listen(); err != nil {
			t.Fatal(err)
		}
		if err := l.Listen(); err == nil {
			t.Error("a second Listen is no mistake")
		}
		socket := func(network, address string) (net.Conn, error) {
			return net.DialTimeout(network, address, time.Minute)
		}
		memory := func(network, address string) (net.Conn, error) { return l.Dial(t.Context(), network, address) }
		for _, w := range worlds {
			for i, h := range w.hosts {
				if h.hole || h.wait > 0 || h.instead != nil || h.quota > 0 {
					continue
				}
				address := netip.AddrPortFrom(w.addr(i, h.ip), o.SMTPPort).String()
				a, b := dialogue(t, memory, address), dialogue(t, socket, address)
				if a != b {
					t.Errorf("%s: in memory\n%s\non sockets\n%s", w.name, a, b)
				}
			}
			if m, s := answers(t, memory, l, w.origin()), answers(t, socket, l, w.origin()); m != s {
				t.Errorf("%s: in memory\n%s\non sockets\n%s", w.name, m, s)
			}
		}
		if l.Dialled("127.77.3.1") != 2 {
			t.Errorf("dane.test's server counts %d connections", l.Dialled("127.77.3.1"))
		}
		if c, err := net.DialTimeout("tcp", netip.AddrPortFrom(netip.MustParseAddr("127.77.91.1"), o.SMTPPort).String(), 50*time.Millisecond); err == nil {
			c.Close()
			t.Error("the hole answers")
		}
		l.Close()
		// The last goroutines of the network poller may need a moment.
		for end := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
		if n := runtime.NumGoroutine(); n > before {
			t.Errorf("%d goroutines are left of %d", n, before)
		}
	}
}

type dialFunc func(network, address string) (net.Conn, error)

func dialogue(t *testing.T, dial dialFunc, address string) string {
	t.Helper()
	conn, err := dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	c := newClient(conn)
	said := c.reply()
	if !strings.HasPrefix(said, "220") {
		return said
	}
	return fmt.Sprintln(said, c.say("EHLO me"), c.say("MAIL FROM:<>"), c.say("STARTTLS"))
}

func answers(t *testing.T, dial dialFunc, l *Lab, name string) string {
	t.Helper()
	var all strings.Builder
	for _, network := range []string{"udp", "tcp"} {
		conn, err := dial(network, l.Resolver().String())
		if err != nil {
			t.Fatal(err)
		}
		m := new(dns.Msg)
		m.SetQuestion(name, dns.TypeMX).SetEdns0(1232, true)
		m.Id = 1
		answer, _, err := (&dns.Client{Net: network, Timeout: time.Minute}).ExchangeWithConn(m, &dns.Conn{Conn: conn, UDPSize: 4096})
		conn.Close()
		fmt.Fprintln(&all, answer, err)
	}
	return all.String()
}

func freePort(t *testing.T) uint16 {
	t.Helper()
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestListenSaysWhatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.77.1.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	o := Options{SMTPPort: taken.Addr().(*net.TCPAddr).AddrPort().Port(), STSPort: freePort(t), DNSPort: freePort(t)}
	l := begin(t, o)
	if err := l.Listen(); err == nil || !strings.Contains(err.Error(), "127.77.1.1") {
		t.Errorf("Listen gave %v", err)
	}
	if len(l.open) > 0 {
		t.Errorf("%d sockets are open", len(l.open))
	}
}
