package real

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"
)

// chain is what a server has to show: its key, the certificates it sends, and those that
// TLSA records name.
type chain struct {
	key   crypto.Signer
	sent  [][]byte
	named map[string][]byte
}

// ca issues certificates.
type ca struct {
	key  crypto.Signer
	root []byte
	is   *x509.Certificate
}

// authority is the public one of the cases.
var authority = newCA(nil, nil)

func newKeyP256() crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // no random octets
	}
	return key
}

func serial() *big.Int {
	n, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	return n.Add(n, big.NewInt(1))
}

// newCA makes a root, or an authority below another, with changes.
func newCA(above *ca, change func(*x509.Certificate)) *ca {
	c := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Authority " + serial().Text(36)[:6]},
		NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	if change != nil {
		change(c)
	}
	a := &ca{key: newKeyP256()}
	parent, by := c, a.key
	if above != nil {
		parent, by = above.is, above.key
	}
	a.root = create(c, parent, a.key.Public(), by)
	a.is, _ = x509.ParseCertificate(a.root)
	return a
}

// create makes a certificate; that it cannot be made is a mistake in a table.
func create(c, parent *x509.Certificate, key crypto.PublicKey, by crypto.Signer) []byte {
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key, by)
	if err != nil {
		panic(err)
	}
	return der
}

func leafFor(names []string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 60),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

// issue makes a leaf, with changes.
func (a *ca) issue(names []string, change func(*x509.Certificate)) (crypto.Signer, []byte) {
	c, key := leafFor(names), newKeyP256()
	if change != nil {
		change(c)
	}
	return key, create(c, a.is, key.Public(), a.key)
}

// fromCA is a leaf of the public authority.
func fromCA(names ...string) chain {
	key, leaf := authority.issue(names, nil)
	return chain{key: key, sent: [][]byte{leaf}, named: map[string][]byte{"leaf": leaf, "root": authority.root}}
}

// selfMade is a leaf that signs itself.
func selfMade(names ...string) chain {
	c, key := leafFor(names), newKeyP256()
	leaf := create(c, c, key.Public(), key)
	return chain{key: key, sent: [][]byte{leaf}, named: map[string][]byte{"leaf": leaf}}
}
