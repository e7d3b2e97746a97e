package resolve

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// question is a name, fully qualified in lower case, and a type. The class is IN.
type question struct {
	name  string
	qtype uint16
}

func (q question) String() string { return dns.Type(q.qtype).String() + " of " + plain(q.name) }

// reply is what came of one question: a message, or the failure to get one. It is shared
// by all who asked and never changed.
type reply struct {
	rcode     int
	answer    []*rrset
	authority []*rrset
	size      int              // octets
	ede       int              // the upstream's extended error, 0 where it gave none
	vouched   bool             // the upstream says that it validated the answer (AD); compared, never believed
	failure   *report.Failure  // nil when an answer came
	seen      []report.Witness // what others gave, where they were asked because of it
	peer      netip.AddrPort   // that it came from
	looked    bool             // the second look has been taken
}

// rrset is the records of one owner and type with the signatures that cover them.
type rrset struct {
	name string
	typ  uint16
	rrs  []dns.RR
	sigs []*dns.RRSIG
}

func (s *rrset) String() string { return dns.Type(s.typ).String() + " of " + plain(s.name) }

// newReply takes a message apart.
func newReply(msg *dns.Msg, size int, peer netip.AddrPort, q question) *reply {
	rep := &reply{rcode: msg.Rcode, size: size, peer: peer, vouched: msg.AuthenticatedData}
	var text string
	if opt := msg.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok && rep.ede == 0 {
				rep.ede = int(e.InfoCode)
				text = strings.TrimSpace(dns.ExtendedErrorCodeToString[e.InfoCode] + " " + report.Clean(e.ExtraText, 200))
			}
		}
	}
	if msg.Rcode != dns.RcodeSuccess && msg.Rcode != dns.RcodeNameError {
		rep.failure = rcodeFailure(msg.Rcode, peer, q, text)
		return rep
	}
	rep.answer, rep.authority = rrsets(msg.Answer), rrsets(msg.Ns)
	return rep
}

// rrsets groups a section by owner and type, in the order of their first record. Owners
// become lower case: servers may repeat the case of the question.
func rrsets(section []dns.RR) []*rrset {
	type key struct {
		name string
		typ  uint16
	}
	byKey := make(map[key]*rrset)
	var list []*rrset
	set := func(name string, typ uint16) *rrset {
		k := key{name, typ}
		if byKey[k] == nil {
			byKey[k] = &rrset{name: name, typ: typ}
			list = append(list, byKey[k])
		}
		return byKey[k]
	}
	for _, rr := range section {
		h := rr.Header()
		if h.Class != dns.ClassINET {
			continue
		}
		h.Name = dns.CanonicalName(h.Name)
		if sig, ok := rr.(*dns.RRSIG); ok {
			sig.SignerName = dns.CanonicalName(sig.SignerName)
			s := set(h.Name, sig.TypeCovered)
			s.sigs = append(s.sigs, sig)
			continue
		}
		s := set(h.Name, h.Rrtype)
		if len(s.rrs) == 1 && dns.IsDuplicate(rr, s.rrs[0]) {
			continue // a record that comes twice is one record (RFC 2181 §5)
		}
		s.rrs = append(s.rrs, rr)
	}
	return slices.DeleteFunc(list, func(s *rrset) bool { return len(s.rrs) == 0 })
}

// find returns the RRset of a name and type in the answer section, or nil.
func (rep *reply) find(name string, typ uint16) *rrset {
	for _, s := range rep.answer {
		if s.name == name && s.typ == typ {
			return s
		}
	}
	return nil
}

// dname returns a DNAME RRset above name, or nil.
func (rep *reply) dname(name string) *rrset {
	for _, s := range rep.answer {
		if s.typ == dns.TypeDNAME && s.name != name && dns.IsSubDomain(s.name, name) {
			return s
		}
	}
	return nil
}

// denials returns the RRsets that speak of absence: SOA, NSEC and NSEC3.
func (rep *reply) denials() []*rrset {
	var out []*rrset
	for _, s := range rep.authority {
		if s.typ == dns.TypeSOA || s.typ == dns.TypeNSEC || s.typ == dns.TypeNSEC3 {
			out = append(out, s)
		}
	}
	return out
}

// soa returns the owner of the SOA in the authority section; empty where there is none.
func (rep *reply) soa() string {
	for _, s := range rep.authority {
		if s.typ == dns.TypeSOA {
			return s.name
		}
	}
	return ""
}

// ttl returns the least TTL over a set, which a signature may lower (RFC 4035 §5.3.3).
func (s *rrset) ttl() uint32 {
	least := s.rrs[0].Header().Ttl
	for _, rr := range s.rrs {
		least = min(least, rr.Header().Ttl)
	}
	for _, sig := range s.sigs {
		least = min(least, sig.OrigTtl)
	}
	return least
}

// negativeTTL returns how long a denial may be kept (RFC 2308 §5), in seconds.
func (rep *reply) negativeTTL() uint32 {
	least := ^uint32(0)
	for _, s := range rep.authority {
		least = min(least, s.ttl())
		if soa, ok := s.rrs[0].(*dns.SOA); ok {
			least = min(least, soa.Minttl)
		}
	}
	if least == ^uint32(0) {
		return 0
	}
	return least
}

const (
	failureLifetime = 8 * time.Second // of a failed look-up or a broken chain
	leastLifetime   = 8 * time.Second // so that one check sees one state of things
	mostLifetime    = 15 * time.Minute
	mostTopLifetime = time.Hour // of the DS and DNSKEY of root and top-level domains
)

// lifetime says how long the reply may be kept.
func (rep *reply) lifetime(q question) time.Duration {
	if rep.failure != nil {
		return failureLifetime
	}
	ttl := rep.negativeTTL()
	if len(rep.answer) > 0 {
		ttl = rep.answer[0].ttl()
		for _, s := range rep.answer[1:] {
			ttl = min(ttl, s.ttl())
		}
	}
	most := mostLifetime
	if dns.CountLabel(q.name) <= 1 && (q.qtype == dns.TypeDS || q.qtype == dns.TypeDNSKEY) {
		most = mostTopLifetime
	}
	return min(max(time.Duration(ttl)*time.Second, leastLifetime), most)
}

// normal returns a name in the form used throughout: lower case, fully qualified, with
// escapes as the wire form gives them.
func normal(name string) (string, error) {
	wire, err := wireName(name)
	if err != nil {
		return "", fmt.Errorf("%q is not a domain name", report.Clean(name, 255))
	}
	n, _, err := dns.UnpackDomainName(wire, 0)
	if err != nil {
		return "", fmt.Errorf("%q is not a domain name", report.Clean(name, 255))
	}
	return n, nil
}

// plain returns a name as people write it.
func plain(name string) string {
	if name == "." {
		return "."
	}
	return report.Clean(strings.TrimSuffix(name, "."), 255)
}

// parent returns the name without its first label.
func parent(name string) string {
	if i, end := dns.NextLabel(name, 0); !end {
		return name[i:]
	}
	return "."
}

// ancestry returns the root, then every ancestor of name downwards, name last.
func ancestry(name string) []string {
	if name == "." {
		return []string{"."}
	}
	return append(ancestry(parent(name)), name)
}

// wireName returns a name in wire form, in lower case.
func wireName(name string) ([]byte, error) {
	buf := make([]byte, 255)
	n, err := dns.PackDomainName(dns.CanonicalName(name), buf, 0, nil, false)
	if err != nil {
		return nil, err
	}
	return lower(buf[:n]), nil
}

// rcodeFailure turns an rcode that is no answer into evidence.
func rcodeFailure(rcode int, peer netip.AddrPort, q question, ede string) *report.Failure {
	name := rcodeName(rcode)
	says := report.SaysResolverErrs
	if rcode == dns.RcodeRefused {
		says = report.SaysResolverRefuses
	}
	f := failed(rcodeWord(rcode), says, "resolver", peer, "rcode", name, "question", q)
	if ede != "" {
		f.Statement = f.About(report.Say(report.SaysAndSays, "text", ede))
	}
	return f
}

func rcodeName(rcode int) string {
	if name := dns.RcodeToString[rcode]; name != "" {
		return name
	}
	return fmt.Sprintf("RCODE%d", rcode)
}

func rcodeWord(rcode int) report.Kind { return report.Kind(strings.ToLower(rcodeName(rcode))) }
