// Package adoption counts what reports say of many domains: which letters they have, what they have
// adopted, which promises are broken, who runs their mail servers, and what changed. It is pure: the
// Facts of a report are what is kept of it, Totals are facts added up.
package adoption

import (
	"slices"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Answer is what is known of one thing that is counted.
type Answer string

// The answers.
const (
	Yes      Answer = "yes"
	No       Answer = "no"
	Untested Answer = "untested"
)

// Facts are what a run keeps of the report of a domain.
type Facts struct {
	Letter      report.Letter    `json:"letter"` // T where it was not tested, N where it takes no mail
	Provisional bool             `json:"provisional"`
	Why         string           `json:"why,omitempty"`      // why there is no letter: a reason of the report, opted-out or fault
	STARTTLS    Answer           `json:"starttls"`           // at every mail server that was reached
	Certificate Answer           `json:"certificate"`        // valid, at every mail server that was reached
	DNSSEC      Answer           `json:"dnssec"`             // signed MX records
	DANE        Answer           `json:"dane"`               // matching TLSA records at every mail server
	MTASTS      string           `json:"mta_sts"`            // absent, invalid, none, testing, enforce or untested
	TLSRPT      Answer           `json:"tls_rpt"`            // a valid record
	TLS13       Answer           `json:"tls_1_3"`            // at every mail server that was reached
	PQ          Answer           `json:"post_quantum"`       // earned the mention PQ
	Broken      []report.Promise `json:"broken"`             // promises that stop honest mail
	Provider    string           `json:"provider,omitempty"` // who runs the mail server that senders try first; empty for the domain itself
}

// maxProvider bounds the name of a provider, in octets.
const maxProvider = 80

// None are the facts of a domain that was not looked at.
func None(why string) Facts {
	return Facts{Letter: "T", Why: why, STARTTLS: Untested, Certificate: Untested, DNSSEC: Untested, DANE: Untested, MTASTS: string(Untested), TLSRPT: Untested, TLS13: Untested, PQ: Untested, Broken: []report.Promise{}}
}

// FactsOf says what is counted of a report.
func FactsOf(r *report.Report) Facts {
	if r.Grade == nil {
		return None("fault")
	}
	f := None(string(r.Grade.Reason))
	f.Letter, f.Provisional, f.Broken = r.Grade.Letter, r.Grade.Provisional, append([]report.Promise{}, r.Grade.Broken...)
	if by := checks.MailBy(r); len(by) > 0 && by[0] != view.Itself {
		f.Provider = report.Clean(by[0], maxProvider)
	}
	f.published(r)
	if f.Letter.Valid() {
		f.served(r)
	}
	return f
}

// Answered is one thing that is counted, with the answer for a domain.
type Answered struct{ What, Answer string }

// Answers lists what is counted, in reading order.
func (f Facts) Answers() []Answered {
	return []Answered{{"starttls", string(f.STARTTLS)}, {"certificate", string(f.Certificate)}, {"tls_1_3", string(f.TLS13)}, {"post_quantum", string(f.PQ)},
		{"dnssec", string(f.DNSSEC)}, {"dane", string(f.DANE)}, {"mta_sts", f.MTASTS}, {"tls_rpt", string(f.TLSRPT)}}
}

// published counts what stands in the DNS, and the policy.
func (f *Facts) published(r *report.Report) {
	if r.MX != nil && (r.MX.DNSSEC.State == report.Secure || r.MX.DNSSEC.State == report.Insecure) {
		f.DNSSEC = answer(r.MX.DNSSEC.State == report.Secure)
	}
	if m := r.MTASTS; m != nil && m.Failure == nil && m.State != "" {
		f.MTASTS = string(m.State)
	}
	if t := r.TLSRPT; t != nil && t.Failure == nil && t.State != "" {
		f.TLSRPT = answer(t.State == report.RPTSound)
	}
}

// served counts what the mail servers do.
func (f *Facts) served(r *report.Report) {
	var reached []*report.Address
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			if a.Reachable && a.SMTP != nil {
				reached = append(reached, a)
			}
		}
	}
	f.DANE = every(r.Hosts, daneOf)
	f.STARTTLS = every(reached, startTLSOf)
	f.Certificate = every(reached, certificateOf)
	f.TLS13 = every(reached, tls13Of)
	if f.TLS13 != Untested {
		f.PQ = answer(slices.Contains(r.Badges, report.BadgePQ))
	}
}

func answer(yes bool) Answer {
	if yes {
		return Yes
	}
	return No
}

// every is no where it is no of one, else untested where it is so of one or there is none.
func every[T any](list []T, of func(T) Answer) Answer {
	if len(list) == 0 {
		return Untested
	}
	all := Yes
	for _, one := range list {
		switch of(one) {
		case No:
			return No
		case Untested:
			all = Untested
		}
	}
	return all
}

func daneOf(h *report.Host) Answer {
	switch h.TLSA.State {
	case report.TLSAMatch:
		return Yes
	case "", report.TLSAUntested, report.TLSALookupFail:
		return Untested
	}
	return No
}

func startTLSOf(a *report.Address) Answer {
	switch a.SMTP.STARTTLS {
	case report.Works:
		return Yes
	case report.NotOffered, report.Refused, report.HandshakeFailed:
		return No
	}
	return Untested
}

func certificateOf(a *report.Address) Answer {
	if list := a.Named(); len(list) > 0 {
		return every(list, func(c *report.Certificate) Answer {
			if c.PKIX == report.PKIXUntested {
				return Untested
			}
			return answer(c.PKIX == report.PKIXOK && c.NameMatch)
		})
	}
	return without(a)
}

func tls13Of(a *report.Address) Answer {
	if a.TLS != nil && a.TLS.Version != "" {
		return answer(a.TLS.Version == report.TLS13 || slices.Contains(a.TLS.Versions, report.TLS13))
	}
	return without(a)
}

// without is the answer of an address of which no handshake is known: no where it offers none.
func without(a *report.Address) Answer {
	if a.SMTP.STARTTLS == report.NotOffered || a.SMTP.STARTTLS == report.Refused {
		return No
	}
	return Untested
}
