package resolve

import (
	"slices"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// proof is what signed records say about a name that has no answer.
type proof struct {
	noName     bool // it does not exist; otherwise it exists, or may, without that type
	delegation bool // it is the top of another zone, which the parent says has no DS
	notes      []report.Note
}

// denial is the verified records of absence of one message.
type denial struct {
	zone  string
	nsec  []*dns.NSEC
	nsec3 []*dns.NSEC3
	trial *trial
}

func (d *denial) missing(q question) *fault {
	return bogus(report.CauseNSECMissing, report.SaysNoDenial, "zone", plain(d.zone), "question", q)
}

func contradicted(q question, rcode int, zone string) *fault {
	return bogus(report.CauseRcodeMismatch, report.SaysDenialContradicts, "question", q, "rcode", dns.RcodeToString[rcode], "zone", plain(zone))
}

// absent judges the record at the very name, or at the wildcard that stands for it: it must
// list neither the type nor an alias, and be of the side of a zone cut that may speak of
// the type (RFC 6840 §4.1, §4.4): only the parent of the DS, only the child of the rest.
func (d *denial) absent(types []uint16, q question) *fault {
	has := func(t uint16) bool { return slices.Contains(types, t) }
	parentSide := has(dns.TypeNS) && !has(dns.TypeSOA)
	switch {
	case has(q.qtype) || has(dns.TypeCNAME):
		return bogus(report.CauseNSECMissing, report.SaysDenialOfExisting, "question", q, "zone", plain(d.zone))
	case q.qtype == dns.TypeDS && has(dns.TypeSOA) && q.name != ".":
		return bogus(report.CauseNSECMissing, report.SaysDenialFromBelow, "question", q)
	case q.qtype != dns.TypeDS && parentSide:
		return bogus(report.CauseNSECMissing, report.SaysDenialFromAbove, "question", q)
	}
	return nil
}

// leads reports whether the owner of a record of absence is a delegation or a DNAME: of the
// names below, such a record proves nothing (RFC 6840 §4.1).
func leads(types []uint16) bool {
	return slices.Contains(types, dns.TypeDNAME) ||
		slices.Contains(types, dns.TypeNS) && !slices.Contains(types, dns.TypeSOA)
}

// existing is the proof that a name exists. NXDOMAIN beside it is an old mistake of servers,
// mostly at empty non-terminals, that validators forgive where NSEC shows what was meant.
func existing(rcode int) proof {
	if rcode == dns.RcodeNameError {
		return proof{notes: []report.Note{report.NoteNXDOMAIN}}
	}
	return proof{}
}

// optOut is the fault of a name in a span that may hold unsigned delegations (RFC 5155 §6).
func optOut(zone, name string) *fault {
	return insecure(report.CauseOptOut, report.SaysOptOutSpan, "zone", plain(zone), "name", plain(name))
}
