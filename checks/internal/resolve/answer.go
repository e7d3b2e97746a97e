package resolve

import (
	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// Answer is what a name and type came to. Look-ups never return an error: what went wrong
// is part of the answer.
type Answer struct {
	Name      string // as asked: lower case, fully qualified
	Type      uint16
	Rcode     int      // NOERROR or NXDOMAIN; anything else comes with a Failure
	Canonical string   // the name after its aliases, fully qualified; Name where there are none
	Zone      string   // apex of the zone that answered, as its signature or SOA names it; empty where neither came
	Records   []dns.RR // of the type asked, at Canonical; kept, unvalidated, when the state is bogus
	TTL       uint32   // seconds, the least over the records; of a denial, how long it may be kept
	Size      int      // octets of the answer message
	Trust     report.Trust
	Failure   *report.Failure // no answer to be had: timeout, servfail, refused, loop …
}

// Exists reports whether there are records of the type asked.
func (a *Answer) Exists() bool { return a.Failure == nil && len(a.Records) > 0 }

// NXDOMAIN reports whether the answer is that the name does not exist.
func (a *Answer) NXDOMAIN() bool { return a.Failure == nil && a.Rcode == dns.RcodeNameError }

// Denied reports whether a sender may act on the answer that there are no such records: it
// came, and its proof of absence is not broken. Whether the absence was proved or merely
// said is in Trust.State.
func (a *Answer) Denied() bool {
	return a.Failure == nil && len(a.Records) == 0 &&
		(a.Trust.State == report.Secure || a.Trust.State == report.Insecure)
}

// LookupFailed reports whether a validating sender gets no answer at all: SERVFAIL, a
// timeout and a bogus answer are the same to it (RFC 7672 §2.1.1).
func (a *Answer) LookupFailed() bool {
	return a.Failure != nil || a.Trust.State == report.Bogus || a.Trust.State == report.Indeterminate
}

// Blameable reports whether a name server may be to blame for what the answer came to: it
// failed, or what came does not validate.
func (a *Answer) Blameable() bool {
	if a.Failure != nil {
		return a.Failure.Kind != report.KindMalformed && a.Failure.Kind != report.KindLoop
	}
	return a.Trust.State == report.Bogus
}
