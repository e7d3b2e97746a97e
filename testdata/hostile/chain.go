// Package hostile is a mail domain that makes reports as large as it can: every handshake shows
// a fresh chain of certificates, every reply is a new text that nobody can compress, and every
// record is as long as it may be. Whoever wants it gives it addresses and answers by it.
package hostile

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// List is how many octets a chain has.
const List = 120 << 10

const (
	each   = 2 << 10 // octets of one certificate
	length = 40      // of a random common name
)

// A Press makes chains, each of them new and none of them like another. It signs nothing but the
// moulds: in each copy random octets take the place of those that a mould is filled with, and
// the names of issuers are those of the certificates above, so that every certificate of the
// list may lie on the path.
type Press struct {
	leaves []mould // one of each kind of key
	above  mould
	n      int // certificates above the leaf
}

// mould is a certificate and where in it is what changes.
type mould struct {
	der             []byte
	key             crypto.Signer
	subject, issuer string   // common names
	fill            []string // the rest that is random; letters
}

// NewPress returns a press of chains for leaves that name themselves and hosts.
func NewPress() (*Press, error) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	p := new(Press)
	for _, key := range []crypto.Signer{ec, rs} {
		m, err := cast(key, ec, false)
		if err != nil {
			return nil, err
		}
		p.leaves = append(p.leaves, m)
	}
	if p.above, err = cast(ec, ec, true); err != nil {
		return nil, err
	}
	p.n = (List - len(p.leaves[0].der)) / len(p.above.der)
	return p, nil
}

// cast makes a mould full of letters that no other has.
func cast(key crypto.Signer, by *ecdsa.PrivateKey, authority bool) (mould, error) {
	m := mould{key: key, subject: Letters(length), issuer: Letters(length)}
	t := &x509.Certificate{SerialNumber: new(big.Int).SetBytes([]byte(m.random(20))), Subject: pkix.Name{CommonName: m.subject},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true, IsCA: authority,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	for len(t.DNSNames) < (each-700)/66 {
		t.DNSNames = append(t.DNSNames, m.random(60)+".test")
	}
	t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Value: []byte(m.random(300))}}
	der, err := x509.CreateCertificate(rand.Reader, t, &x509.Certificate{Subject: pkix.Name{CommonName: m.issuer}}, key.Public(), by)
	if err != nil {
		return m, fmt.Errorf("hostile: mould of a certificate: %w", err)
	}
	m.der = der
	return m, nil
}

func (m *mould) random(n int) string {
	s := Letters(n)
	m.fill = append(m.fill, s)
	return s
}

// copy presses one certificate. Its signature is whatever was there.
func (m *mould) copy(subject, issuer string) []byte {
	der := bytes.Clone(m.der)
	put := func(old, fresh string) {
		if i := bytes.Index(m.der, []byte(old)); i >= 0 {
			copy(der[i:], fresh)
		}
	}
	put(m.subject, subject)
	put(m.issuer, issuer)
	for _, old := range m.fill {
		put(old, Letters(len(old)))
	}
	return der
}

// Chain presses a chain of so many octets at most for a leaf of a kind: 0 is ECDSA, 1 RSA.
func (p *Press) Chain(kind int) *tls.Certificate {
	leaf := &p.leaves[kind]
	name := Letters(length)
	c := &tls.Certificate{Certificate: [][]byte{leaf.copy(Letters(length), name)}, PrivateKey: leaf.key}
	for range p.n {
		next := Letters(length)
		c.Certificate = append(c.Certificate, p.above.copy(name, next))
		name = next
	}
	return c
}

// Config is that of a server with a fresh chain for each handshake.
func (p *Press) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS10, CipherSuites: suites(), GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		for kind := range p.leaves {
			c := &tls.Certificate{Certificate: [][]byte{p.leaves[kind].der}, PrivateKey: p.leaves[kind].key}
			if h.SupportsCertificate(c) == nil {
				return p.Chain(kind), nil
			}
		}
		return p.Chain(1), nil
	}}
}

func suites() (all []uint16) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		all = append(all, s.ID)
	}
	return all
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// Letters are n random characters of 6 bits each.
func Letters(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = letters[b[i]&63]
	}
	return string(b)
}

// Text is n octets of random text that is fit to be shown: of the scripts with most letters, so
// that as little as can be is left to whoever compresses it.
func Text(n int) string {
	var b strings.Builder
	random := make([]byte, 2*(n/3+1))
	rand.Read(random)
	for i := 0; b.Len()+3 <= n; i += 2 {
		b.WriteRune(0x4e00 + rune(uint16(random[i])<<8|uint16(random[i+1]))%20900)
	}
	return b.String() + Letters(n-b.Len())
}
