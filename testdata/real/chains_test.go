package real

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
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

// fromPrivate is a leaf of an authority of its own, with the root.
func fromPrivate(names ...string) chain {
	a := newCA(nil, nil)
	key, leaf := a.issue(names, nil)
	return chain{key: key, sent: [][]byte{leaf, a.root}, named: map[string][]byte{"leaf": leaf, "root": a.root}}
}

// bareKey is a leaf of an authority whose certificate is not sent.
func bareKey(change func(*x509.Certificate)) func(...string) chain {
	return func(names ...string) chain {
		a := newCA(nil, nil)
		key, leaf := a.issue(names, change)
		return chain{key: key, sent: [][]byte{leaf}, named: map[string][]byte{"leaf": leaf, "root": a.root}}
	}
}

func past(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().AddDate(-3, 0, 0), time.Now().AddDate(0, -1, 0)
}

// crossExpired sends its root as another authority has signed it, for a time that is over.
func crossExpired(names ...string) chain {
	root, above := newCA(nil, nil), newCA(nil, nil)
	is := *root.is
	is.SerialNumber = serial()
	past(&is)
	cross := create(&is, above.is, root.key.Public(), above.key)
	key, leaf := root.issue(names, nil)
	return chain{key: key, sent: [][]byte{leaf, cross}, named: map[string][]byte{"leaf": leaf, "root": root.root}}
}

// anchorExpired sends a root past its end.
func anchorExpired(names ...string) chain {
	a := newCA(nil, past)
	key, leaf := a.issue(names, nil)
	return chain{key: key, sent: [][]byte{leaf, a.root}, named: map[string][]byte{"leaf": leaf, "root": a.root}}
}

// longPast is a leaf past its end.
func longPast(names ...string) chain {
	key, leaf := authority.issue(names, past)
	return chain{key: key, sent: [][]byte{leaf}, named: map[string][]byte{"leaf": leaf, "root": authority.root}}
}

// Changes to a leaf.

func clientOnly(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }

func signsCertificates(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }

func unknownCritical(c *x509.Certificate) {
	c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: []int{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: true, Value: []byte{5, 0}})
}

// otherCertificateFor shows a certificate of another key to whoever asks for a name.
func otherCertificateFor(name string) func(*tls.Config) {
	return func(c *tls.Config) {
		other := fromCA(name).config()
		c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			if h.ServerName == name {
				return other, nil
			}
			return nil, nil
		}
	}
}

// resign changes the signed part of a certificate of the public authority.
func resign(leaf []byte, change func(tbs []byte)) []byte {
	var c struct {
		TBS       asn1.RawValue
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(leaf, &c); err != nil {
		panic(err)
	}
	change(c.TBS.FullBytes)
	sum := sha256.Sum256(c.TBS.FullBytes)
	signature, err := authority.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		panic(err)
	}
	c.Signature = asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	out, err := asn1.Marshal(c)
	if err != nil {
		panic(err)
	}
	return out
}
