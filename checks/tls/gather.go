// Package tls asks how good the encryption is that a mail server offers after STARTTLS:
// protocol versions, cipher suites, key exchange, and what the handshake tells on the side.
package tls

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"net"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/crypto/ocsp"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/hello"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// Target is one address of a mail server.
type Target struct {
	Peer   *egress.Peer
	Host   string // name in the MX record, for SNI (RFC 7672 §8.1)
	Config smtp.Config
	Depth  report.Depth
	First  *tls.ConnectionState // the first ordinary handshake; nil if none worked
	Rung   string               // which hello of the ladder made it work (report.Rung)
}

// Seen is a further certificate chain that the server showed.
type Seen struct {
	Via   string   // other-key-type, another-connection; no-sni: not for the host's name; first where Target.First is nil
	Chain [][]byte // DER, leaf first
}

// Gather reports what the first handshake shows and, beyond depth quick, asks further: one
// SMTP connection a question, one after the other, in the order of what the answers are
// worth. It never fails; what could not be asked stands in Probes as untested.
func Gather(ctx context.Context, t Target) (*report.TLS, []Seen) {
	p := &prober{
		ctx:  ctx,
		tls:  &report.TLS{},
		sni:  serverName(t.Host, t.Rung),
		full: t.Depth == report.Full,
		left: budgetStandard,
		connect: func(ctx context.Context) (net.Conn, error) {
			s, err := smtp.UpToTLS(ctx, t.Peer, t.Config)
			if err != nil {
				return nil, err
			}
			return raw{s.Raw(), s}, nil
		},
		auths: make(map[string]bool),
	}
	if p.full {
		p.left = budgetFull
	}
	before := t.Peer.Connections()
	p.left -= before // the ordinary conversation has had its share
	p.first(t)
	defer func() {
		p.tls.Connections = t.Peer.Connections() - before
		standings(p.tls)
	}()
	if t.Depth == report.Quick {
		return p.tls, nil
	}
	p.run(t)
	return p.tls, p.seen
}

// raw is a connection whose closing closes the SMTP session.
type raw struct {
	net.Conn
	session *smtp.Session
}

func (r raw) Close() error { return r.session.Close() }

// serverName returns the name to ask for, empty where none may be sent: for an address
// literal (RFC 6066 §3) and for a server that only works without.
func serverName(host, rung string) string {
	host = strings.TrimSuffix(host, ".")
	if _, err := netip.ParseAddr(host); err == nil || rung == "no-sni" {
		return ""
	}
	return host
}

// first notes what the ordinary handshake showed.
func (p *prober) first(t Target) {
	c := t.First
	if c == nil {
		return
	}
	out := p.tls
	group := hello.GroupOf(uint16(c.CurveID))
	out.Version = hello.VersionName(c.Version)
	out.Cipher = hello.SuiteOf(c.CipherSuite).Name
	if c.CurveID != 0 {
		out.Group = group.Name
		p.group(group.ID, c.Version)
	}
	p.version(c.Version)
	out.Staple = staple(c)
	out.Features = &report.Features{}
	if c.Version == tls.VersionTLS12 && c.HandshakeComplete {
		// Without the extension the keys are not bound to the handshake, and the library
		// refuses to export any (RFC 7627 §5.4).
		_, err := c.ExportKeyingMaterial("EXPERIMENTAL mxseal", nil, 16)
		bound := err == nil
		out.Features.ExtendedMasterSecret = &bound
	}
	switch t.Rung {
	case "modern":
		tolerant := false
		out.Features.HybridIntolerant = &tolerant
		if c.Version < tls.VersionTLS13 { // it was offered
			p.refuse(hello.TLS13)
		}
	case "small-tls12":
		intolerant := true
		out.Features.HybridIntolerant = &intolerant
	}
	if len(c.PeerCertificates) > 0 {
		leaf := c.PeerCertificates[0]
		p.leaves = append(p.leaves, leaf.Raw)
		p.auths[keyType(leaf)] = true
		out.MustStaple = mustStaple(leaf)
	}
}

// staple reads the stapled OCSP response. Its signature is checked when the issuer is in
// the chain; whether it is recent is left to those who rely on it.
func staple(c *tls.ConnectionState) *report.Staple {
	if len(c.OCSPResponse) == 0 {
		return &report.Staple{Status: "absent"}
	}
	var leaf, issuer *x509.Certificate
	if len(c.PeerCertificates) > 0 {
		leaf = c.PeerCertificates[0]
	}
	if len(c.PeerCertificates) > 1 {
		issuer = c.PeerCertificates[1]
	}
	r, err := ocsp.ParseResponseForCert(c.OCSPResponse, leaf, issuer)
	if err != nil {
		return &report.Staple{Status: "unreadable"}
	}
	return &report.Staple{Status: map[int]string{ocsp.Good: "good", ocsp.Revoked: "revoked", ocsp.Unknown: "unknown"}[r.Status]}
}

// mustStaple reports whether a certificate demands status_request (RFC 7633 §4).
func mustStaple(leaf *x509.Certificate) bool {
	for _, e := range leaf.Extensions {
		if !e.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}) {
			continue
		}
		var features []int
		if _, err := asn1.Unmarshal(e.Value, &features); err == nil {
			return slices.Contains(features, int(hello.ExtStatusRequest))
		}
	}
	return false
}

// run asks question after question. What was not reached, since the server or the budget
// put an end to it, is noted as untested.
func (p *prober) run(t Target) {
	switch {
	case t.First == nil:
	case t.First.Version >= tls.VersionTLS13:
		p.permissive = p.usual()
	default:
		p.permissive = p.classic(t.First.Version, ids(weakestFirst(t.First.Version)))
	}
	p.pending = p.riders()
	stages := []struct {
		name string
		ask  func()
	}{
		{"everything", func() { p.everything(t.First) }},
		{"tls1.2-and-below", p.older},
		{"ssl2", p.ssl2},
		{"tls1.3", p.tls13},
		{"other-key-type", p.otherKeyType},
		{"preference", p.preference},
		{"weak-hash", p.weakHash},
		{"curves", p.curves},
		{"tolerance", p.tolerance},
		{"fallback", p.fallback},
		{"resumption", p.resumption},
	}
	for _, s := range stages {
		if p.stopped != "" {
			p.note(s.name, "untested", p.stopped)
			continue
		}
		s.ask()
	}
	p.assure()
	p.settleStrays()
	p.order()
}

// order puts everything best first; suites of one version in the server's own order where
// it has one.
func (p *prober) order() {
	rank := func(v string) int { return slices.Index(best, v) }
	byVersion := func(a, b string) int { return cmp.Compare(rank(a), rank(b)) }
	byClass := func(a, b string) int { return cmp.Compare(slices.Index(classes, a), slices.Index(classes, b)) }
	slices.SortStableFunc(p.tls.Versions, byVersion)
	slices.SortStableFunc(p.tls.Refused, byVersion)
	slices.SortStableFunc(p.tls.Ciphers, func(a, b report.Suite) int {
		if c := byVersion(a.Version, b.Version); c != 0 || p.tls.Preference == "server" {
			return c
		}
		return byClass(a.Class, b.Class)
	})
}
