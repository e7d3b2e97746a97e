package resolve

import (
	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// answersAlias proves an alias. A DNAME made from a wildcard leads nowhere certain
// (RFC 6672 §3.3).
func (z *zone) answersAlias(s *step, name string, t *trial) *fault {
	f := z.answers(s, name, t)
	if f == nil && s.set.typ == dns.TypeDNAME && int(s.sig.Labels) < ownerLabels(s.set.name) {
		f = bogus(report.CauseSignatureInvalid, report.SaysDNAMEOfWildcard, "records", s.set)
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

// answers proves the step's records by the keys of a zone, and where they come from a
// wildcard that they had to.
func (z *zone) answers(s *step, name string, t *trial) *fault {
	sig, notes, f := z.authenticate(s.set, t)
	s.sig, s.notes = sig, notes
	if f == nil && int(sig.Labels) < ownerLabels(s.set.name) {
		f = z.expanded(s.reply, name, int(sig.Labels), t)
	}
	return f
}
