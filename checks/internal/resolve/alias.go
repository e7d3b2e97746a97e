package resolve

import (
	"context"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// alias judges the CNAME or DNAME that stands in the way of an answer; false means that
// there is none. A CNAME without signature beside a DNAME is the server's own making: the
// DNAME is proved and the target derived from it here (RFC 6672 §5.3).
func (r *Resolver) alias(ctx context.Context, s *step, q question, at string) bool {
	cname, dname := s.reply.find(q.name, dns.TypeCNAME), s.reply.dname(q.name)
	switch {
	case q.qtype != dns.TypeCNAME && cname != nil && (dname == nil || len(cname.sigs) > 0):
		s.set, s.target = cname, cname.target(q.name)
	case dname != nil:
		s.set, s.target, at = dname, dname.target(q.name), dname.name
	default:
		return false
	}
	if s.target == "" {
		failed := *s.reply
		failed.failure = &report.Failure{Phase: "dns", Kind: "malformed",
			Text: "The alias of " + plain(q.name) + " leads to no single valid name; its owner must mend it."}
		s.reply = &failed
		s.fault = indeterminate(AliasFault, "%s", failed.failure.Text)
		return true
	}
	if q.qtype == dns.TypeCNAME {
		// Whoever asks for the alias wants itself, not what it leads to (RFC 1034 §3.6.2).
		s.derived = &dns.CNAME{Target: s.target,
			Hdr: dns.RR_Header{Name: q.name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: s.set.ttl()}}
		s.target, s.rcode = "", dns.RcodeSuccess
	}
	r.under(ctx, s, at, signer(at, s.set), func(z *zone, t *trial) *fault { return z.answersAlias(s, q.name, t) })
	return true
}

// answersAlias proves an alias. A DNAME made from a wildcard leads nowhere certain
// (RFC 6672 §3.3).
func (z *zone) answersAlias(s *step, name string, t *trial) *fault {
	f := z.answers(s, name, t)
	if f == nil && s.set.typ == dns.TypeDNAME && int(s.sig.Labels) < ownerLabels(s.set.name) {
		f = bogus(SignatureInvalid, "The %v was made from a wildcard, whose target is anybody's guess; its DNS host must replace it.", s.set)
	}
	return f
}

// aliased reports whether a reply to a DS question shows that the name is an alias, hence
// no zone cut, and the fault of the alias, if any.
func (z *zone) aliased(rep *reply, name string, t *trial) (f *fault, alias bool) {
	cname, dname := rep.find(name, dns.TypeCNAME), rep.dname(name)
	s := &step{reply: rep}
	switch {
	case cname != nil && (dname == nil || len(cname.sigs) > 0):
		s.set = cname
	case dname != nil:
		s.set = dname
	default:
		return nil, false
	}
	return z.answersAlias(s, name, t), true
}

// target returns where the alias leads from name; empty when that is no single valid name.
func (s *rrset) target(name string) string {
	for _, rr := range s.rrs[1:] {
		if !dns.IsDuplicate(rr, s.rrs[0]) {
			return ""
		}
	}
	switch rr := s.rrs[0].(type) {
	case *dns.CNAME:
		target, err := normal(rr.Target)
		if err != nil {
			return ""
		}
		return target
	case *dns.DNAME:
		prefix := name[:len(name)-len(s.name)]
		if s.name == "." {
			prefix = name
		}
		to := dns.CanonicalName(rr.Target)
		if to == "." {
			to = ""
		}
		target, err := normal(prefix + to)
		if err != nil {
			return ""
		}
		return target
	}
	return ""
}
