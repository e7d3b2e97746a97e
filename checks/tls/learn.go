package tls

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/probe"
)

// learn puts what an accepted hello showed into the evidence.
func (l *look) learn(h *hello.Hello, a probe.Answer) {
	t, f := l.tls, a.Flight
	l.version(f.Version)
	if f.Version == hello.SSL2 {
		for _, k := range f.Kinds {
			t.Ciphers = append(t.Ciphers, report.Suite{Version: "SSL2", Name: hello.KindName(k)})
		}
		return
	}
	bits := 0
	if k := f.KeyExchange; k != nil && k.P != nil {
		bits = k.Bits
		if t.DHBits == 0 || bits < t.DHBits {
			t.DHBits = bits
		}
		name := hello.PrimeName(k.P)
		if name == "" {
			name = fmt.Sprintf("own-%d", bits)
		}
		t.DHGroups = with(t.DHGroups, name)
		l.agreed(name, "finite-field", bits, f.Version)
	}
	l.suite(f.Version, f.Suite, bits)
	if f.Group != 0 {
		l.group(f.Group, f.Version)
	}
	for _, g := range f.Groups {
		if known := hello.GroupOf(g); known.Bits > 0 {
			l.group(g, f.Version)
			l.listed = true
		}
	}
	switch {
	case f.Version == hello.TLS13 && f.Scheme != 0:
		l.feature().CertificateVerify = hello.SchemeOf(f.Scheme).Name
	case f.Version >= hello.TLS10 && f.Version <= hello.TLS12 && !f.Resumed:
		l.features(h, f)
	}
	if len(f.Certificates) > 0 {
		l.certificates(h, f)
	}
	if a.Completed {
		t.Completed++
	}
	if a.Renegotiation != nil {
		l.feature().Renegotiation = a.Renegotiation
	}
	if a.Finished {
		l.finished(h, a)
	}
}

// with appends s unless it is there.
func with(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func (l *look) version(v uint16) {
	t := l.tls
	t.Versions = with(t.Versions, hello.VersionName(v))
	t.Refused = slices.DeleteFunc(t.Refused, func(s string) bool { return s == hello.VersionName(v) })
}

func (l *look) refuse(v uint16) {
	if name := hello.VersionName(v); !slices.Contains(l.tls.Versions, name) {
		l.tls.Refused = with(l.tls.Refused, name)
	}
}

// suite notes an accepted suite and returns its entry.
func (l *look) suite(version, id uint16, dhBits int) *report.Suite {
	t, s := l.tls, hello.SuiteOf(id)
	i := slices.IndexFunc(t.Ciphers, func(c report.Suite) bool {
		return c.Version == hello.VersionName(version) && c.Name == s.Name
	})
	if i < 0 {
		i = len(t.Ciphers)
		t.Ciphers = append(t.Ciphers, report.Suite{Version: hello.VersionName(version), Name: s.Name})
	}
	c := &t.Ciphers[i]
	if c.DHBits == 0 || dhBits > 0 && dhBits < c.DHBits {
		c.DHBits = dhBits
	}
	return c
}

// sha256Scheme, rsa_pkcs1_sha256, is among the signature schemes of every hello but the one
// that asks for weak hashes alone.
const sha256Scheme = 0x0401

// weakness ranks the hash of a signature, worst highest.
func weakness(hash string) int { return slices.Index([]string{"SHA-224", "SHA-1", "MD5"}, hash) }

// features notes what a flight of TLS 1.0 to 1.2 answers on the side. What one connection
// lacks counts, though others may have had it.
func (l *look) features(h *hello.Hello, f *hello.Flight) {
	ft := l.feature()
	always(&ft.SecureRenegotiation, f.Has(hello.ExtRenegotiationInfo))
	if h.Compression {
		atLeastOnce(&ft.Compression, f.Compression != 0)
	}
	atLeastOnce(&ft.Tickets, f.Has(hello.ExtSessionTicket))
	atLeastOnce(&ft.TruncatedHMAC, f.Has(hello.ExtTruncatedHMAC))
	atLeastOnce(&ft.Heartbeat, f.Has(hello.ExtHeartbeat))
	if hello.SuiteOf(f.Suite).Mode == "CBC" {
		always(&ft.EncryptThenMAC, f.Has(hello.ExtEncryptThenMAC))
	}
	if f.Version < hello.TLS12 {
		return
	}
	always(&ft.ExtendedMasterSecret, f.Has(hello.ExtExtendedMasterSecret))
	if k := f.KeyExchange; k != nil && k.Scheme != 0 && slices.Contains(h.Schemes, sha256Scheme) {
		now := hello.SchemeOf(k.Scheme)
		if ft.KeyExchangeHash == "" || weakness(now.Hash) > weakness(ft.KeyExchangeHash) {
			ft.KeyExchangeHash, ft.KeyExchangeScheme = now.Hash, now.Name
		}
	}
}

// group notes a named group. In TLS 1.3 it may be one of the finite field.
func (l *look) group(id, version uint16) {
	g := hello.GroupOf(id)
	kind := "curve"
	switch {
	case g.MLKEM:
		kind = "hybrid"
	case g.Finite:
		kind = "finite-field"
	}
	l.tls.Groups = with(l.tls.Groups, g.Name)
	l.agreed(g.Name, kind, g.Bits, version)
}

// agreed notes what keys are agreed with, and in which versions.
func (l *look) agreed(name, kind string, bits int, version uint16) {
	v := hello.VersionName(min(version, hello.TLS12))
	if version == hello.TLS13 {
		v = "TLS1.3"
	}
	t := l.tls
	i := slices.IndexFunc(t.KeyExchange, func(x report.Exchange) bool { return x.Name == name })
	if i < 0 {
		i = len(t.KeyExchange)
		t.KeyExchange = append(t.KeyExchange, report.Exchange{Name: name, Kind: kind, Bits: bits})
	}
	t.KeyExchange[i].Versions = with(t.KeyExchange[i].Versions, v)
}

// certificates keeps a chain whose leaf is not known yet, under the name of what showed it.
func (l *look) certificates(h *hello.Hello, f *hello.Flight) {
	leaf, auth := sha256.Sum256(f.Certificates[0]), authOf(f)
	if h.ServerName != l.sni && h.Version > hello.SSL3 { // which cannot send one
		if known := func(n nameless) bool { return n.leaf == leaf }; len(l.nameless) < maxChains && !slices.ContainsFunc(l.nameless, known) {
			l.nameless = append(l.nameless, nameless{leaf, l.shown("no-sni", f.Certificates), h, f.Suite, auth})
		}
		return
	}
	if l.leaves[leaf] {
		return
	}
	via := "another-connection"
	switch {
	case len(l.leaves) == 0:
		via = "first"
	case !l.auths[auth]:
		via = "other-key-type"
	}
	l.leaves[leaf] = true
	l.auths[auth] = true
	if len(l.leaves) > maxChains {
		l.tls.FurtherChains++
		return
	}
	l.seen = append(l.seen, l.shown(via, f.Certificates))
}

// shown is what is kept of a chain.
func (l *look) shown(via string, chain [][]byte) Seen {
	if l.describe == nil {
		return Seen{Via: via, Chain: chain}
	}
	c := l.describe(chain)
	c.Via = via
	return Seen{Via: via, Certificate: c}
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

// feature returns the features, made when needed.
func (l *look) feature() *report.Features {
	if l.tls.Features == nil {
		l.tls.Features = &report.Features{}
	}
	return l.tls.Features
}

// atLeastOnce notes what one connection at least showed; always, what every one did.
func atLeastOnce(b **bool, v bool) {
	if *b == nil || v {
		*b = &v
	}
}

func always(b **bool, v bool) {
	if *b == nil || !v {
		*b = &v
	}
}
