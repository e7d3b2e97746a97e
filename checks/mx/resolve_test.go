package mx

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// upstream is a recursive resolver on loopback that knows these records and denies all
// other names under example.org and gone.net; it knows nothing of DNSSEC.
func upstream(t *testing.T, lines ...string) *resolve.Resolver {
	t.Helper()
	zone := rrs(t, lines...)
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.SetEdns0(1232, true)
		name, exists := strings.ToLower(q.Question[0].Name), false
		for _, rr := range zone {
			exists = exists || dns.IsSubDomain(name, rr.Header().Name)
			if rr.Header().Name == name && rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		if !exists {
			m.Rcode = dns.RcodeNameError
		}
		w.WriteMsg(m)
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	at := netip.MustParseAddrPort(conn.LocalAddr().String())
	return resolve.New(resolve.Config{Dialer: egress.New(egress.Config{Upstreams: []netip.AddrPort{at}}), Upstreams: []netip.AddrPort{at}})
}

func TestGather(t *testing.T) {
	res := upstream(t,
		"example.org. MX 20 b.example.org.", "example.org. MX 10 a.example.org.", "example.org. MX 5 .",
		`example.org. TXT "v=spf1 -all"`, `_dmarc.example.org. TXT "v=DMARC1; p=reject"`, `example.org. CAA 0 issue "ca.example.net"`, `b.example.org. CAA 0 issue ";"`,
		"a.example.org. A 198.41.0.4", "a.example.org. AAAA 2001:503::1", "b.example.org. A 127.0.0.1",
		"4.0.41.198.in-addr.arpa. PTR a.example.org.",
		"implicit.example.org. A 198.41.0.4", "null.example.org. MX 0 .", "nothing.example.org. TXT x")
	for name, want := range map[string]string{
		"example.org": "ok", "implicit.example.org": "implicit", "null.example.org": "null",
		"nothing.example.org": "none", "gone.example.org": "nxdomain",
	} {
		mx, hosts := Gather(t.Context(), res, name)
		if string(mx.State) != want {
			t.Errorf("%s: %s %v, want %s", name, mx.State, mx.Failure, want)
		}
		if (len(hosts) > 0) != (want == "ok" || want == "implicit") {
			t.Errorf("%s: hosts %v", name, hosts)
		}
		if name != "example.org" {
			continue
		}
		if n := mx.Neighbours; n.SPF != "v=spf1 -all" || n.DMARC != "v=DMARC1; p=reject" || len(n.CAA) != 1 || n.CAAName != "example.org" {
			t.Errorf("neighbours %+v", n)
		}
		if hosts[0].CAAName != "example.org" || hosts[1].CAAName != "b.example.org" || len(hosts[1].CAA) != 1 {
			t.Errorf("CAA of the hosts: %+v, %+v", hosts[0], hosts[1])
		}
		for _, h := range hosts {
			Addresses(t.Context(), res, wallOf127, h)
			Pointers(t.Context(), res, h)
		}
		a, b := hosts[0], hosts[1]
		if a.Name != "a.example.org" || len(a.Addresses) != 2 || a.NotTested != "" || len(a.Addresses[0].PTR) != 1 {
			t.Errorf("first host %+v", a)
		}
		if b.Name != "b.example.org" || b.NotTested != "forbidden" || b.Addresses[0].NotTested != "forbidden" {
			t.Errorf("second host %+v", b)
		}
	}
}

func TestGatherEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	mx, hosts := Gather(ctx, upstream(t), "example.org")
	if mx.State != "error" || mx.Failure == nil || mx.Failure.Phase != "mx" || len(hosts) != 0 {
		t.Errorf("%+v, hosts %v", mx, hosts)
	}
	if f := Judge(report.Observed{Meta: report.Meta{Domain: "example.org"}, Evidence: report.Evidence{MX: mx}}); len(f) == 0 || f[0].Verdict != report.Untested {
		t.Errorf("findings %+v", f)
	}
}

func wallOf127(a netip.Addr) error {
	if a.IsLoopback() {
		return &egress.ForbiddenError{Addr: a, Why: "loopback"}
	}
	return nil
}
