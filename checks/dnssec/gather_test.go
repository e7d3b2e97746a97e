package dnssec

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// resolver answers from a few records, over memory. The names are not signed: that is the
// resolver's own tests' business.
func resolver(t *testing.T, zone string) *resolve.Resolver {
	t.Helper()
	var all []dns.RR
	for line := range strings.Lines(zone) {
		if rr, err := dns.NewRR(strings.TrimSpace(line)); err != nil {
			t.Fatal(err)
		} else if rr != nil {
			all = append(all, rr)
		}
	}
	peer := netip.MustParseAddrPort("192.0.2.53:53")
	dial := func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			buf := make([]byte, 4096)
			n, err := server.Read(buf)
			query := new(dns.Msg)
			if err != nil || query.Unpack(buf[:n]) != nil {
				return
			}
			m := new(dns.Msg)
			m.SetReply(query)
			q := query.Question[0]
			for _, rr := range all {
				h := rr.Header()
				switch {
				case h.Name == q.Name && (h.Rrtype == q.Qtype || h.Rrtype == dns.TypeCNAME):
					m.Answer = append(m.Answer, rr)
				case h.Rrtype == dns.TypeSOA && h.Name != q.Name && dns.IsSubDomain(h.Name, q.Name):
					m.Ns = []dns.RR{rr}
				}
			}
			if wire, err := m.Pack(); err == nil {
				server.Write(wire)
			}
		}()
		return client, nil
	}
	return resolve.New(resolve.Config{Upstreams: []netip.AddrPort{peer},
		Dialer: egress.New(egress.Config{Upstreams: []netip.AddrPort{peer}, Dial: dial})})
}

func TestGather(t *testing.T) {
	res := resolver(t, `
		example.org.      SOA ns hostmaster 1 1 1 1 1
		example.org.      DNSKEY 257 3 13 AAAA
		example.org.      NSEC3PARAM 1 0 0 -
		example.org.      NSEC3PARAM 1 0 12 ABCD
		provider.org.     SOA ns hostmaster 1 1 1 1 1
		other.org.        SOA ns hostmaster 1 1 1 1 1
		other.org.        NSEC3PARAM 1 1 99 -
		alias.other.org.  CNAME mx.provider.org.`)
	got := Gather(t.Context(), res, "example.org", []*report.Host{
		{Name: "mx.example.org"}, {Name: "a.b.provider.org"}, {Name: "mx.provider.org"}, {Name: "alias.other.org"},
	})
	var names []string
	for _, z := range got.Zones {
		names = append(names, z.Name)
		if z.Trust.State != report.Indeterminate || z.Trust.Reason != report.CauseNotCapable {
			t.Errorf("%s: %s %s, though nothing here is signed", z.Name, z.Trust.State, z.Trust.Reason)
		}
	}
	if want := []string{"example.org", "provider.org", "other.org"}; !slices.Equal(names, want) {
		t.Fatalf("zones %v, want %v", names, want)
	}
	if z := got.Zones[0]; !z.DNSKEY || z.Iterations == nil || *z.Iterations != 12 || !z.Salted {
		t.Errorf("%+v, want keys, 12 iterations and a salt", z)
	}
	if z := got.Zones[1]; z.DNSKEY || z.Iterations != nil || z.Salted {
		t.Errorf("%+v, want nothing", z)
	}
	if z := got.Zones[2]; z.Iterations != nil {
		t.Errorf("%+v: parameters with flags are not in use", z)
	}
}

func TestGatherWithoutAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := Gather(ctx, resolver(t, ""), "example.org", nil); got == nil || len(got.Zones) != 0 {
		t.Errorf("%+v, want no zones", got)
	}
}
