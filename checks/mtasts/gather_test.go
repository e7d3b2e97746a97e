package mtasts

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// The record of the registered domain above is asked for where a sub-domain has none of its own.
func TestTheDomainAbove(t *testing.T) {
	published := []string{"_mta-sts.example.org.", "_mta-sts.own.example.org."}
	var mu sync.Mutex
	asked := map[string]bool{}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.SetEdns0(1232, true)
		name := q.Question[0].Name
		mu.Lock()
		asked[name] = true
		mu.Unlock()
		if q.Question[0].Qtype == dns.TypeTXT && slices.Contains(published, name) {
			m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{"v=STSv1; id=1"}}}
		}
		w.WriteMsg(m)
	})}
	go server.ActivateAndServe()
	defer server.Shutdown()
	at := netip.MustParseAddrPort(conn.LocalAddr().String())
	res := resolve.New(resolve.Config{Dialer: egress.New(egress.Config{Upstreams: []netip.AddrPort{at}}), Upstreams: []netip.AddrPort{at}})
	for domain, want := range map[string]int{"a.b.example.org": 1, "own.example.org": 0, "example.org": 0, "dept.example.net": 0} {
		m := Gather(t.Context(), res, Config{Depth: report.Standard}, domain)
		if len(m.AboveTXT) != want {
			t.Errorf("%s: %q", domain, m.AboveTXT)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if asked["_mta-sts.org."] || !asked["_mta-sts.example.net."] {
		t.Errorf("asked for %v", asked)
	}
}
