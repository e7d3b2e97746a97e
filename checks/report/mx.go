package report

import (
	"net/netip"
	"slices"
)

// MX is the list of mail exchangers as the DNS gave it.
type MX struct {
	State   MXState  `json:"state"` // implicit: no records, but addresses; null: the domain takes no mail
	DNSSEC  Trust    `json:"dnssec"`
	Records []Record `json:"records,omitempty"` // every MX record, in the order senders try them
	Omitted int      `json:"omitted,omitempty"` // records beyond those listed
	Failure *Failure `json:"failure,omitempty"`
	// Unregistered lists registrable domains of MX targets that do not exist.
	Unregistered []string   `json:"unregistered,omitempty"`
	Wildcard     []string   `json:"wildcard,omitempty"` // the MX records of all names below the domain that do not exist by themselves
	Neighbours   Neighbours `json:"neighbours"`
}

// MXState is what the question for MX records came to.
type MXState string

const (
	MXFound    MXState = "ok"
	MXImplicit MXState = "implicit" // no records, but addresses (RFC 5321 §5.1)
	MXNull     MXState = "null"     // the domain takes no mail (RFC 7505)
	MXNone     MXState = "none"     // no records and no addresses
	MXNoDomain MXState = "nxdomain" // no such name
	MXError    MXState = "error"    // no answer
)

// Record is one MX record.
type Record struct {
	Preference uint16  `json:"preference"`
	Host       string  `json:"host"`              // A-label without the trailing dot; "." of a null MX
	Skipped    Skipped `json:"skipped,omitempty"` // why it is not among the tested hosts
}

// Skipped is why an MX record names no host that is tested.
type Skipped string

const (
	SkippedLiteral Skipped = "literal" // it is an address
	SkippedNull    Skipped = "null"    // the dot of a null MX beside others
	SkippedLimit   Skipped = "limit"   // there are more than are looked at
)

// Neighbours are records of other subjects, shown and never graded.
type Neighbours struct {
	SPF     string   `json:"spf,omitempty"`
	DMARC   string   `json:"dmarc,omitempty"`
	CAA     []string `json:"caa,omitempty"`      // in force for the first mail exchanger, as "tag value"
	CAAName string   `json:"caa_name,omitempty"` // the name at which they stand
}

// Shadow says that a host without address would have those of a wildcard, if its name did
// not exist (RFC 4592 §2.2.1).
type Shadow struct {
	Wildcard string `json:"wildcard"`       // the name with the asterisk
	By       string `json:"by,omitempty"`   // a name with records at or below the host's; empty where none was found
	Type     string `json:"type,omitempty"` // of those records
}

// Family is what came of the question for the addresses of one version of IP. A and AAAA
// are two RRsets: one may fail, or be unsigned, beside another that holds.
type Family struct {
	Type      string   `json:"type" enum:"A,AAAA"`
	Addresses int      `json:"addresses"` // in the answer
	DNSSEC    Trust    `json:"dnssec"`
	Failure   *Failure `json:"failure,omitempty"` // why there is no answer
}

// Holds reports whether a sender that validates DNSSEC may act on the answer, signed or not.
func (f Family) Holds() bool {
	return f.Failure == nil && (f.DNSSEC.State == Secure || f.DNSSEC.State == Insecure)
}

// Broken reports whether the owner's side is known to fail: the answer does not validate, or
// others than our own resolver get none either.
func (f Family) Broken() bool { return !f.Holds() && f.DNSSEC.Witnessed() }

// Base is the state of the name at which TLSA records are asked for by a sender that uses
// the addresses of the family (RFC 7672 §2.2.2): behind a signed alias to unsigned
// addresses that is the name of the alias.
func (f Family) Base() State {
	if steps := f.DNSSEC.Steps; f.DNSSEC.State == Insecure && len(steps) > 0 && steps[0].State == Secure {
		return Secure
	}
	return f.DNSSEC.State
}

// families returns the host's families, or what an older report knows of them all together.
func (h *Host) families() []Family {
	if len(h.Families) > 0 {
		return h.Families
	}
	return []Family{{Addresses: len(h.Addresses), DNSSEC: h.DNSSEC}}
}

// Usable are the families by whose addresses a sender that validates DNSSEC delivers.
func (h *Host) Usable() []Family {
	var list []Family
	for _, f := range h.families() {
		if f.Addresses > 0 && f.Holds() {
			list = append(list, f)
		}
	}
	return list
}

// Base is the state of the name at which TLSA records of the host are asked for, the worse
// where the usable families differ. It is bogus only where no family is left to deliver by,
// and indeterminate where the one that is missing may be the good one.
func (h *Host) Base() State {
	var state State
	usable := h.Usable()
	for _, f := range usable {
		state = state.Worse(f.Base())
	}
	if len(usable) > 0 {
		return state
	}
	for _, f := range h.families() {
		if !f.Holds() && !f.Broken() {
			return Indeterminate
		}
		state = state.Worse(f.DNSSEC.State)
	}
	return state
}

// Signing names, of the usable families, one behind a signed name and one behind an unsigned
// one; empty where there is none.
func (h *Host) Signing() (signed, unsigned string) {
	for _, f := range h.Usable() {
		if f.Base() == Secure {
			signed = f.Type
		} else {
			unsigned = f.Type
		}
	}
	return signed, unsigned
}

// Doubtful reports whether a question for addresses of the host was asked in vain, by us or by
// many senders.
func (h *Host) Doubtful() bool {
	return h.DNSSEC.State != "" && slices.ContainsFunc(h.families(), func(f Family) bool { return !f.Holds() || f.DNSSEC.Contested() })
}

// Believes reports whether an address is of a family that a sender which validates DNSSEC
// uses. Where it can use none at all, there is nothing to tell apart.
func (h *Host) Believes(address string) bool {
	ip, err := netip.ParseAddr(address)
	usable := h.Usable()
	if err != nil || len(usable) == 0 || len(h.Families) == 0 {
		return true
	}
	kind := "AAAA"
	if ip.Is4() {
		kind = "A"
	}
	return slices.ContainsFunc(usable, func(f Family) bool { return f.Type == kind })
}

// cutCAA leaves out the CAA records, as if nobody had asked for them.
func (h *Host) cutCAA() { h.CAA, h.CAAName, h.CAAKnown = nil, "", false }

func (m *MX) say(w speech) {
	if m != nil {
		w.sayFailure(&m.Failure)
		m.DNSSEC.say(w)
	}
}
