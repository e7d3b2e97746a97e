package pkix

import (
	"bytes"
	"encoding/asn1"
	"time"
)

// Certificate is a certificate as mxseal reads it: by itself and leniently, since a sender's
// library may accept what that of Go does not. What cannot be read of an extension is in
// Malformed, and the rest is there all the same.
type Certificate struct {
	Raw       []byte
	TBS       []byte // the part that is signed
	Version   int    // 1 to 3
	Subject   Name
	Issuer    Name
	NotBefore time.Time
	NotAfter  time.Time
	SPKI      []byte // SubjectPublicKeyInfo
	Key       *Key   // never nil
	Signature Signature

	DNSNames  []string
	Addresses [][]byte
	Mails     []string
	URIs      []string
	Folders   []Name    // directoryNames
	others    []element // names that nobody compares: otherName and such

	CA          bool // basicConstraints says so
	PathLength  int  // -1 for none
	KeyUsage    uint16
	Purposes    []asn1.ObjectIdentifier // extended key usage
	SubjectKey  []byte
	AuthorityID *authorityID
	Constraints *constraints
	SCT         bool

	serial    []byte
	present   map[string]bool // extensions by object identifier
	netscape  byte            // the bits of nsCertType
	badDate   bool            // a date that OpenSSL does not read
	Unknown   []string        // critical extensions that OpenSSL does not handle
	Malformed []string        // extensions that cannot be read, or stand there twice
}

// authorityID is the extension that says with which key the issuer signed.
type authorityID struct {
	key    []byte
	issuer []Name
	serial []byte
}

// SelfIssued reports whether a certificate names itself as issuer, as a root does.
func (c *Certificate) SelfIssued() bool { return c.Subject.canon == c.Issuer.canon }

// Equal reports whether two are the same, octet by octet.
func (c *Certificate) Equal(other *Certificate) bool { return bytes.Equal(c.Raw, other.Raw) }

// names reports whether what a certificate says about its issuer's key fits that certificate
// (RFC 5280 §4.2.1.1). Where it says nothing, everything does.
func (c *Certificate) names(issuer *Certificate) bool {
	id := c.AuthorityID
	if id == nil {
		return true
	}
	if id.key != nil && issuer.SubjectKey != nil && !bytes.Equal(id.key, issuer.SubjectKey) {
		return false
	}
	if id.serial != nil && !bytes.Equal(id.serial, issuer.serial) {
		return false
	}
	// Only the first name counts, as in OpenSSL.
	return len(id.issuer) == 0 || id.issuer[0].canon == issuer.Issuer.canon
}

// issuedBy reports whether other is by name the issuer.
func (c *Certificate) issuedBy(other *Certificate) bool { return c.Issuer.canon == other.Subject.canon }
