package report

import (
	"strings"
	"time"
)

// Evidence is what was seen. Fields with the tag derived follow from the others: they are
// written when a report is judged (checks.Judge) and never believed before.
type Evidence struct {
	MX     *MX     `json:"mx,omitempty"`
	DNSSEC *DNSSEC `json:"dnssec,omitempty"`
	Hosts  []*Host `json:"hosts,omitempty"` // mail exchangers, in the order senders try them
	MTASTS *MTASTS `json:"mta_sts,omitempty"`
	TLSRPT *TLSRPT `json:"tls_rpt,omitempty"`
	// Past is what earlier reports of the domain saw; absent where there is no memory of it.
	Past *Past `json:"past,omitempty"`
	// Unanswered are questions to the DNS that got no answer, from whomever.
	Unanswered []Question `json:"unanswered,omitempty"`
	// MisplacedTLSA lists names where TLSA records stand that no sender of mail looks at.
	MisplacedTLSA []string `json:"misplaced_tlsa,omitempty"`
	// Lookups are answers that checks about a single record keep, by name and type.
	Lookups []Lookup `json:"lookups,omitempty"`
}

// Lookup returns what is kept of a question; nil where it was not asked. Names have their final dot.
func (e Evidence) Lookup(name, qtype string) *Lookup {
	for i := range e.Lookups {
		if l := &e.Lookups[i]; l.Name == name && l.Type == qtype {
			return l
		}
	}
	return nil
}

// NameServers are the first few name servers of the zone that a domain lies in, as far as they were
// seen.
func (e Evidence) NameServers(domain string) []string {
	if e.DNSSEC == nil {
		return nil
	}
	for _, z := range e.DNSSEC.Zones {
		if z.Name == domain || strings.HasSuffix(domain, "."+z.Name) {
			return z.Servers // and not those of a mail server elsewhere
		}
	}
	return nil
}

// Lookup is one validated DNS look-up.
type Lookup struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	Rcode   string   `json:"rcode"`
	TTL     uint32   `json:"ttl"`
	Records []string `json:"records"`
	DNSSEC  Trust    `json:"dnssec"`
	Failure *Failure `json:"failure,omitempty"`
	// Authority is what the name servers say themselves; asked only where the answer failed.
	Authority *Authority `json:"authority,omitempty"`
}

// Host is one mail exchanger.
type Host struct {
	Name       string     `json:"name"` // as in the MX record, A-label
	Preference uint16     `json:"preference"`
	DNSSEC     Trust      `json:"dnssec"`              // of the address RRsets that can be used, aliases included; of all where none can
	Families   []Family   `json:"families,omitempty"`  // the two questions for addresses, each by itself
	Canonical  string     `json:"canonical,omitempty"` // the name after its aliases, when it has any
	Failure    *Failure   `json:"failure,omitempty"`   // why it has no addresses
	TLSA       TLSA       `json:"tlsa"`
	Addresses  []*Address `json:"addresses"`
	NotTested  NotTested  `json:"not_tested,omitempty"` // why no address of it was asked
	CAA        []string   `json:"caa,omitempty"`        // in force for the name, as "tag value"
	CAAName    string     `json:"caa_name,omitempty"`   // the name at which they stand
	CAAKnown   bool       `json:"caa_known,omitempty"`  // every question for them was answered
	// Undotted is a name with an address that is the host's, or that of its alias, without
	// the zone's name at its end: what somebody meant who forgot the final dot.
	Undotted string  `json:"undotted,omitempty"`
	Shadow   *Shadow `json:"shadow,omitempty"`
	// Cut names what was left out of the evidence, since a report would be too large with it.
	Cut []Loss `json:"cut,omitempty"`
}

// Loss is what was left out of the evidence of a mail server.
type Loss string

const (
	LossTranscripts  Loss = "transcripts"
	LossIdle         Loss = "idle certificates" // sent in vain
	LossNames        Loss = "names"             // of addresses and certificates, beside those that are asked for
	LossProbes       Loss = "probes"            // what was said and seen of each
	LossTrust        Loss = "chains of trust"
	LossReplies      Loss = "replies"
	LossSuites       Loss = "suites"
	LossTLSA         Loss = "TLSA records"
	LossCertificates Loss = "certificates"
)

// Address is one address of a mail exchanger.
type Address struct {
	IP           string         `json:"ip"`
	Reachable    bool           `json:"reachable"` // a usable SMTP dialogue took place
	Connections  int            `json:"connections"`
	PTR          []string       `json:"ptr,omitempty"`
	SeenAt       *time.Time     `json:"seen_at,omitempty"`    // of the earlier look that serves this report too
	NotTested    NotTested      `json:"not_tested,omitempty"` // why it was not contacted
	Failure      *Failure       `json:"failure,omitempty"`
	SMTP         *SMTP          `json:"smtp,omitempty"`
	TLS          *TLS           `json:"tls,omitempty"`
	Certificates []*Certificate `json:"certificates,omitempty"`
	Elsewhere    []Elsewhere    `json:"elsewhere,omitempty"`    // what other vantages saw, where that was asked for
	AsBase       *Shown         `json:"as_tlsa_base,omitempty"` // to those who name the TLSA base domain, where that is another name
}

// say writes the sentences of the evidence, made of its statements.
func (e Evidence) say(w speech) {
	e.MX.say(w)
	e.DNSSEC.say(w)
	for _, h := range e.Hosts {
		h.say(w)
	}
	e.MTASTS.say(w)
	e.TLSRPT.say(w)
	for i := range e.Lookups {
		e.Lookups[i].say(w)
	}
}

// Say writes the sentences of a look-up.
func (l *Lookup) Say(words Words) { l.say(speech{words, false}) }

func (l *Lookup) say(w speech) {
	w.sayFailure(&l.Failure)
	l.DNSSEC.say(w)
	if l.Authority != nil {
		own := *l.Authority
		own.say(w)
		l.Authority = &own
	}
}

func (h *Host) say(w speech) {
	w.sayFailure(&h.Failure)
	h.DNSSEC.say(w)
	h.TLSA.say(w)
	for i := range h.Families {
		f := &h.Families[i]
		w.sayFailure(&f.Failure)
		f.DNSSEC.say(w)
	}
	for _, a := range h.Addresses {
		w.sayFailure(&a.Failure)
		a.SMTP.say(w)
		a.TLS.say(w)
		a.AsBase.say(w)
	}
}

// Failures yields everything that kept the check from knowing something, in reading order.
func (e Evidence) Failures(yield func(*Failure) bool) {
	var list []*Failure
	if e.MX != nil {
		list = append(list, e.MX.Failure)
	}
	for _, a := range e.authorities() {
		list = append(list, a.Failure)
	}
	for _, h := range e.Hosts {
		list = append(list, h.Failure, h.TLSA.Failure)
		for _, a := range h.Addresses {
			list = append(list, a.Failure)
			if a.SMTP != nil {
				list = append(list, a.SMTP.MailFailure)
			}
			if a.AsBase != nil {
				list = append(list, a.AsBase.Failure)
			}
		}
	}
	if m := e.MTASTS; m != nil {
		list = append(list, m.Failure)
		for _, f := range []*Fetch{m.Fetch, m.Second} {
			if f != nil {
				list = append(list, f.Failure)
			}
		}
	}
	if e.TLSRPT != nil {
		list = append(list, e.TLSRPT.Failure)
	}
	for _, f := range list {
		if f != nil && !yield(f) {
			return
		}
	}
}

// authorities are the zones whose name servers were asked directly.
func (e Evidence) authorities() []Authority {
	if e.DNSSEC == nil {
		return nil
	}
	return e.DNSSEC.Authorities
}

// Questions is how many were put to name servers directly.
func (e Evidence) Questions() (n int) {
	for _, a := range e.authorities() {
		n += a.Questions
	}
	return n
}
