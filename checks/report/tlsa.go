package report

import "slices"

// TLSA is what is published at _25._tcp of a host and how it fits what is served.
type TLSA struct {
	State   TLSAState    `json:"state" empty:"untested" derived:"dane"` // empty or untested: not found out
	Base    string       `json:"base,omitempty"`                        // TLSA base domain (RFC 7672 §2.2.3)
	DNSSEC  *Trust       `json:"dnssec,omitempty"`
	Records []TLSARecord `json:"records,omitempty"`
	Omitted int          `json:"omitted,omitempty"` // records beyond those listed, which were compared with nothing
	TTL     uint32       `json:"ttl,omitempty"`
	Size    int          `json:"size,omitempty"` // octets of the answer message
	Failure *Failure     `json:"failure,omitempty"`
	// Misplaced lists names of the host at which there are records though none are at the
	// right one.
	Misplaced []string `json:"misplaced,omitempty"`
	// Reports are the TLS reporting records at the base domain, which is the policy domain
	// of a sender's reports about DANE (RFC 8460 §1.1).
	Reports []string `json:"reports,omitempty"`
}

// TLSAState is what senders that check DANE make of the TLSA records of a host.
type TLSAState string

const (
	TLSANone       TLSAState = "none"
	TLSAMatch      TLSAState = "match"
	TLSAMismatch   TLSAState = "mismatch"
	TLSAUnusable   TLSAState = "unusable"
	TLSALookupFail TLSAState = "lookupfail" // there is no answer to be had
	TLSAInsecure   TLSAState = "insecure"   // they are not signed
	TLSAUntested   TLSAState = "untested"
)

// Unusable is why senders cannot use a TLSA record.
type Unusable string

const (
	UnusablePKIXUsage       Unusable = "pkix-usage" // 0 or 1 (RFC 7672 §3.1.3)
	UnusableUnknownUsage    Unusable = "unknown-usage"
	UnusableUnknownSelector Unusable = "unknown-selector"
	UnusableUnknownMatching Unusable = "unknown-matching"
	UnusableLength          Unusable = "length" // of the digest
	UnusableUndecodable     Unusable = "undecodable"
	UnusableWeakKey         Unusable = "weak-key" // senders can use it, and anyone knows the key
)

// Matched returns the records of a usage that match what an address serves.
func (t TLSA) Matched(ip string, usage uint8) []TLSARecord {
	var list []TLSARecord
	for _, r := range t.Records {
		if r.Usage == usage && slices.Contains(r.Matches, ip) {
			list = append(list, r)
		}
	}
	return list
}

// TLSARecord is one TLSA record (RFC 6698 §2.1).
type TLSARecord struct {
	Usage    uint8    `json:"usage"`
	Selector uint8    `json:"selector"`
	Matching uint8    `json:"matching"`
	Data     string   `json:"data"` // lower-case hexadecimal
	Usable   bool     `json:"usable" derived:"dane"`
	Unusable Unusable `json:"unusable,omitempty" derived:"dane"` // why
	Matches  []string `json:"matches" derived:"dane"`            // addresses whose certificate it matches
}

func (t *TLSA) say(w speech) {
	w.sayFailure(&t.Failure)
	t.DNSSEC.say(w)
}
