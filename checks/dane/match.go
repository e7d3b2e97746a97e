package dane

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
)

// Match compares the usable records with every certificate that the host serves to a client
// that names it, and sets the TLSA state: match when each certificate of each address is
// matched, mismatch otherwise, untested where no certificate was seen. domain is the mail
// domain, at the time of the check.
func Match(host *report.Host, domain string, at time.Time) {
	t := &host.TLSA
	if unsure(*t) {
		return
	}
	if !slices.Contains([]string{"untested", "match", "mismatch"}, t.State) {
		return
	}
	// A key that anyone may have is no proof: what matches only it counts for nothing.
	for _, s := range examine(host, domain, at, named) {
		for i := range t.Records {
			if r := &t.Records[i]; s.why[i] == "" && s.cert.WeakKey != "" {
				r.Usable, r.Unusable = false, "weak-key"
			}
		}
	}
	sights := examine(host, domain, at, named)
	for _, s := range sights {
		for i := range t.Records {
			if r := &t.Records[i]; s.why[i] == "" && !slices.Contains(r.Matches, s.address) {
				r.Matches = append(r.Matches, s.address)
			}
		}
	}
	inForce := strongest(t.Records)
	switch {
	case !slices.ContainsFunc(t.Records, func(r report.TLSARecord) bool { return r.Usable }):
		t.State = "unusable"
	case len(sights) == 0:
		t.State = "untested"
	case slices.ContainsFunc(sights, func(s sight) bool { return !s.matched(inForce) }):
		t.State = "mismatch"
	default:
		t.State = "match"
	}
}

// sight is one certificate that one address served, held against every record.
type sight struct {
	address string
	cert    *report.Certificate
	why     []string // for each record why it does not match; empty where it does
}

// matched reports whether any record in force matches.
func (s sight) matched(inForce []bool) bool {
	for i, why := range s.why {
		if inForce[i] && why == "" {
			return true
		}
	}
	return false
}

// named selects the certificates that a DANE client meets: it always names the host
// (RFC 7672 §8.1).
func named(c *report.Certificate) bool { return c.Via != "no-sni" }

func unnamed(c *report.Certificate) bool { return c.Via == "no-sni" }

// examine holds every certificate that was asked for against every record.
func examine(host *report.Host, domain string, at time.Time, wanted func(*report.Certificate) bool) []sight {
	names := []string{host.TLSA.Base, host.Name, domain}
	var sights []sight
	for _, a := range host.Addresses {
		for _, c := range a.Certificates {
			if c == nil || len(c.DER) == 0 || !wanted(c) {
				continue
			}
			chain := parse(c)
			s := sight{address: a.IP, cert: c, why: make([]string, len(host.TLSA.Records))}
			for i, r := range host.TLSA.Records {
				s.why[i] = mismatch(r, chain, names, at)
			}
			sights = append(sights, s)
		}
	}
	return sights
}

// link is a certificate of a sent chain; parsed is nil where Go cannot read it.
type link struct {
	der    []byte
	parsed *x509.Certificate
}

func parse(leaf *report.Certificate) []link {
	var chain []link
	for _, c := range append([]*report.Certificate{leaf}, leaf.Chain...) {
		parsed, err := x509.ParseCertificate(c.DER)
		if err != nil {
			parsed = nil
		}
		chain = append(chain, link{c.DER, parsed})
	}
	return chain
}

// strongest says which records are in force: of the digests published for one usage and
// selector a client uses only the strongest, and full data always (RFC 7671 §9).
func strongest(records []report.TLSARecord) []bool {
	inForce := make([]bool, len(records))
	for i, r := range records {
		inForce[i] = r.Usable && (r.Matching == 0 || !slices.ContainsFunc(records, func(other report.TLSARecord) bool {
			return other.Usable && other.Usage == r.Usage && other.Selector == r.Selector && other.Matching > r.Matching
		}))
	}
	return inForce
}

// The reasons why a record does not match a certificate.
const (
	unusable = "the record cannot be used"
	differs  = "the digest differs"
	absent   = "no certificate of the sent chain is the one it names"
	outdated = "a certificate of the chain is out of date"
	broken   = "the chain does not lead to the certificate it names"
	misnamed = "the certificate is for another name"
)

// mismatch says why a record does not match a chain, or nothing. Usage 3 looks at the leaf
// alone and ignores names and dates (RFC 7672 §3.1.1); usage 2 wants a trust anchor in the
// sent chain, valid signatures and dates up to it, and one of the names (§3.1.2, §3.2.2).
func mismatch(r report.TLSARecord, chain []link, names []string, at time.Time) string {
	data, err := hex.DecodeString(r.Data)
	if !r.Usable || err != nil {
		return unusable
	}
	if r.Usage == 3 {
		if bytes.Equal(association(r, chain[0].der), data) {
			return ""
		}
		return differs
	}
	leaf := chain[0].parsed
	if leaf == nil {
		return broken
	}
	why := absent
	for _, c := range chain[1:] {
		itself := bytes.Equal(c.der, chain[0].der) // the leaf is no trust anchor, sent twice or not
		if c.parsed != nil && !itself && bytes.Equal(association(r, c.der), data) {
			if why = unverified(leaf, c.parsed, chain, at); why == "" {
				break
			}
		}
	}
	if why == absent && r.Matching == 0 {
		why = unverifiedByData(r, data, chain, at)
	}
	if why == "" && !covered(leaf, names) {
		return misnamed
	}
	return why
}

// association is the data that a record with the same selector and matching type would
// hold for a certificate (RFC 6698 §2.1).
func association(r report.TLSARecord, der []byte) []byte {
	if r.Selector == 1 {
		der = publicKey(der)
	}
	switch {
	case der == nil:
		return nil
	case r.Matching == 1:
		sum := sha256.Sum256(der)
		return sum[:]
	case r.Matching == 2:
		sum := sha512.Sum512(der)
		return sum[:]
	}
	return der
}

// publicKey returns the SubjectPublicKeyInfo of a certificate. It is read by hand since a
// sender's library may accept a certificate that Go's does not.
func publicKey(der []byte) []byte {
	var certificate struct {
		TBS struct {
			Version                                      int `asn1:"optional,explicit,default:0,tag:0"`
			Serial, Algorithm, Issuer, Validity, Subject asn1.RawValue
			Key                                          asn1.RawValue
		}
	}
	if _, err := asn1.Unmarshal(der, &certificate); err != nil {
		return nil
	}
	return certificate.TBS.Key.FullBytes
}

// unverified says why the leaf does not lead to the trust anchor through the sent chain.
func unverified(leaf, anchor *x509.Certificate, chain []link, at time.Time) string {
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(anchor)
	for _, c := range chain[1:] {
		if c.parsed != nil {
			intermediates.AddCert(c.parsed)
		}
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, CurrentTime: at})
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return outdated
	}
	return broken
}

// unverifiedByData does the same for a trust anchor that stands in the record whole and
// need not be sent: a certificate, or a bare key (RFC 7671 §5.2.1, §5.2.3).
func unverifiedByData(r report.TLSARecord, data []byte, chain []link, at time.Time) string {
	leaf := chain[0].parsed
	if r.Selector == 0 {
		anchor, err := x509.ParseCertificate(data)
		if err != nil {
			return unusable
		}
		return unverified(leaf, anchor, chain, at)
	}
	key, err := x509.ParsePKIXPublicKey(data)
	if err != nil {
		return unusable
	}
	why := absent
	for i, c := range chain {
		if c.parsed == nil || !signedBy(c.parsed, key) {
			continue
		}
		switch {
		case i > 0:
			why = unverified(leaf, c.parsed, chain, at)
		case at.Before(leaf.NotBefore) || at.After(leaf.NotAfter):
			why = outdated
		default:
			why = ""
		}
		if why == "" {
			break
		}
	}
	return why
}

// signedBy reports whether a bare public key verifies the signature of a certificate. The
// algorithm named is of no weight: the type of the key decides.
func signedBy(c *x509.Certificate, key any) bool {
	return c.CheckSignatureFrom(&x509.Certificate{PublicKey: key, PublicKeyAlgorithm: x509.RSA}) == nil
}

// covered reports whether the certificate is for one of the names: its dNSNames, or its
// common name where it has none (RFC 7672 §3.2.3).
func covered(leaf *x509.Certificate, names []string) bool {
	presented := leaf.DNSNames
	if len(presented) == 0 {
		presented = []string{leaf.Subject.CommonName}
	}
	return slices.ContainsFunc(names, func(name string) bool { return name != "" && pkix.NameMatches(presented, name) })
}

// presentation writes a record as in a zone file; long data is cut.
func presentation(r report.TLSARecord) string {
	data := r.Data
	if len(data) > 128 {
		data = fmt.Sprintf("%s… (%d octets)", data[:32], len(data)/2)
	}
	return fmt.Sprintf("%d %d %d %s", r.Usage, r.Selector, r.Matching, data)
}
