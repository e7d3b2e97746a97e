package tls

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
)

// Connections one address may cost, beside the first ordinary handshake.
const (
	budgetStandard = 28
	budgetFull     = 120
)

// patience is how long a server may take to answer one ClientHello.
const patience = 10 * time.Second

// prober asks one server, one connection after the other. What it learns goes into tls and
// seen; when the server has had enough it stops and says why.
type prober struct {
	ctx     context.Context
	connect func(context.Context) (net.Conn, error) // up to the point where a ClientHello is due
	sni     string                                  // empty for none
	full    bool                                    // every suite, not one of each family
	left    int                                     // connections still to be spent
	stopped string                                  // why no more questions are asked
	unclear int                                     // answers of which nothing can be made

	tls        *report.TLS
	seen       []Seen
	leaves     [][]byte        // DER of the certificates known
	auths      map[string]bool // key types of certificates known: RSA, ECDSA
	permissive *hello.Hello    // one that worked; nil before the first
	wide       bool            // the server reads suite lists beyond 64 entries
	picks      []pick          // of the TLS 1.2 enumeration, in order
}

// pick is a suite that the server chose among those offered.
type pick struct {
	suite   uint16
	offered []uint16
}

// answer is what one probe came to.
type answer struct {
	result string // accepted, refused, untested
	flight *hello.Flight
	alert  int // that refused; -1 when the server closed without one
}

func (a answer) accepted() bool { return a.result == "accepted" }
func (a answer) refused() bool  { return a.result == "refused" }

// ask spends one connection on a hello and notes what came of it.
func (p *prober) ask(name string, h *hello.Hello) answer {
	a, text := p.exchange(h)
	p.note(name, a.result, text)
	if a.accepted() {
		p.learn(h, a.flight)
		if p.permissive == nil {
			p.permissive = h
		}
	}
	return a
}

func (p *prober) note(name, result, text string) {
	p.tls.Probes = append(p.tls.Probes, report.Probe{Name: name, Result: result, Text: report.Clean(text, 256)})
}

func (p *prober) exchange(h *hello.Hello) (answer, string) {
	untested := answer{result: "untested", flight: &hello.Flight{}, alert: -1}
	if p.stopped == "" && p.left == 0 {
		p.stopped = "the connections allowed to one address are spent"
	}
	if p.stopped != "" {
		return untested, p.stopped
	}
	p.left--
	conn, err := p.connect(p.ctx)
	if err != nil {
		p.stopped = err.Error()
		return untested, p.stopped
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	flight, err := h.Exchange(conn)

	var alert *hello.Alert
	var format *hello.FormatError
	a := answer{result: "refused", flight: flight, alert: -1}
	switch {
	case err == nil:
		if why := unasked(h, flight); why != "" {
			return a, why
		}
		a.result = "accepted"
		return a, describe(flight)
	case errors.As(err, &alert):
		a.alert = int(alert.Code)
		text := fmt.Sprintf("alert %d (%s)", alert.Code, hello.AlertName(alert.Code))
		if flight.Suite != 0 {
			text = "chose " + hello.SuiteOf(flight.Suite).Name + ", then " + text
		}
		return a, text
	case errors.As(err, &format):
		// Some mail servers answer a failed handshake in clear text (GnuTLS does so by a 421).
		return p.mute(a, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), egress.Kind(err) == "reset":
		return p.mute(a, err)
	}
	return p.mute(untested, err)
}

// mute makes of an answer without an alert what can be made of it: a refusal, if the server
// is known to answer hellos it likes. After the second of which nothing can be made the
// server is left alone.
func (p *prober) mute(a answer, err error) (answer, string) {
	text := fmt.Sprintf("after the ClientHello: %s", strings.TrimPrefix(err.Error(), "hello: "))
	if egress.Kind(err) == "timeout" {
		text = fmt.Sprintf("no answer to the ClientHello within %v", patience)
	}
	if a.result == "refused" && p.permissive != nil {
		return a, text
	}
	a.result = "untested"
	if p.unclear++; p.unclear >= 2 {
		p.stopped = text
	}
	return a, text
}

// unasked says what is wrong with a flight that answers another hello than h; empty for none.
func unasked(h *hello.Hello, f *hello.Flight) string {
	switch {
	case h.Version == hello.SSL2:
		if len(f.Kinds) == 0 {
			return "SSL 2.0 without a cipher"
		}
		return ""
	case !slices.Contains(h.Suites, f.Suite):
		return fmt.Sprintf("chose %s, which was not offered", hello.SuiteOf(f.Suite).Name)
	case f.Version == hello.TLS13 && !slices.Contains(h.Groups, f.Group):
		return fmt.Sprintf("chose the group %s, which was not offered", hello.GroupOf(f.Group).Name)
	case len(h.Versions) > 0 && !slices.Contains(h.Versions, f.Version), len(h.Versions) == 0 && f.Version > h.Version:
		return fmt.Sprintf("chose %s, which was not offered", hello.VersionName(f.Version))
	}
	return ""
}

func describe(f *hello.Flight) string {
	if f.Version == hello.SSL2 {
		names := make([]string, len(f.Kinds))
		for i, k := range f.Kinds {
			names[i] = hello.KindName(k)
		}
		return "SSL2 " + strings.Join(names, " ")
	}
	text := hello.VersionName(f.Version) + " " + hello.SuiteOf(f.Suite).Name
	if f.Group != 0 {
		text += " " + hello.GroupOf(f.Group).Name
	}
	if k := f.KeyExchange; k != nil && k.Bits > 0 {
		text += fmt.Sprintf(" %d bits", k.Bits)
	}
	return text
}

// confirmed reports whether a refusal is one: by an alert, or because the server still
// answers a hello that it liked before.
func (p *prober) confirmed(a answer) bool {
	return a.refused() && (a.alert >= 0 || p.control())
}

func (p *prober) control() bool {
	return p.permissive != nil && p.ask("control", p.permissive).accepted()
}

// learn puts what an accepted hello showed into the evidence.
func (p *prober) learn(h *hello.Hello, f *hello.Flight) {
	t := p.tls
	p.version(f.Version)
	if f.Version == hello.SSL2 {
		for _, k := range f.Kinds {
			t.Ciphers = append(t.Ciphers, report.Suite{Version: "SSL2", Name: hello.KindName(k), Class: classOfKind(k)})
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
	}
	p.suite(f.Version, f.Suite, bits)
	if f.Group != 0 {
		t.Groups = with(t.Groups, hello.GroupOf(f.Group).Name)
	}
	if f.Version >= hello.TLS10 && f.Version <= hello.TLS12 {
		p.features(h, f)
	}
	if len(f.Certificates) > 0 {
		p.certificates(h, f)
	}
}

// with appends s unless it is there.
func with(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func (p *prober) version(v uint16) {
	t := p.tls
	t.Versions = with(t.Versions, hello.VersionName(v))
	t.Refused = slices.DeleteFunc(t.Refused, func(s string) bool { return s == hello.VersionName(v) })
}

func (p *prober) refuse(v uint16) {
	if name := hello.VersionName(v); !slices.Contains(p.tls.Versions, name) {
		p.tls.Refused = with(p.tls.Refused, name)
	}
}

// suite notes an accepted suite and returns its entry.
func (p *prober) suite(version, id uint16, dhBits int) *report.Suite {
	t, s := p.tls, hello.SuiteOf(id)
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
	c.Class = classOf(s, c.DHBits)
	return c
}

// sha256Scheme, rsa_pkcs1_sha256, is among the signature schemes of every hello but the one
// that asks for weak hashes alone.
const sha256Scheme = 0x0401

// weakness ranks the hash of a signature, worst highest.
func weakness(hash string) int { return slices.Index([]string{"SHA-224", "SHA-1", "MD5"}, hash) }

// features notes what a flight of TLS 1.0 to 1.2 answers on the side. What one connection
// lacks counts, though others may have had it.
func (p *prober) features(h *hello.Hello, f *hello.Flight) {
	if p.tls.Features == nil {
		p.tls.Features = &report.Features{}
	}
	ft := p.tls.Features
	all := func(b **bool, v bool) {
		if *b == nil || !v {
			*b = &v
		}
	}
	some := func(b **bool, v bool) {
		if *b == nil || v {
			*b = &v
		}
	}
	all(&ft.SecureRenegotiation, f.Has(hello.ExtRenegotiationInfo))
	if h.Compression {
		some(&ft.Compression, f.Compression != 0)
	}
	some(&ft.Tickets, f.Has(hello.ExtSessionTicket))
	some(&ft.TruncatedHMAC, f.Has(hello.ExtTruncatedHMAC))
	if f.Version < hello.TLS12 {
		return
	}
	all(&ft.ExtendedMasterSecret, f.Has(hello.ExtExtendedMasterSecret))
	if k := f.KeyExchange; k != nil && k.Scheme != 0 && slices.Contains(h.Schemes, sha256Scheme) {
		now := hello.SchemeOf(k.Scheme).Hash
		if ft.KeyExchangeHash == "" || weakness(now) > weakness(ft.KeyExchangeHash) {
			ft.KeyExchangeHash = now
		}
	}
}

// certificates keeps a chain whose leaf is not known yet, under the name of what showed it.
func (p *prober) certificates(h *hello.Hello, f *hello.Flight) {
	leaf := f.Certificates[0]
	if slices.ContainsFunc(p.leaves, func(known []byte) bool { return string(known) == string(leaf) }) {
		return
	}
	auth := hello.SuiteOf(f.Suite).Auth
	if cert, err := x509.ParseCertificate(leaf); err == nil {
		auth = keyType(cert)
	}
	via := "another-connection"
	switch {
	case len(p.leaves) == 0:
		via = "first"
	case h.ServerName == "" && p.sni != "":
		via = "no-sni"
	case !p.auths[auth]:
		via = "other-key-type"
	}
	p.leaves = append(p.leaves, leaf)
	p.auths[auth] = true
	p.seen = append(p.seen, Seen{Via: via, Chain: f.Certificates})
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
