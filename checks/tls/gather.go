// Package tls asks how good the encryption is that a mail server offers after STARTTLS:
// protocol versions, cipher suites, key exchange, and what the handshake tells on the side.
package tls

import (
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
	"mxseal/checks/tls/class"
	"mxseal/checks/tls/probe"
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

// Connections one address may cost in all, those of the ordinary conversation included.
const (
	budgetStandard = 28
	budgetFull     = 120
	ordinary       = 2 // the ordinary conversation and the one beside it
)

func budget(depth report.Depth) int {
	if depth == report.Full {
		return budgetFull
	}
	return budgetStandard
}

// slowGreeting is from when on connections are opened ahead, to wait side by side.
const slowGreeting = 2 * time.Second

// ahead is how many connections may wait for the greeting while others talk. At full depth, where
// there are a hundred, a third of the time of each would be spent on that.
func ahead(t Target) int {
	switch {
	case t.Greeting > slowGreeting:
		return egress.Porch
	case t.Depth == report.Full:
		return 2
	}
	return 0
}

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
	if width := ahead(t); width > 0 {
		queue := smtp.NewQueue(ctx, t.Peer, t.Config, width)
		upToTLS, unused = queue.UpToTLS, queue.Close
	}
	line := probe.New(ctx, budget(t.Depth)-max(ordinary, t.Peer.Connections()), func(ctx context.Context, more int) (net.Conn, error) {
		s, err := upToTLS(ctx, more)
		if err != nil {
			return nil, err
		}
		return raw{s.Raw(), s}, nil
	})
	line.SlowGreeting = t.Greeting > slowGreeting
	l := newLook(line, t.Depth, serverName(t.Host, t.Rung))
	l.describe = t.Describe
	l.first(t)
	defer func() {
		l.tls.Probes, l.tls.Connections = line.Probes, line.Made()+unused()
	}()
	if t.Depth == report.Quick {
		if t.First == nil && t.Rung != "" {
			l.everything(nil)
		}
		if t.OtherKey {
			l.anotherKey()
		}
		return l.tls, l.seen
	}
	l.run(t)
	return l.tls, l.seen
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
func (l *look) first(t Target) {
	c := t.First
	if c == nil {
		return
	}
	out := l.tls
	group := hello.GroupOf(uint16(c.CurveID))
	out.Version = hello.VersionName(c.Version)
	out.Cipher = hello.SuiteOf(c.CipherSuite).Name
	if c.CurveID != 0 {
		out.Group = group.Name
		l.group(group.ID, c.Version)
	}
	l.version(c.Version)
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
			l.refuse(hello.TLS13)
		}
	case "no-hybrid": // differs from the modern hello in nothing but its size
		intolerant := true
		out.Features.HybridIntolerant = &intolerant
	}
	if len(c.PeerCertificates) > 0 {
		leaf := c.PeerCertificates[0]
		l.leaves[sha256.Sum256(leaf.Raw)] = true
		l.auths[keyType(leaf)] = true
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
func (l *look) run(t Target) {
	switch {
	case t.First == nil:
	case t.First.Version >= tls.VersionTLS13:
		l.Permissive = l.usual()
	default:
		l.Permissive = l.classic(t.First.Version, class.IDs(class.WeakestFirst(t.First.Version)))
	}
	l.odd.pending = l.everyOddity()
	if t.First != nil {
		l.odd.version = t.First.Version
	}
	l.Run(l.stages(t))
	l.Assure()
	l.settleNameless()
}

// stages lists the questions, what is worth most first, and what each has to wait for.
func (l *look) stages(t Target) []probe.Stage {
	stages := []probe.Stage{
		{Name: "everything", Ask: func() { l.everything(t.First) }},
		{Name: all12, After: []string{"everything"}, Ask: l.tls12},
		{Name: "TLS1.1-and-below", After: []string{answered12}, Ask: l.older},
		{Name: "leftovers", After: []string{all12, "TLS1.1-and-below"}, Ask: l.leftovers},
		{Name: "TLS1.3", Ask: func() { l.row(l.tls13) }},
		{Name: "SSL2", After: []string{"TLS1.3"}, Ask: l.ssl2},
		{Name: "other-key-type", After: []string{"TLS1.3", "leftovers"}, Ask: l.otherKeyType},
		{Name: "preference", After: []string{all12}, Ask: l.preference},
		{Name: "weak-hash", After: []string{all12}, Ask: l.weakHash},
		{Name: "curves", After: []string{"TLS1.3", all12}, Ask: l.curves},
		{Name: "tolerance", After: []string{"TLS1.3", all12}, Ask: l.tolerance},
		{Name: "fallback", After: []string{"TLS1.1-and-below"}, Ask: l.fallback},
		{Name: "resumption", After: []string{"TLS1.3"}, Ask: func() { l.resumption(true) }},
		{Name: "older-resumption", After: []string{"TLS1.3", all12}, Ask: func() { l.resumption(false) }},
	}
	if l.full { // when all that is worth more has been asked
		before := make([]string, len(stages))
		for i, s := range stages {
			before[i] = s.Name
		}
		stages = append(stages, probe.Stage{Name: "each-version", After: before, Ask: l.eachVersion})
	}
	return stages
}
