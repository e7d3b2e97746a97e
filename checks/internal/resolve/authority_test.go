package resolve

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// authority is a name server that is asked directly, at port 53 of its address.
type authority struct {
	name, addr string
	zone       string
	also       string // a zone below that it has too
	closed     bool   // nobody listens
	change     func(network string, q dns.Question, m *dns.Msg) *dns.Msg
}

// reply answers for the server's zone, or leads to the zone below.
func (a *authority) reply(w *world, network string, query *dns.Msg) *dns.Msg {
	q := query.Question[0]
	if query.RecursionDesired {
		w.t.Errorf("%s is asked for recursion", a.name)
	}
	m := new(dns.Msg)
	m.SetReply(query)
	z := w.zones[a.zone]
	name := dns.CanonicalName(q.Name)
	if a.also != "" && dns.IsSubDomain(a.also, name) && !(q.Qtype == dns.TypeDS && name == a.also) {
		z = w.zones[a.also]
	}
	if i := slices.IndexFunc(z.cuts, func(c string) bool { return dns.IsSubDomain(c, name) }); i >= 0 && q.Qtype != dns.TypeDS {
		m.Ns = slices.Clone(z.sets[z.cuts[i]][dns.TypeNS])
		for _, rr := range m.Ns {
			for _, t := range []uint16{dns.TypeA, dns.TypeAAAA} {
				m.Extra = append(m.Extra, z.sets[rr.(*dns.NS).Ns][t]...)
			}
		}
	} else {
		m.Authoritative = true
		z.answer(m, name, q.Qtype)
	}
	if a.change != nil {
		return a.change(network, q, m)
	}
	return m
}

// serve makes the servers those of a zone: in the zone, in the one above, and with
// addresses in both.
func (w *world) serve(zone string, servers ...*authority) {
	w.t.Helper()
	if w.authorities == nil {
		w.authorities = make(map[string]*authority)
	}
	places := []*signedZone{w.zones[zone], w.zoneFor(parent(zone))}
	for _, z := range places {
		delete(z.sets[zone], dns.TypeNS)
	}
	for _, a := range servers {
		a.zone = zone
		for _, z := range places {
			z.put(zone + " NS " + a.name)
		}
		ip, err := netip.ParseAddr(a.addr)
		if err != nil {
			continue
		}
		w.authorities[netip.AddrPortFrom(ip, 53).String()] = a
		typ := " A "
		if ip.Is6() {
			typ = " AAAA "
		}
		for _, z := range places {
			if dns.IsSubDomain(z.name, a.name) {
				z.put(a.name + typ + a.addr)
			}
		}
	}
}

// servedWorld is secureWorld with a name server of the top-level domain and two of the zone.
func servedWorld(t testing.TB, second *authority) *world {
	w := newWorld(t)
	w.add(&signedZone{name: "secure.test."}, "@ MX 10 mx\nmx A 192.0.2.1\n_25._tcp.mx TLSA 3 1 1 "+strings.Repeat("ab", 32))
	w.serve("test.", &authority{name: "a.nic.test.", addr: "192.0.2.10"})
	w.serve("secure.test.", &authority{name: "ns1.secure.test.", addr: "192.0.2.11"}, second)
	return w
}

func faults(a *report.Authority) string {
	var out []string
	for _, s := range a.Servers {
		f := string(s.Fault)
		if f == "" {
			f = "good"
		}
		if s.TCP != "" && s.TCP != "ok" {
			f += "/tcp:" + string(s.TCP)
		}
		out = append(out, f)
	}
	return strings.Join(out, " ")
}

func silent(string, dns.Question, *dns.Msg) *dns.Msg { return nil }

func rcode(n int) func(string, dns.Question, *dns.Msg) *dns.Msg {
	return func(_ string, _ dns.Question, m *dns.Msg) *dns.Msg {
		m.Rcode, m.Authoritative, m.Answer, m.Ns = n, false, nil, nil
		return m
	}
}

func TestRule05TheGuiltyServerIsNamed(t *testing.T) {
	const second = "ns2.secure.test."
	var w *world
	for _, c := range []struct {
		why, addr, want string
		state           report.State // of the second server's SOA
		change          func(network string, q dns.Question, m *dns.Msg) *dns.Msg
	}{
		{"both answer well", "192.0.2.12", "good good", report.Secure, nil},
		{"the second is silent", "192.0.2.12", "good timeout", "", silent},
		{"the second refuses", "192.0.2.12", "good refused", "", rcode(dns.RcodeRefused)},
		{"the second fails", "192.0.2.12", "good servfail", "", rcode(dns.RcodeServerFailure)},
		{"the second does not have the zone", "192.0.2.12", "good not-authoritative", "", func(_ string, _ dns.Question, m *dns.Msg) *dns.Msg {
			m.Authoritative = false
			return m
		}},
		{"the second leads back up", "192.0.2.12", "good not-authoritative", "", rcode(dns.RcodeSuccess)},
		{"the second has no address", "none", "good no-address", "", nil},
		{"the second's address is never contacted", "10.0.0.1", "good forbidden", "", nil},
		{"the second is behind, as after every change", "192.0.2.12", "good good", report.Secure, func(_ string, q dns.Question, m *dns.Msg) *dns.Msg {
			return older(w, q, m, day)
		}},
		{"the second is so far behind that its signatures have run out", "192.0.2.12", "good signature-expired", report.Bogus, func(_ string, q dns.Question, m *dns.Msg) *dns.Msg {
			return older(w, q, m, -time.Hour)
		}},
		{"the second serves the zone unsigned", "192.0.2.12", "good unsigned", report.Bogus, func(_ string, _ dns.Question, m *dns.Msg) *dns.Msg {
			m.Answer = slices.DeleteFunc(m.Answer, isRRSIG)
			return m
		}},
		{"the second's signatures are no good", "192.0.2.12", "good signature-invalid", report.Bogus, func(_ string, q dns.Question, m *dns.Msg) *dns.Msg {
			if len(m.Answer) > 0 && q.Qtype == dns.TypeSOA {
				m.Answer[0].(*dns.SOA).Refresh++
			}
			return m
		}},
		{"the second does not talk TCP", "192.0.2.12", "good good/tcp:timeout", report.Secure, func(network string, _ dns.Question, m *dns.Msg) *dns.Msg {
			if network == "tcp" {
				return nil
			}
			return m
		}},
		{"the second has the zone, but fails on the question", "192.0.2.12", "good servfail", report.Secure, func(_ string, q dns.Question, m *dns.Msg) *dns.Msg {
			if q.Qtype == dns.TypeTLSA {
				m.Rcode, m.Answer = dns.RcodeServerFailure, nil
			}
			return m
		}},
		{"the second is silent about the question only", "192.0.2.12", "good timeout", report.Secure, func(_ string, q dns.Question, m *dns.Msg) *dns.Msg {
			if q.Qtype == dns.TypeTLSA {
				return nil
			}
			return m
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w = servedWorld(t, &authority{name: second, addr: c.addr, change: c.change})
			start := time.Now()
			a := New(w.config()).Authority(t.Context(), "_25._tcp.mx.secure.test", dns.TypeTLSA)
			if a == nil || a.Failure != nil || a.Zone != "secure.test" {
				t.Fatalf("%s: %+v", c.why, a)
			}
			if got := faults(a); got != c.want {
				t.Errorf("%s: %s, want %s", c.why, got, c.want)
			}
			guilty := a.Servers[1]
			if guilty.State != c.state || !strings.HasPrefix(view.Say(guilty.Statement), "ns2.secure.test") {
				t.Errorf("%s: state %q, text %q", c.why, guilty.State, view.Say(guilty.Statement))
			}
			if took := time.Since(start); took > authorityTime || a.Questions > 24 {
				t.Errorf("%s: %v and %d questions", c.why, took, a.Questions)
			}
		})
	}
}

// older answers for the SOA as a secondary that missed the last transfer, signatures and all;
// they last that much longer.
func older(w *world, q dns.Question, m *dns.Msg, lasts time.Duration) *dns.Msg {
	if q.Qtype == dns.TypeSOA {
		z := w.zones["secure.test."]
		soa := dns.Copy(z.sets[z.name][dns.TypeSOA][0]).(*dns.SOA)
		soa.Serial = 0
		m.Answer = []dns.RR{soa, z.signBy(z.keys[0], []dns.RR{soa}, -day, lasts)}
	}
	return m
}

// A server that is behind is not accused, and what it said is told all the same; nor is one
// ahead of a zone whose serial has wrapped around (RFC 1982).
func TestRule05ADifferenceOfSerialsIsTold(t *testing.T) {
	for _, c := range []struct{ first, second, behind uint32 }{{7, 6, 6}, {6, 7, 6}, {3, 4294967290, 4294967290}} {
		said := []report.NameServer{{Name: "ns1", Serial: c.first}, {Name: "ns2", Serial: c.second}, {Name: "ns3", Fault: "timeout", Serial: 9}}
		newest := compare(said, "secure.test.", &zone{name: "."})
		if said[0].Fault+said[1].Fault != "" || newest == c.behind || newest == 9 {
			t.Errorf("%d and %d: newest %d, faults %q %q", c.first, c.second, newest, said[0].Fault, said[1].Fault)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var w *world
		w = servedWorld(t, &authority{name: "ns2.secure.test.", addr: "192.0.2.12", change: func(_ string, q dns.Question, m *dns.Msg) *dns.Msg {
			return older(w, q, m, day)
		}})
		a := New(w.config()).Authority(t.Context(), "secure.test", dns.TypeMX)
		if text := view.Say(a.Servers[1].Statement); !strings.Contains(text, "serial 0, while others are at 1,") || strings.Contains(view.Say(a.Servers[0].Statement), "while") {
			t.Errorf("%q, %q", view.Say(a.Servers[0].Statement), text)
		}
	})
}

func TestRule05AllAreDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := servedWorld(t, &authority{name: "ns2.secure.test.", addr: "192.0.2.12", closed: true})
		w.authorities["192.0.2.11:53"].change = silent
		a := New(w.config()).Authority(t.Context(), "secure.test", dns.TypeMX)
		if a.Zone != "secure.test" || faults(a) != "timeout closed" {
			t.Errorf("%s: %s", a.Zone, faults(a))
		}
	})
}

// What the parent says counts, also where the zone lies deeper or is not signed.
func TestRule05TheZoneIsFoundFromAbove(t *testing.T) {
	for _, c := range []struct{ name, zone string }{
		{"secure.test", "secure.test"}, {"a.b.secure.test", "secure.test"},
		{"low.secure.test", "low.secure.test"}, {"_25._tcp.mx.low.secure.test", "low.secure.test"},
		{"nothing.test", "test"}, {"test", "test"}, {".", "."},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := servedWorld(t, &authority{name: "ns2.secure.test.", addr: "192.0.2.12"})
			w.add(&signedZone{name: "low.secure.test.", unsigned: true}, "@ MX 10 mx")
			w.serve("low.secure.test.", &authority{name: "ns.low.secure.test.", addr: "192.0.2.13"})
			w.serve(".", &authority{name: "root.test.", addr: "192.0.2.9"})
			w.zones["test."].put("root.test. A 192.0.2.9")
			a := New(w.config()).Authority(t.Context(), c.name, dns.TypeMX)
			if a == nil || a.Zone != c.zone || strings.Trim(faults(a), "god ") != "" {
				t.Errorf("%s: %+v, want the zone %s", c.name, a, c.zone)
			}
		})
	}
}

func TestRule05BlockedIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := servedWorld(t, &authority{name: "ns2.secure.test.", addr: "192.0.2.12"})
		for _, a := range w.authorities {
			a.change = silent
		}
		a := New(w.config()).Authority(t.Context(), "secure.test", dns.TypeMX)
		if a.Failure == nil || a.Failure.Kind != "blocked" || !strings.Contains(view.Say(a.Failure.Statement), "port 53") || len(a.Servers) > 0 {
			t.Errorf("%+v", a)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := servedWorld(t, &authority{name: "ns2.secure.test.", addr: "192.0.2.12"})
		w.authorities["192.0.2.10:53"].change = func(_ string, _ dns.Question, m *dns.Msg) *dns.Msg {
			m.Authoritative, m.RecursionAvailable, m.Ns = false, true, nil
			return m
		}
		if a := New(w.config()).Authority(t.Context(), "secure.test", dns.TypeMX); a.Failure == nil || a.Failure.Kind != "intercepted" {
			t.Errorf("a resolver in place of the name servers: %+v", a)
		}
		w = secureWorld(t) // no name server has an address
		if a := New(w.config()).Authority(t.Context(), "secure.test", dns.TypeMX); a.Failure == nil || a.Failure.Kind != "no-address" || a.Questions != 0 {
			t.Errorf("%+v", a)
		}
		w.mangle = func(dns.Question, *dns.Msg) *dns.Msg { return new(dns.Msg) }
		if a := New(w.config()).Authority(t.Context(), "secure.test", dns.TypeMX); a != nil {
			t.Errorf("%+v, though it is our own resolver that fails", a)
		}
	})
}

// Where no IPv6 address answers and IPv4 does, it may be our network: nobody is blamed.
func TestRule05AFamilyThatIsSilentIsPardoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := servedWorld(t, &authority{name: "ns1.secure.test.", addr: "2001:db8::11", change: silent})
		a := New(w.config()).Authority(t.Context(), "secure.test", dns.TypeMX)
		if faults(a) != "good unreachable" || !a.Servers[1].Blameless() {
			t.Errorf("%s", faults(a))
		}
	})
}

// A referral counts only downwards and towards the name, and names a few servers at most.
func TestReferral(t *testing.T) {
	msg := func(lines ...string) *dns.Msg {
		m := new(dns.Msg)
		for _, l := range lines {
			rr, err := dns.NewRR(l)
			if err != nil {
				t.Fatal(err)
			}
			m.Ns = append(m.Ns, rr)
		}
		return m
	}
	var many []string
	for _, c := range "abcdefghijkl" {
		many = append(many, "zone.test. NS "+string(c)+".test.")
	}
	for _, c := range []struct {
		why   string
		m     *dns.Msg
		zone  string
		names int
	}{
		{"downwards", msg("zone.test. NS a.test.", "zone.test. NS b.test."), "zone.test.", 2},
		{"the same twice", msg("zone.test. NS a.test.", "ZONE.test. NS A.test."), "zone.test.", 1},
		{"upwards", msg(". NS a.test."), "", 0},
		{"to where we are", msg("test. NS a.test."), "", 0},
		{"aside", msg("other.test. NS a.test."), "", 0},
		{"to two zones: the first counts", msg("zone.test. NS a.test.", "www.zone.test. NS b.test."), "zone.test.", 1},
		{"to a crowd", msg(many...), "zone.test.", maxServers},
	} {
		if names, zone := referral(c.m, "test.", "www.zone.test."); zone != c.zone || len(names) != c.names {
			t.Errorf("%s: %v of %s", c.why, names, zone)
		}
	}
}

func FuzzReferral(f *testing.F) {
	m := new(dns.Msg)
	m.SetQuestion("www.zone.test.", dns.TypeSOA)
	m.Response = true
	for _, l := range []string{"zone.test. NS a.zone.test.", "a.zone.test. A 192.0.2.1"} {
		rr, _ := dns.NewRR(l)
		m.Ns, m.Extra = append(m.Ns, rr), append(m.Extra, rr)
	}
	wire, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	f.Fuzz(func(t *testing.T, wire []byte) {
		m := new(dns.Msg)
		if m.Unpack(wire) != nil {
			return
		}
		glueOf(m)
		soaOf(m, "zone.test.")
		names, zone := referral(m, "test.", "www.zone.test.")
		if len(names) > maxServers || zone != "" && !dns.IsSubDomain(zone, "www.zone.test.") {
			t.Errorf("%d servers of %s", len(names), zone)
		}
	})
}
