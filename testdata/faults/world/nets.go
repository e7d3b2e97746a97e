package world

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// Unsigned are domains of the lab, each registered by itself, in which a stranger may have names.
var Unsigned = strings.Fields(`sts.test sts-short.test sts-unmatched-mx.test sts-beside.test certificate.test sts-blank.test
	unsigned-provider.test injection.test stray-bytes.test chatty.test enforced.test requiretls.test greylisted.test slow.test
	implicit-mx.test ipv6.test farm.test nolisting.test tired.test three-at-once.test empty-lines.test greets-again.test
	asks-for-tls.test first-line.test sts-testing.test sts-no-file.test sts-redirect.test sts-huge.test sts-wrong-name.test
	selfsigned.test name-mismatch.test expired-certificate.test incomplete-chain.test sts-wildcard.test sts-expired.test
	backup-cleartext.test obsolete-tls.test tls13-averse.test nameless.test no-starttls.test stripped.test hidden-starttls.test
	refused-tls.test half-tls.test client-certificate.test no-esmtp.test takeover.test`)

// Wide is a stranger's domain with ten mail servers of four addresses each, below the nth of
// Unsigned: two in a /24 of its own, two in Shared. Points is one with ten mail servers, all of
// which are the Victim's. Neighbour is an honest domain with a mail server in Shared.
func Wide(n int) string      { return "wide." + Unsigned[n] }
func Points(n int) string    { return "points." + Unsigned[n] }
func Neighbour(n int) string { return fmt.Sprintf("n%d.neighbour.certificate.test", n) }

// Home is an honest domain; VictimName is its mail server, which other honest domains have too:
// those below Guests, under the same name, and those below Vanity, each under a name of its own.
const (
	Home       = "home.victim.certificate.test"
	VictimName = "mx.victim.certificate.test"
	Guests     = "guests.victim.certificate.test"
)

var (
	// Shared is the network in which all of Wide and Neighbour are.
	Shared = netip.MustParsePrefix("fd77:7:7:7::/64")
	// Victim is the address of VictimName.
	Victim = netip.MustParseAddr("127.81.1.1")
)

// Met counts connections by the address that was called, with their times.
type Met struct {
	mu    sync.Mutex
	calls map[netip.Addr][]time.Time
	open  map[string][]net.Conn // by address that was called
	most  int                   // that were open to one of them at a time
}

// during notes a connection for as long as it is open: until the client has closed it, which we may learn
// later than that he opened another, or until end is called.
func (m *Met) during(c net.Conn) (end func()) {
	m.note(c.LocalAddr())
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open == nil {
		m.open = make(map[string][]net.Conn)
	}
	at := c.LocalAddr().String()
	m.open[at] = append(slices.DeleteFunc(m.open[at], closed), c)
	m.most = max(m.most, len(m.open[at]))
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.open[at] = slices.DeleteFunc(m.open[at], func(o net.Conn) bool { return o == c })
	}
}

// closed is whether the other side has closed a connection, as the kernel knows.
func closed(c net.Conn) bool {
	const established = 1 // TCP_ESTABLISHED (linux/tcp_states.h)
	state := uint8(established)
	raw, err := c.(syscall.Conn).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
				state = info.State
			}
		})
	}
	return err != nil || state != established
}

// Most is how many connections to one address were open at a time.
func (m *Met) Most() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.most
}

func (m *Met) note(a net.Addr) {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls == nil {
		m.calls = make(map[netip.Addr][]time.Time)
	}
	addr := at.Addr().Unmap()
	m.calls[addr] = append(m.calls[addr], time.Now())
}

// In returns how many connections there were into a network, and in its busiest minute.
func (m *Met) In(network netip.Prefix) (all, minute int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var times []time.Time
	for a, list := range m.calls {
		if network.Contains(a) {
			times = append(times, list...)
		}
	}
	for _, from := range times {
		n := 0
		for _, t := range times {
			if d := t.Sub(from); d >= 0 && d < time.Minute {
				n++
			}
		}
		minute = max(minute, n)
	}
	return len(times), minute
}

// At returns how many connections there were to an address.
func (m *Met) At(a netip.Addr) int {
	all, _ := m.In(netip.PrefixFrom(a, a.BitLen()))
	return all
}

// All returns how many connections there were.
func (m *Met) All() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, list := range m.calls {
		n += len(list)
	}
	return n
}

// Forget starts the counts anew.
func (m *Met) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.calls)
}

// Nets opens the servers of Wide, Points and the Victim, and returns what counts who calls them. The
// addresses of Shared are this machine's from then on (root, Linux).
func (w *World) Nets() (*Met, error) {
	if out, err := exec.Command("ip", "-6", "route", "replace", "local", Shared.String(), "dev", "lo").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("ip -6 route replace local %v dev lo: %w: %s", Shared, err, out)
	}
	met := new(Met)
	servers := map[string][]netip.Addr{"*.neighbour.certificate.test": nil, VictimName: {Victim}, "*.wide.certificate.test": nil}
	for n := range 40 {
		servers["*.neighbour.certificate.test"] = append(servers["*.neighbour.certificate.test"], wide6(200, n))
		for k := range 20 {
			servers["*.wide.certificate.test"] = append(servers["*.wide.certificate.test"], wide4(n, k), wide6(n, k))
		}
	}
	for name, addresses := range servers {
		certificate, err := w.ca.issue(name)
		if err != nil {
			return nil, err
		}
		for _, a := range addresses {
			if err := w.listen(a, w.options.SMTPPort, w.counted(met, certificate)); err != nil {
				return nil, err
			}
		}
	}
	return met, nil
}

func (w *World) counted(met *Met, certificate tls.Certificate) func(net.Conn) {
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10}
	return func(c net.Conn) {
		met.note(c.LocalAddr())
		polite(c, config)
	}
}

func wide4(n, k int) netip.Addr { return netip.AddrFrom4([4]byte{127, 80, byte(n), byte(k)}) }

func wide6(n, k int) netip.Addr {
	b := Shared.Addr().As16()
	b[14], b[15] = byte(n+1), byte(k)
	return netip.AddrFrom16(b)
}

// netRecords are the records of the names above; known is whether a name is one of them, or
// below one.
func netRecords(name string, qtype uint16) (apex string, lines []string, known bool) {
	if name == "1.1.81.127.in-addr.arpa." {
		if qtype == dns.TypePTR {
			lines = []string{"PTR " + VictimName + "."}
		}
		return "81.127.in-addr.arpa.", lines, true
	}
	for n := range 40 {
		if reverse, _ := dns.ReverseAddr(wide6(200, n).String()); name == reverse {
			if qtype == dns.TypePTR {
				lines = []string{"PTR mx." + Neighbour(n) + "."}
			}
			return "7.7.d.f.ip6.arpa.", lines, true
		}
	}
	labels := dns.SplitDomainName(name)
	if len(labels) < 3 {
		return "", nil, false
	}
	domain := strings.Join(labels[len(labels)-2:], ".")
	kind := labels[len(labels)-3]
	first, apex := labels[0], domain+"."
	n := -1
	for i, u := range Unsigned {
		if u == domain {
			n = i
		}
	}
	if n < 0 {
		return "", nil, false
	}
	host, _ := strconv.Atoi(strings.TrimLeft(first, "hn"))
	switch kind {
	case "wide", "points":
		switch {
		case qtype == dns.TypeMX && len(labels) == 3:
			for i := range 10 {
				lines = append(lines, fmt.Sprintf("MX %d h%d.%s", 10+i, i, name))
			}
		case len(labels) != 4 || first[0] != 'h' || host > 9:
		case kind == "points":
			if qtype == dns.TypeA {
				lines = []string{"A " + Victim.String()}
			}
		case qtype == dns.TypeA:
			lines = []string{"A " + wide4(n, 2*host).String(), "A " + wide4(n, 2*host+1).String()}
		case qtype == dns.TypeAAAA:
			lines = []string{"AAAA " + wide6(n, 2*host).String(), "AAAA " + wide6(n, 2*host+1).String()}
		}
	case "neighbour":
		switch {
		case qtype == dns.TypeMX && len(labels) == 4:
			lines = []string{"MX 10 mx." + name}
		case qtype == dns.TypeAAAA && len(labels) == 5 && first == "mx":
			host, _ := strconv.Atoi(strings.TrimLeft(labels[1], "n"))
			lines = []string{"AAAA " + wide6(200, host).String()}
		}
	case "victim":
		switch {
		case qtype == dns.TypeMX && first == "home" && len(labels) == 4, qtype == dns.TypeMX && len(labels) == 5:
			lines = []string{"MX 10 " + VictimName + "."}
		case qtype == dns.TypeA && name == VictimName+".":
			lines = []string{"A " + Victim.String()}
		}
	default:
		return "", nil, false
	}
	return apex, lines, true
}
