// Package certificates gets what the servers of the test of senders show: certificates for its mail servers,
// for its policy hosts, and one that is over. They are files of the operator's, or come from an authority by ACME.
package certificates

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"
)

// Cached is how long resolvers keep what the zone says of keys, at most.
const Cached = 30 * time.Second

// Valid reports whether a certificate may be shown as a good one at a moment.
func Valid(c *tls.Certificate, at time.Time) bool {
	return c != nil && !at.Before(c.Leaf.NotBefore) && at.Before(c.Leaf.NotAfter)
}

// SelfSigned makes a certificate that nobody vouches for.
func SelfSigned(name string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
