package lab

import (
	"github.com/miekg/dns"

	"mxseal/checks/lab/serve"
	"mxseal/checks/report"
)

// nameserver answers as a recursive resolver would that has seen the whole lab. It leaves
// AD clear: who wants to know validates.
type nameserver struct {
	zones map[string]*zone
	dead  map[string]uint16 // names from which on down every question comes to SERVFAIL, or at which that for one type does
}

// zoneOf returns the zone that answers a question: the deepest one that holds the name, or
// the one above where its DS is asked for (RFC 4035 §3.1.4.1).
func (s *nameserver) zoneOf(name string, rtype uint16) *zone {
	if rtype == dns.TypeDS && s.zones[name] != nil && name != "." {
		name = parentOf(name)
	}
	for s.zones[name] == nil {
		name = parentOf(name)
	}
	return s.zones[name]
}

// answer is what comes back to a question as it came by the wire.
func (s *nameserver) answer(packet []byte, udp bool) []byte {
	return serve.Respond(packet, udp, true, s.resolve)
}

// resolve follows the question of m from alias to alias and fills the sections. Where the
// aliases go round in a circle it gives them all, as BIND does, and leaves it at that.
func (s *nameserver) resolve(m *dns.Msg, do bool) {
	name, rtype := dns.CanonicalName(m.Question[0].Name), m.Question[0].Qtype
	seen := make(map[string]bool)
	for !seen[name] {
		seen[name] = true
		if s.isDead(name, rtype) {
			fail(m, 0)
			return
		}
		z := s.zoneOf(name, rtype)
		if !m.CheckingDisabled && s.bogus(z) {
			fail(m, dns.ExtendedErrorCodeDNSBogus)
			return
		}
		set, rcode, proof := z.find(name, rtype)
		if set == nil {
			m.Rcode = rcode
			for _, set := range proof {
				m.Ns = append(m.Ns, set.records(do)...)
			}
			return
		}
		m.Answer = append(m.Answer, set.records(do)...)
		alias, ok := set.rrs[0].(*dns.CNAME)
		if !ok || rtype == dns.TypeCNAME {
			return
		}
		name = dns.CanonicalName(alias.Target)
	}
}

func fail(m *dns.Msg, code uint16) {
	m.Rcode, m.Answer, m.Ns = dns.RcodeServerFailure, nil, nil
	if opt := m.IsEdns0(); opt != nil && code != 0 {
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: code})
	}
}

// records returns the set as it is sent; proofs and signatures only to those who ask for
// them (RFC 4035 §3.1).
func (set *rrset) records(do bool) []dns.RR {
	if !do {
		switch set.rrs[0].Header().Rrtype {
		case dns.TypeNSEC, dns.TypeNSEC3:
			return nil
		}
		return set.rrs
	}
	if set.sig == nil {
		return set.rrs
	}
	return append(set.rrs[:len(set.rrs):len(set.rrs)], set.sig)
}

func (s *nameserver) isDead(name string, rtype uint16) bool {
	for dead, only := range s.dead {
		if only == 0 && dns.IsSubDomain(dead, name) || only == rtype && dead == name {
			return true
		}
	}
	return false
}

// bogus reports whether a validator finds z broken, or a zone above it.
func (s *nameserver) bogus(z *zone) bool {
	for z.signing.state != report.Bogus {
		if z.origin == "." {
			return false
		}
		z = s.zoneOf(parentOf(z.origin), dns.TypeSOA)
	}
	return true
}
