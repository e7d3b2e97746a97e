package grade

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"mxseal/checks/report"
)

// Facts are the inputs of the matrix (RULES 1): all that the grade depends on.
type Facts struct {
	Mail    Mail            `json:"mail,omitempty"`
	MXDNS   report.State    `json:"mxdns"` // of the MX records: secure, insecure, bogus
	STS     STS             `json:"sts"`
	STSLong bool            `json:"stslong"` // the MTA-STS policy is kept for a day or longer
	RPT     bool            `json:"rpt"`     // there is a valid TLS-RPT record
	Hosts   []HostFacts     `json:"mxs"`
	Caps    []report.Letter `json:"caps"`    // letters that the grade may not exceed
	NoAPlus []string        `json:"noaplus"` // ids of the rules that rule out an A+
	Prov    bool            `json:"prov,omitempty"`
}

// HostFacts are the facts of one mail exchanger, the worst over its addresses.
type HostFacts struct {
	Name   string       `json:"name,omitempty"`
	Pref   int          `json:"pref"`
	Addr   report.State `json:"addr"` // of the name at which TLSA is asked: secure, insecure, bogus
	TLSA   TLSA         `json:"tlsa"`
	TLS    TLS          `json:"tls,omitempty"`
	Forced bool         `json:"forced"` // refuses mail before TLS
	PKIX   bool         `json:"pkix"`   // certificate of a public CA, in date, for the host's name
	STS    bool         `json:"sts"`    // named in the MTA-STS policy
	RTLS   bool         `json:"rtls"`   // offers REQUIRETLS
	Reach  bool         `json:"reach"`

	// Unsigned: the addresses at the end of a signed alias are not signed, so that a forged
	// answer leads elsewhere. Only a key at the name of the alias holds that back.
	Unsigned bool `json:"unsigned,omitempty"`
}

// Mail says why there is no letter; empty where there may be one.
type Mail string

const (
	MailUnknown Mail = "unknown"        // the domain cannot be tested: T
	MailNowhere Mail = "undeliverable"  // its mail servers are not to be found: T
	MailGone    Mail = "does-not-exist" // it does not exist: T
	MailDead    Mail = "no-address"     // it has neither mail servers nor an address: N
	MailNone    Mail = "none"           // it says that it takes no mail: N
)

// mails say what each kind leaves instead of a grade; of two the later one is the stronger word.
var mails = []struct {
	mail   Mail
	letter report.Letter
	reason report.Reason
}{
	{MailUnknown, report.LetterT, report.Untestable},
	{MailNowhere, report.LetterT, report.Undeliverable},
	{MailGone, report.LetterT, report.DoesNotExist},
	{MailDead, report.LetterN, report.NoAddress},
	{MailNone, report.LetterN, report.TakesNoMail},
}

// STS is the state of the MTA-STS policy. Only Enforce protects anybody.
type STS string

const (
	Absent  STS = "absent"
	Invalid STS = "invalid"
	None    STS = "none"
	Testing STS = "testing"
	Enforce STS = "enforce"
)

// TLSA says how the TLSA records of a host fit its certificate. Insecure records count as none.
type TLSA string

const (
	NoTLSA     TLSA = "none"
	Match      TLSA = "match"
	Mismatch   TLSA = "mismatch"
	Unusable   TLSA = "unusable"
	LookupFail TLSA = "lookupfail"

	notApplicable TLSA = "n/a" // of a sender that does not use them, see dane
)

// TLS says who can begin TLS with a host. Empty is untested: such a host does not count.
type TLS string

const (
	TLSOK     TLS = "ok"     // a client of today
	TLSLegacy TLS = "legacy" // only one that still speaks TLS 1.0 or 1.1
	TLSNo     TLS = "no"     // nobody, or the encryption is readable
)

// counted returns the hosts that count, those tried first in front; the caller changes none.
func (f Facts) counted() []HostFacts {
	byPreference := func(a, b HostFacts) int { return cmp.Compare(a.Pref, b.Pref) }
	if !slices.ContainsFunc(f.Hosts, HostFacts.untested) && slices.IsSortedFunc(f.Hosts, byPreference) {
		return f.Hosts
	}
	hosts := slices.DeleteFunc(slices.Clone(f.Hosts), HostFacts.untested)
	slices.SortStableFunc(hosts, byPreference)
	return hosts
}

func (m HostFacts) untested() bool { return !m.Reach || m.TLS == "" }

// UnmarshalJSON reads facts as people write them. What is left out takes the value that says
// least: insecure, absent, a long-lived policy, reports wanted.
func (f *Facts) UnmarshalJSON(data []byte) error {
	type plain Facts
	p := plain{MXDNS: report.Insecure, STS: Absent, STSLong: true, RPT: true}
	if err := json.Unmarshal(data, &p); err != nil {
		return fmt.Errorf("facts: %w", err)
	}
	for _, c := range p.Caps {
		if !c.Valid() {
			return fmt.Errorf("facts: %q in caps is not a letter from A+ to F", c)
		}
	}
	if p.Caps == nil {
		p.Caps = []report.Letter{}
	}
	if p.NoAPlus == nil {
		p.NoAPlus = []string{}
	}
	if err := oneOf("mail", p.Mail, "", MailNone, MailDead, MailGone, MailNowhere, MailUnknown); err != nil {
		return err
	}
	if err := oneOf("mxdns", p.MXDNS, report.Secure, report.Insecure, report.Bogus); err != nil {
		return err
	}
	if err := oneOf("sts", p.STS, Absent, Invalid, None, Testing, Enforce); err != nil {
		return err
	}
	*f = Facts(p)
	return nil
}

// UnmarshalJSON is that of Facts for one host: insecure, no TLSA records, reachable.
func (m *HostFacts) UnmarshalJSON(data []byte) error {
	type plain HostFacts
	p := plain{Addr: report.Insecure, TLSA: NoTLSA, Reach: true}
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	if err := oneOf("addr", p.Addr, report.Secure, report.Insecure, report.Bogus); err != nil {
		return err
	}
	if err := oneOf("tlsa", p.TLSA, NoTLSA, Match, Mismatch, Unusable, LookupFail); err != nil {
		return err
	}
	if err := oneOf("tls", p.TLS, "", TLSOK, TLSLegacy, TLSNo); err != nil {
		return err
	}
	*m = HostFacts(p)
	return nil
}

func oneOf[T ~string](fact string, value T, allowed ...T) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s is %q, must be one of %q", fact, value, allowed)
}
