package pkix

import (
	"encoding/asn1"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Bits of the keyUsage extension (RFC 5280 §4.2.1.3).
const (
	DigitalSignature uint16 = 1 << iota
	NonRepudiation
	KeyEncipherment
	DataEncipherment
	KeyAgreement
	CertSign
	CRLSign
	EncipherOnly
	DecipherOnly
)

var usageNames = []string{"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment",
	"keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"}

// Extensions by their object identifier.
const (
	extSubjectKey   = "2.5.29.14"
	extKeyUsage     = "2.5.29.15"
	extAltName      = "2.5.29.17"
	extBasic        = "2.5.29.19"
	extConstraints  = "2.5.29.30"
	extAuthorityKey = "2.5.29.35"
	extPurposes     = "2.5.29.37"
	extNetscape     = "2.16.840.1.113730.1.1"
	extSCT          = "1.3.6.1.4.1.11129.2.4.2" // RFC 6962 §3.3
)

// handled are the extensions that may be critical: those of OpenSSL 3.0 (X509_supported_extension).
// The two key identifiers are not among them.
var handled = []string{
	extKeyUsage, extAltName, extBasic, extConstraints, extPurposes, extNetscape,
	"2.5.29.31",            // cRLDistributionPoints
	"2.5.29.32",            // certificatePolicies
	"2.5.29.33",            // policyMappings
	"2.5.29.36",            // policyConstraints
	"2.5.29.54",            // inhibitAnyPolicy
	"1.3.6.1.5.5.7.1.7",    // IP address blocks (RFC 3779)
	"1.3.6.1.5.5.7.1.8",    // autonomous systems
	"1.3.6.1.5.5.7.48.1.5", // OCSP no check
	"1.3.6.1.5.5.7.1.14",   // proxyCertInfo
}

const maxExtensions = 100

func (c *Certificate) readExtensions(list element) {
	r := inside(list)
	for n := 0; r.more() && n < maxExtensions; n++ {
		e := inside(r.take(tagSequence))
		id := oid(e.take(tagOID))
		critical, ok := e.maybe(tagBoolean)
		value := e.take(tagOctets)
		if e.bad {
			c.Malformed = append(c.Malformed, "an extension")
			continue
		}
		if c.present[id] || !c.readExtension(id, value.body) {
			c.Malformed = append(c.Malformed, extensionName(id))
		}
		c.present[id] = true
		if ok && len(critical.body) == 1 && critical.body[0] != 0 && !slices.Contains(handled, id) {
			c.Unknown = append(c.Unknown, extensionName(id))
		}
	}
	if r.bad {
		c.Malformed = append(c.Malformed, "an extension")
	}
}

// readExtension keeps what one extension says; false where it cannot be read.
func (c *Certificate) readExtension(id string, value []byte) bool {
	switch id {
	case extKeyUsage:
		return c.readKeyUsage(value)
	case extNetscape:
		e, _, ok := next(value)
		if !ok || e.tag != tagBits || len(e.bits()) == 0 {
			return false
		}
		c.netscape = e.bits()[0]
	case extBasic:
		return c.readBasic(value)
	case extPurposes:
		return c.readPurposes(value)
	case extSubjectKey:
		e, _, ok := next(value)
		c.SubjectKey = e.body
		return ok && e.tag == tagOctets
	case extAuthorityKey:
		return c.readAuthority(value)
	case extAltName:
		return c.readAltNames(value)
	case extConstraints:
		var ok bool
		c.Constraints, ok = readConstraints(value)
		return ok
	case extSCT:
		c.SCT = true
	}
	return true
}

func (c *Certificate) readKeyUsage(value []byte) bool {
	e, rest, ok := next(value)
	if !ok || e.tag != tagBits || len(rest) > 0 {
		return false
	}
	for i, b := range e.bits()[:min(len(e.bits()), 2)] {
		for bit := range 8 {
			if n := 8*i + bit; b&(0x80>>bit) != 0 && n < len(usageNames) {
				c.KeyUsage |= 1 << n
			}
		}
	}
	return true
}

// readBasic reads whether it is an authority's, and how many may stand below it.
func (c *Certificate) readBasic(value []byte) bool {
	r, ok := parse(value, tagSequence)
	if !ok {
		return false
	}
	if ca, there := r.maybe(tagBoolean); there {
		c.CA = len(ca.body) == 1 && ca.body[0] != 0
	}
	if r.more() {
		n, ok := r.any().small()
		if !ok || r.bad {
			return false
		}
		c.PathLength = n
	}
	return true
}

func (c *Certificate) readPurposes(value []byte) bool {
	r, ok := parse(value, tagSequence)
	for ok && r.more() {
		var id asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(r.take(tagOID).raw, &id); err != nil {
			return false
		}
		c.Purposes = append(c.Purposes, id)
	}
	return ok && !r.bad
}

func (c *Certificate) readAuthority(value []byte) bool {
	r, ok := parse(value, tagSequence)
	if !ok {
		return false
	}
	id := &authorityID{}
	for r.more() {
		switch e := r.any(); e.tag {
		case tagContext:
			id.key = e.body
		case tagContext | tagConstructed | 1:
			names := inside(e)
			for names.more() {
				if n := names.any(); n.tag == tagContext|tagConstructed|4 {
					id.issuer = append(id.issuer, readName(inside(n).any()))
				}
			}
		case tagContext | 2:
			id.serial = e.body
		}
	}
	c.AuthorityID = id
	return !r.bad
}

func (c *Certificate) readAltNames(value []byte) bool {
	r, ok := parse(value, tagSequence)
	for ok && r.more() {
		switch e := r.any(); e.tag {
		case tagContext | 1:
			c.Mails = append(c.Mails, string(e.body))
		case tagContext | 2:
			c.DNSNames = append(c.DNSNames, string(e.body))
		case tagContext | tagConstructed | 4:
			c.Folders = append(c.Folders, readName(inside(e).any()))
		case tagContext | 6:
			c.URIs = append(c.URIs, string(e.body))
		case tagContext | 7:
			c.Addresses = append(c.Addresses, e.body)
		default:
			c.others = append(c.others, e)
		}
	}
	return ok && !r.bad
}

// has reports whether an extension is there.
func (c *Certificate) has(id string) bool { return c.present[id] }

// Usages names the bits of keyUsage; nil where the extension is absent, and then everything
// is allowed; none where it is there and empty.
func (c *Certificate) Usages() []string {
	if !c.has(extKeyUsage) {
		return nil
	}
	var names []string
	for i, name := range usageNames {
		if c.KeyUsage&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if names == nil {
		names = []string{"none"}
	}
	return names
}

// may reports whether keyUsage allows one of these.
func (c *Certificate) may(bits uint16) bool { return !c.has(extKeyUsage) || c.KeyUsage&bits != 0 }

// purposeNames are the extended key usages that have a name.
var purposeNames = map[string]string{
	"1.3.6.1.5.5.7.3.1": "serverAuth", "1.3.6.1.5.5.7.3.2": "clientAuth", "1.3.6.1.5.5.7.3.3": "codeSigning",
	"1.3.6.1.5.5.7.3.4": "emailProtection", "1.3.6.1.5.5.7.3.8": "timeStamping", "1.3.6.1.5.5.7.3.9": "OCSPSigning",
	"2.5.29.37.0": "anyExtendedKeyUsage", "2.16.840.1.113730.4.1": "serverGatedCrypto", "1.3.6.1.4.1.311.10.3.3": "msServerGatedCrypto",
}

// PurposeNames names the extended key usages; nil where the extension is absent.
func (c *Certificate) PurposeNames() []string {
	var names []string
	for _, id := range c.Purposes[:min(len(c.Purposes), 20)] {
		name := id.String()
		if known, ok := purposeNames[name]; ok {
			name = known
		}
		names = append(names, report.Clean(name, 100))
	}
	return names
}

// serves reports whether the extended key usage lets a certificate stand for a TLS server, as
// OpenSSL 3.0 reads it: anyExtendedKeyUsage alone does not.
func (c *Certificate) serves() bool {
	if !c.has(extPurposes) {
		return true
	}
	return slices.ContainsFunc(c.PurposeNames(), func(name string) bool {
		return name == "serverAuth" || strings.Contains(strings.ToLower(name), "servergatedcrypto")
	})
}

func extensionName(id string) string {
	switch id {
	case extSubjectKey:
		return "subjectKeyIdentifier"
	case extKeyUsage:
		return "keyUsage"
	case extAltName:
		return "subjectAltName"
	case extBasic:
		return "basicConstraints"
	case extConstraints:
		return "nameConstraints"
	case extAuthorityKey:
		return "authorityKeyIdentifier"
	case extPurposes:
		return "extendedKeyUsage"
	}
	return report.Clean(id, 60)
}

// oid writes an object identifier; empty where it is none.
func oid(e element) string {
	var id asn1.ObjectIdentifier
	if rest, err := asn1.Unmarshal(e.raw, &id); err != nil || len(rest) > 0 {
		return ""
	}
	return id.String()
}
