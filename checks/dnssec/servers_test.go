package dnssec

import (
	"context"
	"crypto"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// broken is a resolver behind which example.org has two name servers, one that does not have
// the zone; so the resolver answers SERVFAIL. Only the root is signed.
func broken(t *testing.T) *resolve.Resolver {
	t.Helper()
	key := &dns.DNSKEY{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 60}, Flags: 257, Protocol: 3, Algorithm: dns.ECDSAP256SHA256}
	private, err := key.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(rr dns.RR) []dns.RR {
		sig := &dns.RRSIG{Algorithm: key.Algorithm, KeyTag: key.KeyTag(), SignerName: ".",
			Inception: uint32(time.Now().Add(-time.Hour).Unix()), Expiration: uint32(time.Now().Add(time.Hour).Unix())}
		if err := sig.Sign(private.(crypto.Signer), []dns.RR{rr}); err != nil {
			t.Fatal(err)
		}
		return []dns.RR{rr, sig}
	}
	rrs := func(lines ...string) (list []dns.RR) {
		for _, l := range lines {
			rr, err := dns.NewRR(l)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, rr)
		}
		return list
	}
	upstream := netip.MustParseAddrPort("192.0.2.53:53")
	answer := func(server string, q dns.Question, m *dns.Msg) {
		switch server + " " + dns.TypeToString[q.Qtype] + " " + q.Name {
		case "192.0.2.53:53 DNSKEY .":
			m.Answer = signed(key)
		case "192.0.2.53:53 MX .":
			m.Ns = signed(rrs(". 60 NSEC org. NS SOA RRSIG NSEC DNSKEY")[0])
		case "192.0.2.53:53 NS org.":
			m.Answer = rrs("org. NS a.nic.org.")
		case "192.0.2.53:53 A a.nic.org.":
			m.Answer = rrs("a.nic.org. A 192.0.2.10")
		case "192.0.2.10:53 SOA example.org.":
			m.Ns = rrs("example.org. NS ns1.example.org.", "example.org. NS ns2.example.org.")
			m.Extra = rrs("ns1.example.org. A 192.0.2.11", "ns2.example.org. A 192.0.2.12")
		case "192.0.2.11:53 SOA example.org.":
			m.Authoritative = true
			m.Answer = rrs("example.org. SOA ns1 hostmaster 7 1 1 1 1")
		case "192.0.2.11:53 MX example.org.":
			m.Authoritative = true
			m.Answer = rrs("example.org. MX 10 mx.example.org.")
		case "192.0.2.12:53 SOA example.org.":
			m.Rcode = dns.RcodeRefused
		default:
			if strings.HasSuffix(q.Name, "example.org.") {
				m.Rcode = dns.RcodeServerFailure
			}
		}
	}
	dial := func(_ context.Context, network, address string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			buf := make([]byte, 65535)
			n, err := server.Read(buf)
			if network == "tcp" {
				for err == nil && n < 2+int(binary.BigEndian.Uint16(buf)) {
					var more int
					more, err = server.Read(buf[n:])
					n += more
				}
				buf, n = buf[2:], n-2
			}
			query := new(dns.Msg)
			if err != nil || query.Unpack(buf[:n]) != nil {
				return
			}
			m := new(dns.Msg)
			m.SetReply(query)
			answer(address, query.Question[0], m)
			wire, err := m.Pack()
			if err != nil {
				t.Error(err)
				return
			}
			if network == "tcp" {
				wire = append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
			}
			server.Write(wire)
			io.Copy(io.Discard, server)
		}()
		return client, nil
	}
	peers := []netip.AddrPort{upstream}
	return resolve.New(resolve.Config{Upstreams: peers, Anchors: []dns.RR{key}, Dialer: egress.New(egress.Config{
		Upstreams: peers, Dial: dial, Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})})
}

func TestTheGuiltyServerIsInTheEvidence(t *testing.T) {
	synctest.Test(t, theGuiltyServer)
}

func theGuiltyServer(t *testing.T) {
	got := Gather(t.Context(), broken(t), "example.org", []*report.Host{{Name: "mx.example.org"}})
	if len(got.Authorities) != 1 {
		t.Fatalf("%+v, want one zone asked", got.Authorities)
	}
	a := got.Authorities[0]
	if a.Zone != "example.org" || a.Failure != nil || len(a.Servers) != 2 {
		t.Fatalf("%+v", a)
	}
	if n := a.Servers[0]; n.Name != "ns1.example.org" || n.Fault != "" || n.Serial != 7 || n.TCP != "ok" {
		t.Errorf("%+v, want all well", n)
	}
	if n := a.Servers[1]; n.Name != "ns2.example.org" || n.IP != "192.0.2.12" || n.Fault != "refused" {
		t.Errorf("%+v, want it named", n)
	}
}

func TestServersAreAskedOnlyAfterAFailure(t *testing.T) {
	synctest.Test(t, onlyAfterAFailure)
}

func onlyAfterAFailure(t *testing.T) {
	res := resolver(t, "example.org. SOA ns hostmaster 1 1 1 1 1\nexample.org. MX 10 mx.example.org.")
	for _, c := range []struct {
		why  string
		res  *resolve.Resolver
		host report.Host
		want string
	}{
		{"all well", res, report.Host{Name: "mx.example.org", DNSSEC: report.Trust{State: report.Secure}}, ""},
		{"not signed", res, report.Host{Name: "mx.example.org", DNSSEC: report.Trust{State: report.Insecure}}, ""},
		{"no TLSA", res, report.Host{Name: "mx.example.org", DNSSEC: report.Trust{State: report.Secure}, TLSA: report.TLSA{DNSSEC: &report.Trust{State: report.Secure}}}, ""},
		{"no answer for TLSA", res, report.Host{Name: "mx.example.org", DNSSEC: report.Trust{State: report.Secure}, TLSA: report.TLSA{Base: "mx.example.org", DNSSEC: &report.Trust{State: report.Indeterminate}}}, "TLSA _25._tcp.mx.example.org."},
		{"no answer for MX, nor for the addresses", broken(t), report.Host{Name: "mx.example.org", DNSSEC: report.Trust{State: report.Indeterminate}, Failure: &report.Failure{Kind: "servfail"}}, "MX example.org., A mx.example.org."},
		{"no answer for MX", broken(t), report.Host{Name: "mx.example.org"}, "MX example.org."},
	} {
		var got []string
		for _, q := range failed(t.Context(), c.res, "example.org", []*report.Host{&c.host}) {
			got = append(got, dns.TypeToString[q.Qtype]+" "+q.Name)
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %q, want %q", c.why, s, c.want)
		}
	}
}
