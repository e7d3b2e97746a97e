package dane

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/resolve"
)

// Records at names where no sending server looks are found, and nothing is made of silence.
func TestMisplaced(t *testing.T) {
	published := []string{"_25._tcp.example.org.", "_587._tcp.mx.example.org.", "25._tcp.mx.example.org."}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.SetEdns0(1232, true)
		switch name := q.Question[0].Name; {
		case q.Question[0].Qtype != dns.TypeTLSA:
		case slices.Contains(published, name):
			m.Answer = []dns.RR{&dns.TLSA{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTLSA, Class: dns.ClassINET, Ttl: 60}, Usage: 3, Selector: 1, MatchingType: 1, Certificate: "00"}}
		default:
			m.Rcode = dns.RcodeNameError
		}
		w.WriteMsg(m)
	})}
	go server.ActivateAndServe()
	defer server.Shutdown()
	at := netip.MustParseAddrPort(conn.LocalAddr().String())
	res := resolve.New(resolve.Config{Dialer: egress.New(egress.Config{Upstreams: []netip.AddrPort{at}}), Upstreams: []netip.AddrPort{at}})

	if got := Misplaced(t.Context(), res, "example.org"); !slices.Equal(got, []string{"_25._tcp.example.org"}) {
		t.Errorf("at the domain: %v", got)
	}
	if got := Misplaced(t.Context(), res, "example.net"); got != nil {
		t.Errorf("at a domain without any: %v", got)
	}
	if got := elsewhere(t.Context(), res, "mx.example.org"); !slices.Equal(got, []string{"_587._tcp.mx.example.org", "25._tcp.mx.example.org"}) {
		t.Errorf("at a host: %v", got)
	}
}
