package lab

import (
	"net/netip"

	"github.com/miekg/dns"

	"mxseal/checks/lab/serve"
)

// zoneServer is a name server that has some of the zones: it answers for those with authority,
// leads on to the ones below, and knows nothing of others. It does not recurse.
type zoneServer struct {
	*nameserver                 // everything there is, for the addresses that go with a delegation
	has         map[string]bool // origins of its zones
	whole       bool            // it answers for all names of them, dead ones too
}

func (a *zoneServer) answer(packet []byte, udp bool) []byte {
	return serve.Respond(packet, udp, false, a.fill)
}

// fill answers from the deepest zone of its own, or names the child of it where the question
// belongs.
func (a *zoneServer) fill(m *dns.Msg, do bool) {
	name, rtype := dns.CanonicalName(m.Question[0].Name), m.Question[0].Qtype
	z := a.zoneOf(name, rtype)
	if !a.has[z.origin] {
		if z = a.above(name); z == nil {
			m.Rcode = dns.RcodeRefused
			return
		}
		if cut := z.cutAbove(name); cut != "" {
			a.refer(m, z, cut, do)
			return
		}
	}
	if !a.whole && a.isDead(name, rtype) {
		fail(m, 0)
		return
	}
	m.Authoritative = true
	set, rcode, proof := z.find(name, rtype)
	if set != nil {
		m.Answer = set.records(do) // an alias as it is; who asks goes on by itself
		return
	}
	m.Rcode = rcode
	for _, set := range proof {
		m.Ns = append(m.Ns, set.records(do)...)
	}
}

// above returns the deepest zone of its own above a name, nil where it has none.
func (a *zoneServer) above(name string) *zone {
	for ; ; name = parentOf(name) {
		if a.has[name] {
			return a.zones[name]
		}
		if name == "." {
			return nil
		}
	}
}

// cutAbove returns the name at or above name that z delegates, empty where there is none.
func (z *zone) cutAbove(name string) string {
	for ; name != z.origin; name = parentOf(name) {
		if z.cuts[name] {
			return name
		}
	}
	return ""
}

// refer leads from z to a child: name servers, DS or the proof that there is none (RFC 4035
// §3.1.4), addresses.
func (a *zoneServer) refer(m *dns.Msg, z *zone, cut string, do bool) {
	servers := z.owners[cut][dns.TypeNS].rrs
	m.Ns = append(m.Ns, servers...)
	if do {
		set, _, proof := z.find(cut, dns.TypeDS)
		if set != nil {
			proof = []*rrset{nil, set}
		}
		for _, set := range proof[1:] { // the SOA stays at home
			m.Ns = append(m.Ns, set.records(do)...)
		}
	}
	for _, rr := range servers {
		name := rr.(*dns.NS).Ns
		if set := a.zoneOf(name, dns.TypeA).owners[name][dns.TypeA]; set != nil {
			m.Extra = append(m.Extra, set.rrs...)
		}
	}
}

// delegate is a name server that a world has for itself.
type delegate struct {
	name string // in the zone
	lame bool   // it does not have the zone
	mute bool   // it does not answer over TCP
}

// Where those servers stand.
var (
	topAddr    = netip.MustParseAddr("127.77.0.54")
	domainAddr = netip.MustParseAddr("127.77.0.55")
)
