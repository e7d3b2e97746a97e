package differential

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// An unsigned delegation in an opt-out span of its registry, whose proof is damaged on the way:
// wherever Unbound still says insecure, so do we.
func TestDamagedOptOut(t *testing.T) {
	harms := []struct {
		why string
		do  func(*dns.NSEC3, *dns.RRSIG) // nil: it is dropped
	}{
		{"its types", func(n *dns.NSEC3, _ *dns.RRSIG) { n.TypeBitMap = toggle(n.TypeBitMap, dns.TypeTXT) }},
		{"its flags", func(n *dns.NSEC3, _ *dns.RRSIG) { n.Flags ^= 1 }},
		{"its signature", func(_ *dns.NSEC3, s *dns.RRSIG) { s.Signature = "AAAA" + s.Signature[4:] }},
		{"the time of its signature", func(_ *dns.NSEC3, s *dns.RRSIG) { s.Expiration = s.Inception + 86400 }},
		{"it is dropped", nil},
	}
	i := 0
	for which := range 2 {
		for _, h := range harms {
			l := &liar{address: fmt.Sprintf("%s:%d", the.at(liarAt+i), port), lie: func(q dns.Question, m *dns.Msg) string {
				if q.Qtype != dns.TypeDS || !strings.EqualFold(q.Name, "plain.registry.") {
					return ""
				}
				var all []*dns.NSEC3
				for _, rr := range m.Ns {
					if n, ok := rr.(*dns.NSEC3); ok {
						all = append(all, n)
					}
				}
				if which >= len(all) {
					return ""
				}
				name := all[which].Hdr.Name
				if h.do == nil {
					m.Ns = slices.DeleteFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Name == name })
					return h.why
				}
				for _, rr := range m.Ns {
					if s, ok := rr.(*dns.RRSIG); ok && s.Hdr.Name == name {
						h.do(all[which], s)
					}
				}
				return h.why
			}}
			l.listen(t)
			for _, p := range compare(t, resolver(t, liarAt+i, true), func(question) int { return victimAt + i },
				[]question{{"mx.plain.registry.", dns.TypeA}, {"plain.registry.", dns.TypeMX}, {"plain.registry.", dns.TypeDS}, {"no.plain.registry.", dns.TypeA}}) {
				t.Logf("record %d, %s: %v: Unbound %s, mxseal %s", which, h.why, p.question, p.oracle.state, p.ours.state)
				if p.oracle.state == insecure && p.ours.state != insecure {
					t.Errorf("record %d, %s: %v: Unbound %v, mxseal %v", which, h.why, p.question, p.oracle, p.ours)
				}
			}
			i++
		}
	}
}
