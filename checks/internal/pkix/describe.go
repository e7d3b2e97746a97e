package pkix

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"mxseal/checks/report"
)

const (
	maxChain = 10  // certificates of a chain that are looked at
	maxNames = 100 // dNSNames kept of one
	maxText  = 300 // octets kept of a subject or issuer
)

// Describe describes a chain of DER certificates, leaf first, as one that a sender meets
// who connects to name at that time. An empty name, or an address, means that no name is
// to be matched. It is nil for an empty chain.
func (s Store) Describe(chain [][]byte, name string, at time.Time) *report.Certificate {
	if len(chain) == 0 {
		return nil
	}
	chain = chain[:min(len(chain), maxChain)]
	certs := make([]*x509.Certificate, len(chain)) // nil where unparsable
	described := make([]*report.Certificate, len(chain))
	for i, der := range chain {
		certs[i], described[i] = one(der)
	}
	leaf := described[0]
	leaf.Chain = described[1:]
	if certs[0] == nil {
		return leaf
	}
	_, named := hostname(name)
	leaf.NameMatch = named && NameMatches(certs[0].DNSNames, name)

	path := s.verify(certs, at)
	leaf.Trusted, leaf.PublicCA = path.trusted, path.trusted || path.public
	switch {
	case path.trusted && leaf.WeakKey != "":
		leaf.PKIX, leaf.PKIXDetail = "weak", "the private key can be found out"
	case path.trusted && path.inDate && (leaf.NameMatch || !named):
		leaf.PKIX = "ok"
	case path.trusted && path.inDate:
		leaf.PKIX, leaf.PKIXDetail = "name-mismatch", "no dNSName covers "+report.Clean(name, 253)
	case path.trusted && at.Before(certs[0].NotBefore):
		leaf.PKIX = "not-yet-valid"
	case path.trusted:
		leaf.PKIX = "expired"
	case leaf.SelfSigned:
		leaf.PKIX = "self-signed"
	case leaf.WeakKey != "" || slices.ContainsFunc(certs, weaklySigned):
		leaf.PKIX = "weak"
	case !leaf.PublicCA && incomplete(certs):
		leaf.PKIX = "incomplete"
	default:
		leaf.PKIX = "untrusted"
	}
	if path.err != nil && leaf.PKIXDetail == "" {
		leaf.PKIXDetail = report.Clean(path.err.Error(), maxText)
	}
	return leaf
}

// one describes a certificate by itself.
func one(der []byte) (*x509.Certificate, *report.Certificate) {
	sum := sha256.Sum256(der)
	c := &report.Certificate{SHA256: hex.EncodeToString(sum[:]), DER: der}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		c.PKIX, c.PKIXDetail = "unparsable", report.Clean(err.Error(), maxText)
		return nil, c
	}
	sum = sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	c.SPKISHA256 = hex.EncodeToString(sum[:])
	c.Subject = report.Clean(cert.Subject.String(), maxText)
	c.CommonName = report.Clean(cert.Subject.CommonName, maxText)
	c.Issuer = report.Clean(cert.Issuer.String(), maxText)
	for _, name := range cert.DNSNames[:min(len(cert.DNSNames), maxNames)] {
		c.Names = append(c.Names, report.Clean(name, 253))
	}
	c.NotBefore, c.NotAfter = cert.NotBefore.UTC(), cert.NotAfter.UTC()
	c.Key, c.WeakKey = keyName(cert), weakKey(cert)
	c.Signature = signatureName(cert)
	c.SelfSigned = selfSigned(cert)
	c.CA = cert.BasicConstraintsValid && cert.IsCA
	for _, extension := range cert.Extensions {
		c.SCT = c.SCT || extension.Id.Equal(oidSCT)
	}
	return cert, c
}

// oidSCT is the extension that holds signed certificate timestamps (RFC 6962 §3.3).
var oidSCT = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}

// selfSigned reports whether a certificate names itself as issuer. Its signature is looked
// at where it can be checked; an algorithm that Go no longer checks is given the benefit.
func selfSigned(cert *x509.Certificate) bool {
	if !bytes.Equal(cert.RawSubject, cert.RawIssuer) {
		return false
	}
	err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &insecure) || errors.Is(err, x509.ErrUnsupportedAlgorithm) ||
		strings.Contains(err.Error(), "keys are insecure")
}

func weaklySigned(cert *x509.Certificate) bool {
	return cert != nil && weakSignature(cert.SignatureAlgorithm) && !selfSigned(cert)
}

// path is what became of building a chain.
type path struct {
	trusted bool  // to a root, for a server, at some time
	inDate  bool  // and at the time asked
	public  bool  // to a root that does not stand for it: distrusted, constrained, for other uses
	err     error // why not, or why not at the time asked
}

// verify builds a chain from the leaf through what was sent to a root. Where the dates
// stand in the way it looks again at times when the certificates were valid, so that a
// date never hides what else is wrong.
func (s Store) verify(certs []*x509.Certificate, at time.Time) path {
	leaf := certs[0]
	opts := x509.VerifyOptions{
		Roots:         s.Roots,
		Intermediates: x509.NewCertPool(),
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if opts.Roots == nil { // else Go would take the system's
		opts.Roots = x509.NewCertPool()
	}
	latest, earliest := leaf.NotBefore, leaf.NotAfter
	for _, c := range certs[1:] {
		if c == nil {
			continue
		}
		opts.Intermediates.AddCert(c)
		if c.NotBefore.After(latest) {
			latest = c.NotBefore
		}
		if c.NotAfter.Before(earliest) {
			earliest = c.NotAfter
		}
	}
	_, err := leaf.Verify(opts)
	if err == nil {
		return path{trusted: true, inDate: true}
	}
	p := path{err: err}
	for _, t := range []time.Time{latest, earliest, leaf.NotAfter, leaf.NotBefore} {
		opts.CurrentTime = t
		_, err := leaf.Verify(opts)
		if err == nil {
			p.trusted = true
			return p
		}
		var invalid x509.CertificateInvalidError
		dated := errors.As(err, &invalid) && invalid.Reason == x509.Expired
		if dated {
			continue
		}
		if errors.As(err, &invalid) || strings.Contains(err.Error(), "distrust-after") {
			// These are found only once a root has been reached.
			p.public = true
		}
		p.err = err
	}
	return p
}

// incomplete reports whether the chain ends, below a root, at a certificate whose issuer
// was not sent. A private authority that does not send its root looks the same.
func incomplete(certs []*x509.Certificate) bool {
	top := certs[0]
	for range certs {
		if selfSigned(top) {
			return false
		}
		i := slices.IndexFunc(certs, func(c *x509.Certificate) bool {
			return c != nil && c != top && bytes.Equal(c.RawSubject, top.RawIssuer)
		})
		if i < 0 {
			return true
		}
		top = certs[i]
	}
	return false
}
