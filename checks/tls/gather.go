// Package tls asks how good the encryption is that a mail server offers after STARTTLS:
// protocol versions, cipher suites, key exchange, and what the handshake tells on the side.
package tls

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/hello"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// Target is one address of a mail server.
type Target struct {
	Peer     *egress.Peer
	Host     string // name in the MX record, for SNI (RFC 7672 §8.1)
	Config   smtp.Config
	Depth    report.Depth
	First    *tls.ConnectionState // the first ordinary handshake; nil if the library managed none
	Rung     string               // which hello of the ladder worked (report.Rung); empty for none
	Greeting time.Duration        // that the server took to greet
	OtherKey bool                 // ask for a certificate of another key type at depth quick too
	// Describe says what is kept of a chain, as soon as it has come; nil keeps it as it is.
	Describe func(chain [][]byte) *report.Certificate
}

// slowGreeting is from when on connections are opened ahead, to wait side by side.
const slowGreeting = 2 * time.Second

// maxChains bounds the chains of one address that are kept, that of the ordinary handshake among them.
const maxChains = 4

// Seen is a further certificate chain that the server showed.
type Seen struct {
	Via         string              // other-key-type, another-connection; no-sni: not for the host's name; first where Target.First is nil
	Chain       [][]byte            // DER, leaf first; nil where Target.Describe is set
	Certificate *report.Certificate // what that made of it
}

// Gather reports what the first handshake shows and, beyond depth quick, asks further: one
// SMTP connection a question, two at a time, in the order of what the answers are worth. It
// never fails; what could not be asked stands in Probes as untested.
func Gather(ctx context.Context, t Target) (*report.TLS, []Seen) {
	upToTLS := func(ctx context.Context, _ int) (*smtp.Session, error) { return smtp.UpToTLS(ctx, t.Peer, t.Config) }
	unused := func() int { return 0 }
	if t.Greeting > slowGreeting {
		queue := smtp.NewQueue(ctx, t.Peer, t.Config)
		upToTLS, unused = queue.UpToTLS, queue.Close
	}
	p := newProber(ctx, t.Depth, serverName(t.Host, t.Rung), func(ctx context.Context, more int) (net.Conn, error) {
		s, err := upToTLS(ctx, more)
		if err != nil {
			return nil, err
		}
		return raw{s.Raw(), s}, nil
	})
	p.left -= max(ordinary, t.Peer.Connections())
	p.describe = t.Describe
	p.first(t)
	defer func() {
		p.tls.Connections = p.made + unused()
		standings(p.tls)
	}()
	if t.Depth == report.Quick {
		if t.First == nil && t.Rung != "" {
			p.everything(nil)
		}
		if t.OtherKey {
			p.anotherKey()
		}
		return p.tls, p.seen
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
	case "no-hybrid": // differs from the modern hello in nothing but its size
		intolerant := true
		out.Features.HybridIntolerant = &intolerant
	}
	if len(c.PeerCertificates) > 0 {
		leaf := c.PeerCertificates[0]
		p.leaves[sha256.Sum256(leaf.Raw)] = true
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
	if t.First != nil {
		p.riding = t.First.Version
	}
	stages := []stage{
		{"everything", nil, func() { p.everything(t.First) }},
		{"TLS1.2", []string{"everything"}, p.tls12},
		{"TLS1.1-and-below", []string{"TLS1.2" + firstAnswer}, p.older},
		{"leftovers", []string{"TLS1.2", "TLS1.1-and-below"}, p.leftovers},
		{"TLS1.3", nil, p.tls13},
		{"SSL2", []string{"TLS1.3"}, p.ssl2},
		{"other-key-type", []string{"TLS1.3", "leftovers"}, p.otherKeyType},
		{"preference", []string{"TLS1.2"}, p.preference},
		{"weak-hash", []string{"TLS1.2"}, p.weakHash},
		{"curves", []string{"TLS1.3", "TLS1.2"}, p.curves},
		{"tolerance", []string{"TLS1.3", "TLS1.2"}, p.tolerance},
		{"fallback", []string{"TLS1.1-and-below"}, p.fallback},
		{"resumption", []string{"TLS1.3"}, func() { p.resumption(true) }},
		{"older-resumption", []string{"TLS1.3", "TLS1.2"}, func() { p.resumption(false) }},
	}
	if p.full { // when all that is worth more has been asked
		before := make([]string, len(stages))
		for i, s := range stages {
			before[i] = s.name
		}
		stages = append(stages, stage{"each-version", before, p.eachVersion})
	}
	p.conduct(stages)
	p.assure()
	p.settleStrays()
	p.order()
}

// order puts everything best first; suites of one version in the server's own order where
// it has one. Groups come in the registry's order, for the stages find them in any.
func (p *prober) order() {
	id := func(name string) uint16 {
		g, _ := hello.GroupNamed(name) // a prime of the server's own is in no registry
		return g.ID
	}
	slices.SortStableFunc(p.tls.Groups, func(a, b string) int { return cmp.Compare(id(a), id(b)) })
	slices.SortStableFunc(p.tls.KeyExchange, func(a, b report.Exchange) int {
		return cmp.Or(cmp.Compare(id(a.Name), id(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	slices.Sort(p.tls.DHGroups)
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
