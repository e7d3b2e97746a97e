package senders

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"time"
)

// Certificates are what our servers show. It is safe for concurrent use.
type Certificates interface {
	// Mail is that of honest mail servers, for *.ZONE, with its chain.
	Mail() *tls.Certificate
	// Expired is one for *.ZONE whose time is over; nil where there is none.
	Expired() *tls.Certificate
	// Policy is that of a policy host; nil where there is none.
	Policy(host string) *tls.Certificate
	// Challenge is what an authority looks for at a name of the zone; empty for nothing.
	Challenge(name string) string
}

// FromFiles are certificates that the operator gets and renews, in PEM: each file has a key and a chain.
type FromFiles struct {
	zone  string
	files []string

	mu   sync.Mutex
	read time.Time
	all  []*tls.Certificate
}

const reread = time.Hour // after which a renewed file is in use

// ReadCertificates reads the files. The error says which of them cannot be used, or that none is for *.zone.
func ReadCertificates(zone string, files []string) (*FromFiles, error) {
	f := &FromFiles{zone: zone, files: files}
	if err := f.load(); err != nil {
		return nil, err
	}
	c := f.Mail()
	switch {
	case c == nil:
		return nil, fmt.Errorf("no certificate for *.%s that is valid now", zone)
	case len(c.Leaf.DNSNames) > 1: // Postfix takes a name below a policy's domain for a fit
		return nil, fmt.Errorf("the certificate for *.%s has further names; those of policy hosts have to be in one of their own", zone)
	}
	return f, nil
}

func (f *FromFiles) load() error {
	var all []*tls.Certificate
	for _, file := range f.files {
		c, err := tls.LoadX509KeyPair(file, file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, &c)
	}
	f.all, f.read = all, time.Now()
	return nil
}

// pick is the first certificate for a name that is valid now, or is over.
func (f *FromFiles) pick(name string, over bool) *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.read) > reread {
		f.read = time.Now()
		_ = f.load() // what was read before stays in use
	}
	i := slices.IndexFunc(f.all, func(c *tls.Certificate) bool {
		return c.Leaf.VerifyHostname(name) == nil && time.Now().After(c.Leaf.NotAfter) == over
	})
	if i < 0 {
		return nil
	}
	return f.all[i]
}

// Mail implements Certificates.
func (f *FromFiles) Mail() *tls.Certificate { return f.pick("any."+f.zone, false) }

// Expired implements Certificates.
func (f *FromFiles) Expired() *tls.Certificate { return f.pick("any."+f.zone, true) }

// Policy implements Certificates.
func (f *FromFiles) Policy(host string) *tls.Certificate { return f.pick(host, false) }

// Challenge implements Certificates: who keeps files gets them elsewhere.
func (f *FromFiles) Challenge(string) string { return "" }

// selfSigned makes a certificate that nobody vouches for.
func selfSigned(name string) (*tls.Certificate, error) {
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
