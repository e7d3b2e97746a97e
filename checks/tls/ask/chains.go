package ask

import (
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"strings"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
)

// maxChains bounds the chains of one address that are kept, that of the ordinary handshake among them.
const maxChains = 4

// Seen is a further certificate chain that the server showed.
type Seen struct {
	Via         report.Via          // first where no ordinary handshake worked
	Chain       [][]byte            // DER, leaf first; nil where Server.Describe is set
	Certificate *report.Certificate // what that made of it
}

// chains are the certificates that came to light.
type chains struct {
	describe func([][]byte) *report.Certificate // what is kept of a chain; nil keeps it as it is
	seen     []Seen
	leaves   map[[32]byte]bool // known, by their digest
	auths    map[string]bool   // key types known: RSA, ECDSA
	further  int               // shown beyond those that are kept
	nameless []nameless        // shown to a hello without the host's name
}

// nameless is a chain that came in answer to a hello without the host's name.
type nameless struct {
	leaf  [32]byte // its digest
	seen  Seen
	hello *hello.Hello
	suite uint16
	auth  string // its key type
}

// known notes a certificate that is described elsewhere.
func (c *chains) known(leaf *x509.Certificate) {
	c.leaves[sha256.Sum256(leaf.Raw)] = true
	c.auths[keyType(leaf)] = true
}

// add keeps a chain whose leaf is not known yet, under the name of what showed it; sni is the
// name of the host.
func (c *chains) add(sni string, h *hello.Hello, f *hello.Flight) {
	leaf, auth := sha256.Sum256(f.Certificates[0]), authOf(f)
	if h.ServerName != sni && h.Version > hello.SSL3 { // which cannot send one
		if known := func(n nameless) bool { return n.leaf == leaf }; len(c.nameless) < maxChains && !slices.ContainsFunc(c.nameless, known) {
			c.nameless = append(c.nameless, nameless{leaf, c.shown(report.ViaNoName, f.Certificates), h, f.Suite, auth})
		}
		return
	}
	if c.leaves[leaf] {
		return
	}
	via := report.ViaOtherConnection
	switch {
	case len(c.leaves) == 0:
		via = report.ViaFirst
	case !c.auths[auth]:
		via = report.ViaOtherKey
	}
	c.leaves[leaf] = true
	c.auths[auth] = true
	if len(c.leaves) > maxChains {
		c.further++
		return
	}
	c.seen = append(c.seen, c.shown(via, f.Certificates))
}

// stranger keeps a chain that is shown only to those who do not name the host, where there is room.
func (c *chains) stranger(n nameless) {
	if !c.leaves[n.leaf] && len(c.leaves) < maxChains {
		c.leaves[n.leaf] = true
		c.seen = append(c.seen, n.seen)
	}
}

// shown is what is kept of a chain.
func (c *chains) shown(via report.Via, chain [][]byte) Seen {
	if c.describe == nil {
		return Seen{Via: via, Chain: chain}
	}
	described := c.describe(chain)
	described.Via = via
	return Seen{Via: via, Certificate: described}
}

// authOf returns the type of the certificate's key. A certificate that cannot be parsed is
// taken for what the handshake says of it.
func authOf(f *hello.Flight) string {
	if cert, err := x509.ParseCertificate(f.Certificates[0]); err == nil {
		return keyType(cert)
	}
	if f.Version == hello.TLS13 {
		return schemeAuth(hello.SchemeOf(f.Scheme).Name)
	}
	return hello.SuiteOf(f.Suite).Auth
}

// otherAuth lists the signature schemes for key types other than those known.
func (c *chains) otherAuth() []uint16 {
	return schemesWhere(func(s hello.Scheme) bool { return !c.auths[schemeAuth(s.Name)] })
}

// schemeAuth returns the key type that a signature scheme is for.
func schemeAuth(name string) string {
	switch kind, _, _ := strings.Cut(name, "_"); kind {
	case "rsa":
		return "RSA"
	case "dsa":
		return "DSS"
	}
	return "ECDSA"
}

// keyType returns the word that cipher suites use for a certificate's key. Ed25519 goes
// with the ECDSA suites (RFC 8422 §5.10).
func keyType(cert *x509.Certificate) string {
	switch cert.PublicKeyAlgorithm {
	case x509.RSA:
		return "RSA"
	case x509.DSA:
		return "DSS"
	}
	return "ECDSA"
}
