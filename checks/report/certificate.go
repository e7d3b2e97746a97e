package report

import (
	"time"
)

// Certificate is a leaf that a mail server (or policy host) presented, with the chain it sent.
type Certificate struct {
	Subject    string         `json:"subject"`
	Names      []string       `json:"names"`                   // SAN dNSNames
	MoreNames  int            `json:"omitted_names,omitempty"` // beyond those that are named
	CommonName string         `json:"common_name,omitempty"`
	Issuer     string         `json:"issuer"`
	NotBefore  time.Time      `json:"not_before"`
	NotAfter   time.Time      `json:"not_after"`
	Key        string         `json:"key"`                // RSA 2048, ECDSA P-256, Ed25519 …
	Signature  string         `json:"signature"`          // SHA256-RSA, ECDSA-SHA256 …
	WeakKey    WeakKey        `json:"weak_key,omitempty"` // why anyone may know the private key: short (RSA below 1024), roca
	SPKISHA256 string         `json:"spki_sha256"`
	SHA256     string         `json:"sha256"`
	SelfSigned bool           `json:"self_signed,omitempty"`
	CA         bool           `json:"ca,omitempty"`
	SCT        bool           `json:"sct,omitempty"` // a signed certificate timestamp came with it
	PKIX       PKIX           `json:"pkix,omitempty" derived:"certificate"`
	PKIXWhy    Statement      `json:"pkix_why,omitzero" derived:"certificate"`   // why it does not verify
	PKIXDetail string         `json:"pkix_detail,omitempty" derived:"words"`     // the same in words
	Trusted    bool           `json:"trusted" derived:"certificate"`             // the sent chain leads to a root of the store, whatever its dates and names
	PublicCA   bool           `json:"public_ca,omitempty" derived:"certificate"` // issued under a root of the store, found in the sent chain
	NameMatch  bool           `json:"name_match"`                                // a SAN dNSName covers the reference name
	Via        Via            `json:"via,omitempty"`                             // the probe that saw it
	DER        []byte         `json:"der,omitempty"`                             // in JSON at the first place of a report that has the certificate (by sha256); absent everywhere where it was not kept
	Octets     int            `json:"octets,omitempty"`                          // of one that was not kept: its length; beside it stand digest, subject and dates alone
	Chain      []*Certificate `json:"chain,omitempty"`                           // the further certificates sent, in their order

	KeyBits    int         `json:"key_bits,omitempty"`                          // of the modulus, or of the order of the curve
	KeyUsage   []string    `json:"key_usage,omitempty"`                         // the bits that are set; absent where the extension is
	Purposes   []string    `json:"ext_key_usage,omitempty"`                     // the extended key usages
	OnPath     bool        `json:"on_path,omitempty"`                           // of the path that was built; what is not was sent in vain
	PathFaults []FaultCode `json:"path_faults,omitempty" derived:"certificate"` // of the leaf: what stands against the path
	Path       *Path       `json:"path,omitempty"`                              // of the leaf: what the best way up to a root met; absent where none was looked for
	GoRefuses  string      `json:"go_refuses,omitempty"`                        // why Go's library does not read it, in its own words

	ListOctets     int `json:"list_octets,omitempty"`     // of the leaf: of the whole list that was sent, as TLS 1.2 writes it
	Omitted        int `json:"omitted,omitempty"`         // of the leaf: certificates that are not in the chain
	OmittedIssuers int `json:"omitted_issuers,omitempty"` // of the leaf: those among them, or among those not kept, that might lie on a path
}

// Size is how many octets of a certificate and of those sent with it are kept.
func (c *Certificate) Size() int {
	n := len(c.DER)
	for _, other := range c.Chain {
		n += len(other.DER)
	}
	return n
}

// Cut makes of a leaf one that is not kept, nor what was sent with it.
func (c *Certificate) Cut() {
	brief := c.Brief()
	brief.PKIX = PKIXUntested
	brief.ListOctets, brief.Omitted = c.ListOctets, c.Omitted+len(c.Chain)
	*c = brief
}

// Kept reports whether a certificate was kept whole. One that was not was not judged either.
func (c *Certificate) Kept() bool { return c.Octets == 0 }

// maxBrief bounds the subject of a certificate that is not kept, in octets.
const maxBrief = 100

// Brief is what is told of a certificate that is not kept: digests, length, subject, kind of key and dates.
func (c *Certificate) Brief() Certificate {
	return Certificate{Subject: Clean(c.Subject, maxBrief), Names: []string{}, NotBefore: c.NotBefore, NotAfter: c.NotAfter, Key: c.Key,
		SPKISHA256: c.SPKISHA256, SHA256: c.SHA256, Octets: max(c.Octets, len(c.DER), 1), Via: c.Via}
}

// PKIX is how a certificate verifies by the public CAs.
type PKIX string

const (
	PKIXOK           PKIX = "ok"
	PKIXUntrusted    PKIX = "untrusted"
	PKIXExpired      PKIX = "expired"
	PKIXNotYetValid  PKIX = "not-yet-valid"
	PKIXNameMismatch PKIX = "name-mismatch"
	PKIXIncomplete   PKIX = "incomplete" // an issuer was not sent
	PKIXSelfSigned   PKIX = "self-signed"
	PKIXWeak         PKIX = "weak" // a key or a signature on the path
	PKIXUnparsable   PKIX = "unparsable"
	PKIXUntested     PKIX = "untested"
)

// Via is the probe that saw a certificate.
type Via string

const (
	ViaFirst           Via = "first"
	ViaOtherKey        Via = "other-key-type"
	ViaOtherConnection Via = "another-connection" // to other servers behind one address
	ViaNoName          Via = "no-sni"             // without a server name
)

// WeakKey is why anyone may know a private key.
type WeakKey string

const (
	WeakKeyShort WeakKey = "short" // RSA below 1024 bits
	WeakKeyROCA  WeakKey = "roca"  // CVE-2017-15361
)
