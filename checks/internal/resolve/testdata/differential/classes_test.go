package differential

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// classes are why we may call secure what Unbound, given the same bytes, does not. In each
// the answer that we give is proved as RFC 4035 §5 wants it, by records that are whole.
var classes = []struct {
	name     string
	explains func(*told) bool
}{
	// We take the records that were asked for and are signed, or derive an alias from its
	// DNAME; Unbound follows the forged alias, or loses its way among proofs.
	{"all that is true is still there", func(l *told) bool {
		return l.wrong.Rcode == l.truth.Rcode && contain(l.wrong.Answer, l.truth.Answer) && contain(l.wrong.Ns, l.truth.Ns)
	}},
	// Unbound wants every record in the authority section of an answer verified.
	{"a bad record beside an answer that needs no proof", func(l *told) bool {
		return len(l.truth.Answer) > 0 && !expanded(l.truth) && l.wrong.Rcode == l.truth.Rcode && contain(l.wrong.Answer, l.truth.Answer)
	}},
	// The proof of absence is in NSEC and NSEC3; of a lost SOA Unbound minds the signature that is left.
	{"a signature without its SOA", func(l *told) bool {
		return slices.ContainsFunc(l.truth.Ns, record("SOA")) && !slices.ContainsFunc(l.wrong.Ns, record("SOA")) &&
			len(l.wrong.Ns) == len(l.truth.Ns)-1 && contain(l.truth.Ns, l.wrong.Ns)
	}},
	// One good signature is enough (RFC 6840 §5.11); to Unbound not where their labels or types disagree.
	{"one bad signature of several", func(l *told) bool {
		was, is := slices.Concat(l.truth.Answer, l.truth.Ns), slices.Concat(l.wrong.Answer, l.wrong.Ns)
		for _, rr := range was {
			if isRRSIG(rr) {
				continue
			}
			whole := func(sig dns.RR) bool {
				return sig.Header().Name == rr.Header().Name && signatureOver(dns.Type(rr.Header().Rrtype).String())(sig) && contain(is, []dns.RR{sig})
			}
			if !contain(is, []dns.RR{rr}) || !slices.ContainsFunc(was, whole) {
				return false
			}
		}
		return l.wrong.Rcode == l.truth.Rcode
	}},
}

// expanded reports whether an answer was made from a wildcard.
func expanded(m *dns.Msg) bool {
	return slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return ok && int(sig.Labels) < dns.CountLabel(strings.TrimPrefix(sig.Hdr.Name, "*."))
	})
}

// contain reports whether all records of one section are in another.
func contain(in, all []dns.RR) bool {
	return !slices.ContainsFunc(all, func(want dns.RR) bool {
		return !slices.ContainsFunc(in, func(rr dns.RR) bool { return rr.String() == want.String() })
	})
}

// class names what explains a lie; empty where nothing does.
func class(l *told) string {
	for _, c := range classes {
		if c.explains(l) {
			return c.name
		}
	}
	return ""
}
