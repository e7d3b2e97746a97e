package checks_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// authority is a public authority of a test, with a root and issuers that sign by turns.
type authority struct {
	root    *x509.Certificate
	issuers []tls.Certificate
	serial  int64
}

func newAuthority(t *testing.T, issuers int) *authority {
	t.Helper()
	a := new(authority)
	root := a.make(t, says{name: "Test root", ca: true, life: 20 * 365 * oneDay}, nil, nil)
	a.root = root.Leaf
	for i := range issuers {
		a.issuers = append(a.issuers, a.make(t, says{name: "Test issuer " + string(rune('A'+i)), ca: true, life: 10 * 365 * oneDay}, nil, &root))
	}
	return a
}

// pem is the root as a CA file.
func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})
}

// says is what a certificate is to say.
type says struct {
	name   string
	ca     bool
	life   time.Duration // from now; before it lie 30 days
	change func(*x509.Certificate)
}

const oneDay = 24 * time.Hour

// issue makes the certificate of a server with the chain that it sends, for a key or a new one.
func (a *authority) issue(t *testing.T, issuer int, key *ecdsa.PrivateKey, c says) tls.Certificate {
	t.Helper()
	by := a.issuers[issuer]
	made := a.make(t, c, key, &by)
	made.Certificate = append(made.Certificate, by.Certificate[0])
	return made
}

func (a *authority) make(t *testing.T, c says, key *ecdsa.PrivateKey, by *tls.Certificate) tls.Certificate {
	t.Helper()
	if key == nil {
		key = newKey(t)
	}
	a.serial++
	cert := &x509.Certificate{SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: c.name}, NotBefore: time.Now().Add(-oneDay), NotAfter: time.Now().Add(c.life),
		BasicConstraintsValid: true, IsCA: c.ca, KeyUsage: x509.KeyUsageDigitalSignature}
	if c.ca {
		cert.KeyUsage = x509.KeyUsageCertSign
	} else {
		cert.DNSNames, cert.ExtKeyUsage = []string{c.name}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	if c.change != nil {
		c.change(cert)
	}
	parent, signer := cert, key
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey.(*ecdsa.PrivateKey)
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
