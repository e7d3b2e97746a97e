package lab

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// askServer puts a question without recursion to the name server at an address.
func askServer(t *testing.T, l *Lab, network string, at netip.Addr, name string, rtype uint16) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(name, rtype)
	m.RecursionDesired = false
	m.SetEdns0(1232, true)
	c, err := l.Dial(context.Background(), network, netip.AddrPortFrom(at, 53).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answer, _, err := (&dns.Client{Net: network, Timeout: time.Minute}).ExchangeWithConn(m, &dns.Conn{Conn: c, UDPSize: 4096})
	if err != nil {
		t.Fatalf("%v: %s %s: %v", at, name, dns.TypeToString[rtype], err)
	}
	return answer
}

func TestNameServersAnswerForTheirZonesAlone(t *testing.T) {
	good, lame := netip.MustParseAddr("127.77.57.241"), netip.MustParseAddr("127.77.57.242")
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		for _, c := range []struct {
			why   string
			at    netip.Addr
			name  string
			rtype uint16
			rcode int
			aa    bool
			has   string // types of the answer, of what goes beside it, and of what is added
		}{
			{"a record of its own", good, "lame.test.", dns.TypeMX, dns.RcodeSuccess, true, "MX RRSIG / / OPT"},
			{"what the resolver does not get", good, "_25._tcp.mx.lame.test.", dns.TypeTLSA, dns.RcodeNameError, true, " / SOA RRSIG NSEC RRSIG / OPT"},
			{"a name that is not there", good, "no.lame.test.", dns.TypeA, dns.RcodeNameError, true, " / SOA RRSIG NSEC RRSIG NSEC RRSIG / OPT"},
			{"its DS, which is the parent's to know", good, "lame.test.", dns.TypeDS, dns.RcodeSuccess, true, " / SOA RRSIG NSEC RRSIG / OPT"},
			{"somebody else's zone", good, "dane.test.", dns.TypeSOA, dns.RcodeRefused, false, " /  / OPT"},
			{"the zone above", good, "test.", dns.TypeSOA, dns.RcodeRefused, false, " /  / OPT"},
			{"a lame server", lame, "lame.test.", dns.TypeSOA, dns.RcodeRefused, false, " /  / OPT"},

			{"a zone of the top server", topAddr, "test.", dns.TypeSOA, dns.RcodeSuccess, true, "SOA RRSIG / / OPT"},
			{"down to a signed zone, which has the servers in it", topAddr, "mx.lame.test.", dns.TypeSOA, dns.RcodeSuccess, false, " / NS NS DS RRSIG / OPT A A"},
			{"down to an unsigned zone", topAddr, "mx.certificate.test.", dns.TypeA, dns.RcodeSuccess, false, " / NS NSEC RRSIG / OPT A"},
			{"a DS, which is its own", topAddr, "lame.test.", dns.TypeDS, dns.RcodeSuccess, true, "DS RRSIG /  / OPT"},
			{"a domain that does not exist", topAddr, "nothing.test.", dns.TypeMX, dns.RcodeNameError, true, " / SOA RRSIG NSEC RRSIG NSEC RRSIG / OPT"},
			{"a domain in the zone of the registry", topAddr, "domain-alias.test.", dns.TypeMX, dns.RcodeSuccess, true, "CNAME RRSIG / / OPT"},

			{"a hosted domain", domainAddr, "dane.test.", dns.TypeMX, dns.RcodeSuccess, true, "MX RRSIG / / OPT"},
			{"an alias, no further than this", domainAddr, "mx.cname-mx.test.", dns.TypeA, dns.RcodeSuccess, true, "CNAME RRSIG / / OPT"},
			{"a hosted domain that it cannot load", domainAddr, "servfail.test.", dns.TypeSOA, dns.RcodeServerFailure, false, " /  / OPT"},
			{"one that has servers of its own", domainAddr, "lame.test.", dns.TypeSOA, dns.RcodeRefused, false, " /  / OPT"},
		} {
			m := askServer(t, l, "udp", c.at, c.name, c.rtype)
			var got []string
			for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
				var types []string
				for _, rr := range section {
					types = append(types, dns.TypeToString[rr.Header().Rrtype])
				}
				got = append(got, strings.Join(types, " "))
			}
			if m.Rcode != c.rcode || m.Authoritative != c.aa || strings.Join(strings.Fields(strings.Join(got, " / ")), " ") != strings.Join(strings.Fields(c.has), " ") {
				t.Errorf("%s: %s, AA %v, %q", c.why, dns.RcodeToString[m.Rcode], m.Authoritative, got)
			}
			if m.RecursionAvailable {
				t.Errorf("%s: offers recursion", c.why)
			}
		}
		if m := ask(t, l, "udp", "lame.test.", dns.TypeMX); m.Authoritative || !m.RecursionAvailable {
			t.Errorf("the resolver answers as if it had the zone: %v", m.MsgHdr)
		}
	})
}

func TestNameServersWithoutTCP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		for addr, mute := range map[string]bool{"127.77.58.241": true, "127.77.58.242": true, "127.77.57.241": false, "127.77.0.54": false} {
			c, err := l.Dial(t.Context(), "tcp", addr+":53")
			if mute != errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%s by TCP: %v", addr, err)
			}
			if err == nil {
				c.Close()
			}
		}
		m := askServer(t, l, "udp", netip.MustParseAddr("127.77.58.241"), "_25._tcp.mx.no-tcp.test.", dns.TypeTLSA)
		if !m.Truncated {
			t.Errorf("the TLSA records fit a datagram, so nobody needs TCP: %d octets", m.Len())
		}
	})
}

// Every zone has name servers with addresses, and each has the zone but the lame ones.
func TestEveryZoneIsServed(t *testing.T) {
	lame := []string{"ns2.lame.test."}
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		for origin, z := range l.dns.zones {
			if l.dns.isDead(origin, dns.TypeSOA) {
				continue
			}
			for _, server := range z.servers {
				var addr netip.Addr
				for _, rr := range only(ask(t, l, "udp", server, dns.TypeA).Answer, dns.TypeA) {
					addr, _ = netip.AddrFromSlice(rr.(*dns.A).A.To4())
				}
				if !addr.IsValid() {
					t.Errorf("%s of %s has no address", server, origin)
					continue
				}
				if m := askServer(t, l, "udp", addr, origin, dns.TypeSOA); m.Authoritative == slices.Contains(lame, server) {
					t.Errorf("%s answers for %s with authority: %v", server, origin, m.Authoritative)
				}
			}
		}
	})
}
