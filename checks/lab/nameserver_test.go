package lab

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

func begin(t *testing.T, o Options) *Lab {
	t.Helper()
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// ask puts a question over the network in memory, with DO and CD unless plain.
func ask(t *testing.T, l *Lab, network, name string, rtype uint16, change ...func(*dns.Msg)) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(name, rtype)
	m.SetEdns0(1232, true)
	m.CheckingDisabled = true
	for _, f := range change {
		f(m)
	}
	c, err := l.Dial(context.Background(), network, l.Resolver().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answer, _, err := (&dns.Client{Net: network, Timeout: time.Minute}).ExchangeWithConn(m, &dns.Conn{Conn: c, UDPSize: 4096})
	if err != nil {
		t.Fatalf("%s %s: %v", name, dns.TypeToString[rtype], err)
	}
	return answer
}

// validated checks every signature of an answer against the keys of its zone, these
// against the DS at the parent, and so on up to the anchor. It returns "secure",
// "insecure" where a zone above has provably no DS, or what is wrong.
type validator struct {
	t *testing.T
	l *Lab
}

func (v validator) keys(zone string) (keys []*dns.DNSKEY, state string) {
	var ds []dns.RR
	if zone == "." {
		rr, err := dns.NewRR(string(v.l.Anchors()))
		if err != nil {
			v.t.Fatal(err)
		}
		ds = []dns.RR{rr}
	} else {
		m := ask(v.t, v.l, "tcp", zone, dns.TypeDS)
		if state := v.check(m); state != "secure" {
			return nil, state
		}
		ds = only(m.Answer, dns.TypeDS)
		if len(ds) == 0 {
			return nil, "insecure"
		}
	}
	set := ask(v.t, v.l, "tcp", zone, dns.TypeDNSKEY).Answer
	for _, rr := range only(set, dns.TypeDNSKEY) {
		keys = append(keys, rr.(*dns.DNSKEY))
	}
	for _, rr := range ds {
		for _, key := range keys {
			made := key.ToDS(rr.(*dns.DS).DigestType)
			if strings.EqualFold(made.Digest, rr.(*dns.DS).Digest) {
				return keys, v.signed(set, keys)
			}
		}
	}
	return nil, "no key for the DS of " + zone
}

func (v validator) signed(rrs []dns.RR, keys []*dns.DNSKEY) string {
	for _, rr := range rrs {
		h := rr.Header()
		if h.Rrtype == dns.TypeRRSIG {
			continue
		}
		set, sig := only(rrs, h.Rrtype, h.Name), (*dns.RRSIG)(nil)
		for _, s := range only(rrs, dns.TypeRRSIG, h.Name) {
			if s.(*dns.RRSIG).TypeCovered == h.Rrtype {
				sig = s.(*dns.RRSIG)
			}
		}
		switch {
		case sig == nil:
			return "no signature over " + h.Name + " " + dns.TypeToString[h.Rrtype]
		case sig.Verify(keys[0], set) != nil:
			return "wrong signature over " + h.Name
		case !sig.ValidityPeriod(time.Now()):
			return "signature out of date over " + h.Name
		}
	}
	return "secure"
}

func (v validator) check(m *dns.Msg) string {
	all := slices.Concat(m.Answer, m.Ns)
	signers := make(map[string][]dns.RR)
	for _, rr := range all {
		zone := v.l.dns.zoneOf(dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype).origin
		for _, s := range only(all, dns.TypeRRSIG, rr.Header().Name) {
			if rr == s || s.(*dns.RRSIG).TypeCovered == rr.Header().Rrtype {
				zone = s.(*dns.RRSIG).SignerName
			}
		}
		signers[zone] = append(signers[zone], rr)
	}
	worst := "secure"
	for zone, rrs := range signers {
		keys, state := v.keys(zone)
		if state == "secure" {
			state = v.signed(rrs, keys)
		}
		if state != "secure" && (worst == "secure" || worst == "insecure") {
			worst = state
		}
	}
	return worst
}

func only(rrs []dns.RR, rtype uint16, name ...string) (list []dns.RR) {
	for _, rr := range rrs {
		if rr.Header().Rrtype == rtype && (name == nil || rr.Header().Name == name[0]) {
			list = append(list, rr)
		}
	}
	return list
}

func TestEveryAnswerValidatesAsItsZoneSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		v := validator{t, l}
		for _, w := range worlds {
			if w.inTLD || w.dead {
				continue
			}
			zone := l.dns.zones[w.origin()]
			for name, sets := range zone.owners {
				for rtype := range sets {
					if rtype == dns.TypeNSEC || l.dns.isDead(name, rtype) {
						continue
					}
					m := ask(t, l, "tcp", name, rtype)
					state := v.check(m)
					want := zone.signing.state
					if state == "secure" || state == "insecure" {
						if state != string(want) {
							t.Errorf("%s %s is %s, its zone is meant to be %s", name, dns.TypeToString[rtype], state, want)
						}
					} else if want != report.Bogus {
						t.Errorf("%s %s: %s", name, dns.TypeToString[rtype], state)
					}
				}
			}
		}
	})
}

func TestAbsenceIsProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		v := validator{t, l}
		for _, c := range []struct {
			name  string
			rtype uint16
			rcode int
			why   string
		}{
			{"dane.test.", dns.TypeA, dns.RcodeSuccess, "the name has other types"},
			{"_tcp.mx.dane.test.", dns.TypeTLSA, dns.RcodeSuccess, "an empty name between others"},
			{"_mta-sts.dane.test.", dns.TypeTXT, dns.RcodeNameError, "no such name"},
			{"a.b.c.dane.test.", dns.TypeTXT, dns.RcodeNameError, "far below the closest name"},
			{"zzz.dane.test.", dns.TypeTXT, dns.RcodeNameError, "behind the last name"},
			{"provider.test.", dns.TypeTXT, dns.RcodeSuccess, "NSEC3, the name has other types"},
			{"_tcp.mx.provider.test.", dns.TypeTLSA, dns.RcodeSuccess, "NSEC3, an empty name"},
			{"a.b.provider.test.", dns.TypeA, dns.RcodeNameError, "NSEC3, no such name"},
			{"_mta-sts.nsec3.test.", dns.TypeTXT, dns.RcodeNameError, "NSEC3 with salt and iterations"},
			{"nothing.test.", dns.TypeMX, dns.RcodeNameError, "no such domain"},
			{"mx.forgotten-provider.test.", dns.TypeA, dns.RcodeNameError, "below a domain that nobody registered"},
			{"certificate.test.", dns.TypeDS, dns.RcodeSuccess, "the parent knows that the child is unsigned"},
			{"island.test.", dns.TypeDS, dns.RcodeSuccess, "the parent has not been told of the keys"},
			{"www.example.com.", dns.TypeA, dns.RcodeNameError, "the root has test. and nothing else"},
			{"1.1.77.127.in-addr.arpa.", dns.TypeA, dns.RcodeSuccess, "a reverse name"},
			{"1.0.0.127.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, "a reverse name of no zone of the lab"},
		} {
			m := ask(t, l, "tcp", c.name, c.rtype)
			if m.Rcode != c.rcode || len(m.Answer) > 0 {
				t.Errorf("%s (%s): %s with %d records", c.name, c.why, dns.RcodeToString[m.Rcode], len(m.Answer))
			}
			if state := v.check(m); state != "secure" {
				t.Errorf("%s (%s): %s", c.name, c.why, state)
			}
			if why := unproven(m, c.name, c.rtype); why != "" {
				t.Errorf("%s (%s): %s\n%s", c.name, c.why, why, m)
			}
		}
	})
}

// unproven says what an answer fails to prove about the absence of a name or type; empty
// when the proof is whole.
func unproven(m *dns.Msg, name string, rtype uint16) string {
	if len(only(m.Ns, dns.TypeSOA)) != 1 {
		return "no SOA"
	}
	origin := only(m.Ns, dns.TypeSOA)[0].Header().Name
	var matched, covered func(string) bool
	if list := only(m.Ns, dns.TypeNSEC3); len(list) > 0 {
		matched = func(n string) bool {
			return slices.ContainsFunc(list, func(rr dns.RR) bool {
				return rr.(*dns.NSEC3).Match(n) && !slices.Contains(rr.(*dns.NSEC3).TypeBitMap, rtype)
			})
		}
		covered = func(n string) bool {
			return slices.ContainsFunc(list, func(rr dns.RR) bool { return rr.(*dns.NSEC3).Cover(n) })
		}
	} else {
		list := only(m.Ns, dns.TypeNSEC)
		matched = func(n string) bool {
			return slices.ContainsFunc(list, func(rr dns.RR) bool {
				owner, next := rr.Header().Name, rr.(*dns.NSEC).NextDomain
				empty := canonical(owner, n) < 0 && dns.IsSubDomain(n, next)
				return empty || owner == n && !slices.Contains(rr.(*dns.NSEC).TypeBitMap, rtype)
			})
		}
		covered = func(n string) bool {
			return slices.ContainsFunc(list, func(rr dns.RR) bool {
				owner, next := rr.Header().Name, rr.(*dns.NSEC).NextDomain
				return canonical(owner, n) < 0 && (canonical(n, next) < 0 || next == origin) && !dns.IsSubDomain(n, next)
			})
		}
	}
	if m.Rcode == dns.RcodeSuccess {
		if !matched(name) {
			return "nothing says that the type is missing"
		}
		return ""
	}
	for next := name; next != origin; next = parentOf(next) {
		if covered(next) && covered("*."+strings.TrimPrefix(parentOf(next), ".")) {
			return ""
		}
	}
	return "nothing says that the name is missing and no wildcard in its place"
}

func TestAliasesAreFollowedThroughZones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		for _, c := range []struct {
			name  string
			rtype uint16
			types []uint16
		}{
			{"mx.cname-mx.test.", dns.TypeA, []uint16{dns.TypeCNAME, dns.TypeA}},
			{"mta-sts.hosted.test.", dns.TypeA, []uint16{dns.TypeCNAME, dns.TypeA}},
			{"_25._tcp.mx.provider.test.", dns.TypeTLSA, []uint16{dns.TypeCNAME, dns.TypeTLSA, dns.TypeTLSA}},
			{"domain-alias.test.", dns.TypeMX, []uint16{dns.TypeCNAME, dns.TypeMX}},
			{"domain-alias.test.", dns.TypeCNAME, []uint16{dns.TypeCNAME}},
		} {
			var types []uint16
			for _, rr := range ask(t, l, "udp", c.name, c.rtype, func(m *dns.Msg) { m.SetEdns0(1232, false) }).Answer {
				types = append(types, rr.Header().Rrtype)
			}
			if !slices.Equal(types, c.types) {
				t.Errorf("%s: record types %v, want %v", c.name, types, c.types)
			}
		}
		if m := ask(t, l, "udp", "alias-loop.test.", dns.TypeMX); m.Rcode != dns.RcodeSuccess || len(only(m.Answer, dns.TypeCNAME)) != 2 {
			t.Errorf("an alias loop gives %v", m)
		}
	})
}

func TestFlagsOfTheQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		checking := func(m *dns.Msg) { m.CheckingDisabled = false }
		noDO := func(m *dns.Msg) { m.Extra = nil; m.SetEdns0(1232, false) }
		noEDNS := func(m *dns.Msg) { m.Extra = nil }
		for _, c := range []struct {
			why, name string
			rtype     uint16
			change    func(*dns.Msg)
			rcode     int
			records   int
			truncated bool
		}{
			{"a good zone with checking", "dane.test.", dns.TypeMX, checking, dns.RcodeSuccess, 2, false},
			{"a bogus zone without checking", "bogus.test.", dns.TypeMX, func(*dns.Msg) {}, dns.RcodeSuccess, 2, false},
			{"a bogus zone with checking", "bogus.test.", dns.TypeMX, checking, dns.RcodeServerFailure, 0, false},
			{"an expired zone with checking", "mx.expired.test.", dns.TypeA, checking, dns.RcodeServerFailure, 0, false},
			{"no signatures without DO", "dane.test.", dns.TypeMX, noDO, dns.RcodeSuccess, 1, false},
			{"no signatures without EDNS", "dane.test.", dns.TypeMX, noEDNS, dns.RcodeSuccess, 1, false},
			{"too large for UDP", "_25._tcp.mx.tlsa-large.test.", dns.TypeTLSA, func(*dns.Msg) {}, dns.RcodeSuccess, 0, true},
			{"too large for UDP without EDNS", "_25._tcp.mx.tlsa-large.test.", dns.TypeTLSA, noEDNS, dns.RcodeSuccess, 0, true},
			{"a dead domain", "servfail.test.", dns.TypeMX, func(*dns.Msg) {}, dns.RcodeServerFailure, 0, false},
			{"a dead name", "_25._tcp.mx.tlsa-servfail.test.", dns.TypeTLSA, func(*dns.Msg) {}, dns.RcodeServerFailure, 0, false},
			{"beside a dead name", "mx.tlsa-servfail.test.", dns.TypeA, func(*dns.Msg) {}, dns.RcodeSuccess, 2, false},
			{"letters in any case", "dAnE.TeSt.", dns.TypeMX, func(*dns.Msg) {}, dns.RcodeSuccess, 2, false},
			{"another class", "dane.test.", dns.TypeMX, func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, dns.RcodeRefused, 0, false},
			{"another opcode", "dane.test.", dns.TypeMX, func(m *dns.Msg) { m.Opcode = dns.OpcodeStatus }, dns.RcodeNotImplemented, 0, false},
		} {
			m := ask(t, l, "udp", c.name, c.rtype, c.change)
			if m.Rcode != c.rcode || len(m.Answer) != c.records || m.Truncated != c.truncated {
				t.Errorf("%s: %s, %d records, truncated %v", c.why, dns.RcodeToString[m.Rcode], len(m.Answer), m.Truncated)
			}
			if m.Question[0].Name != c.name || !m.RecursionAvailable {
				t.Errorf("%s: question or flags changed: %v", c.why, m)
			}
		}
		if m := ask(t, l, "tcp", "_25._tcp.mx.tlsa-large.test.", dns.TypeTLSA); len(m.Answer) != 3 || m.Len() < 1232 {
			t.Errorf("by TCP %d records, %d octets", len(m.Answer), m.Len())
		}
	})
}

func FuzzQuestion(f *testing.F) {
	l, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"perfect.test.", `\000.nsec3.test.`, "."} {
		m := new(dns.Msg)
		m.SetQuestion(name, dns.TypeMX).SetEdns0(1232, true)
		packet, _ := m.Pack()
		f.Add(packet, true)
	}
	f.Fuzz(func(t *testing.T, packet []byte, udp bool) {
		for at, answer := range l.names {
			if out := answer(packet, udp); out != nil {
				if err := new(dns.Msg).Unpack(out); err != nil {
					t.Errorf("the answer of %v cannot be read: %v", at, err)
				}
			}
		}
	})
}
