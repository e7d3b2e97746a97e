package report

import (
	"crypto/sha256"
	"encoding/hex"
)

// MTASTS is what a domain says by MTA-STS (RFC 8461).
type MTASTS struct {
	State  STSState  `json:"state" derived:"mta-sts"` // the mode of the policy, where there is a valid one
	ID     string    `json:"id,omitempty" derived:"mta-sts"`
	Policy *Policy   `json:"policy,omitempty" derived:"mta-sts"`
	Raw    string    `json:"raw,omitempty"`                   // the policy file as served, cut at 64 KiB
	Why    Statement `json:"why,omitzero" derived:"mta-sts"`  // why the state is invalid
	Error  string    `json:"error,omitempty" derived:"words"` // the same in one sentence

	TXT      []string `json:"txt,omitempty"` // every TXT at _mta-sts, strings joined
	TXTAlias []Alias  `json:"txt_alias,omitempty"`
	DNSSEC   *Trust   `json:"dnssec,omitempty"`  // of the TXT
	Failure  *Failure `json:"failure,omitempty"` // of the TXT look-up
	// AboveTXT is every TXT at _mta-sts of the registered domain above, asked for where there is no record here.
	AboveTXT []string `json:"above_txt,omitempty"`
	Fetch    *Fetch   `json:"fetch,omitempty"`
	// Second is the same fetch over the other version of IP, where the policy host has both.
	Second *Fetch `json:"second_fetch,omitempty"`
	// SecondRaw is the file that it brought, where that is another one.
	SecondRaw string   `json:"second_raw,omitempty"`
	CAA       []string `json:"caa,omitempty"`      // in force for the policy host, as "tag value"
	CAAName   string   `json:"caa_name,omitempty"` // the name at which they stand
	// Vacant are the ends of the aliases of _mta-sts and mta-sts in a domain that does not exist.
	Vacant []Vacant `json:"vacant,omitempty"`
}

// STSState is the mode of the policy, or why there is none.
type STSState string

const (
	STSAbsent  STSState = "absent"
	STSInvalid STSState = "invalid"
	STSNone    STSState = "none" // mode none: a policy is taken back
	STSTesting STSState = "testing"
	STSEnforce STSState = "enforce"
)

// Policy is a parsed policy file (RFC 8461 §3.2).
type Policy struct {
	Version string     `json:"version"`
	Mode    PolicyMode `json:"mode"`
	MaxAge  int64      `json:"max_age"` // seconds
	MX      []string   `json:"mx"`
}

// PolicyMode is what senders are to do with a server that does not keep the policy.
type PolicyMode string

const (
	ModeEnforce PolicyMode = "enforce"
	ModeTesting PolicyMode = "testing"
	ModeNone    PolicyMode = "none"
)

// Fetch is how the policy file was fetched, or failed to be.
type Fetch struct {
	URL         string       `json:"url"`
	Address     string       `json:"address,omitempty"`
	Alias       []Alias      `json:"alias,omitempty"`
	DNSSEC      *Trust       `json:"dnssec,omitempty"` // of the policy host's address
	Status      int          `json:"status,omitempty"`
	ContentType string       `json:"content_type,omitempty"`
	Location    string       `json:"location,omitempty"` // of a redirect, never followed
	TLSVersion  Version      `json:"tls_version,omitempty"`
	Certificate *Certificate `json:"certificate,omitempty"`
	TooLarge    bool         `json:"too_large,omitempty"`
	Failure     *Failure     `json:"failure,omitempty"`
}

// Digest is the SHA-256 of the policy file as it was kept; empty where there is none.
func (m *MTASTS) Digest() string {
	if m == nil || m.Raw == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(m.Raw))
	return hex.EncodeToString(sum[:])
}

// InForce reports whether senders have a policy, of whatever mode.
func (m *MTASTS) InForce() bool {
	return m != nil && m.Policy != nil && (m.State == STSEnforce || m.State == STSTesting || m.State == STSNone)
}

func (m *MTASTS) say(w speech) {
	if m == nil {
		return
	}
	w.sayFailure(&m.Failure)
	m.DNSSEC.say(w)
	for _, f := range []*Fetch{m.Fetch, m.Second} {
		if f != nil {
			w.sayFailure(&f.Failure)
			f.DNSSEC.say(w)
		}
	}
}
