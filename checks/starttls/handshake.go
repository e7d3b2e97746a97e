package starttls

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"mxseal/checks/internal/hello"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// rung is one kind of ClientHello that the library makes. Certificates are not verified here:
// what was sent is evidence, judged elsewhere.
type rung struct {
	name string
	set  func(*tls.Config)
}

// Modern is the name of the hello that a modern sender says. It takes two packets.
const Modern = "modern"

var modern = rung{Modern, func(c *tls.Config) { c.MinVersion = tls.VersionTLS12 }}

// causes are tried in this order once the modern hello has failed. Each differs in one thing,
// the first and the last from the modern hello and the second from the first, so that the one
// that works names the cause.
var causes = []rung{
	{"no-hybrid", func(c *tls.Config) { c.MinVersion, c.CurvePreferences = tls.VersionTLS12, smallGroups }},
	{"small-tls12", func(c *tls.Config) {
		c.MinVersion, c.MaxVersion, c.CurvePreferences = tls.VersionTLS12, tls.VersionTLS12, smallGroups
	}},
	{"no-sni", func(c *tls.Config) { c.MinVersion, c.ServerName = tls.VersionTLS12, "" }},
}

// smallGroups are all of the library's groups whose shares fit into a packet.
var smallGroups = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}

// everySuite offers what the library has and does not offer by itself: no sender of today
// does, but some of yesterday.
var everySuite = rung{"every-suite", func(c *tls.Config) {
	c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS12
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		c.CipherSuites = append(c.CipherSuites, s.ID)
	}
}}

// config is the rung's hello to a host. When the server asks for a client certificate
// none is sent, and asked is set.
func (r rung) config(host string, asked *bool) *tls.Config {
	c := &tls.Config{
		ServerName:         host,
		InsecureSkipVerify: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			*asked = true
			return new(tls.Certificate), nil
		},
	}
	r.set(c)
	return c
}

// tooManyHangs is after how many hellos without an answer a server is taken to hang.
const tooManyHangs = 3

// ladder is the way from the modern hello down to what a server bears.
type ladder struct {
	*visit
	ctx     context.Context
	begun   bool
	works   bool
	hangs   int
	hang    error // no answer to a hello: nobody knows what it would have been
	blind   error // our own library stood in the way
	stopped error // no connection came as far as a hello
	inside  error // why the talk inside TLS ended
}

// climb tries the modern hello. Where that fails it looks for the cause, then for who can
// deliver all the same: each sender of today in the words of its own (hello.Stacks). It sets
// STARTTLS unless that could not be found out. The present session serves the first try, a
// connection of its own each further one.
func (v *visit) climb(ctx context.Context) error {
	l := &ladder{visit: v, ctx: ctx}
	l.try(modern)
	if l.hangs == 1 && l.open() { // one packet may be lost: ask again
		v.Config.Command = l.session.Patience() / 2
		l.try(modern)
	}
	if !l.works && l.open() {
		l.explain()
	}
	if v.state != nil && v.Secured != nil {
		v.Secured(v.state, v.seen)
		v.state = Leaf(v.state)
	}
	switch {
	case l.works:
		v.seen.STARTTLS = "ok"
		return l.inside
	case v.seen.ClientCert == "required":
	case l.stopped != nil:
		return l.stopped
	case l.hang != nil:
		return l.hang
	case l.blind != nil:
		return l.blind
	}
	v.seen.STARTTLS = "handshake-failed"
	return nil
}

// explain finds out why the modern hello failed, and who does without it.
func (l *ladder) explain() {
	if first := l.seen.Ladder[0]; first.Kind == "protocol" && strings.Contains(first.Error, "invalid signature by the server") {
		return // the key is not that of the certificate, which our own hellos would not notice
	}
	if l.blind == nil { // else no hello of the library's can do better
		for _, r := range causes {
			if l.open() && !l.works {
				l.try(r)
			}
		}
		if l.works && Worked(l.seen.Ladder) == "no-hybrid" && l.hangs == 0 && l.open() {
			l.try(modern) // once may be chance
		}
	}
	for _, s := range hello.Stacks {
		if !s.Parses && l.open() {
			l.byHand(s.ID, s.Hello(l.Host))
		}
	}
	if !l.works && l.seen.Ladder[0].Kind != "unsupported" && l.open() {
		l.try(everySuite)
	}
	if !l.works && l.open() {
		l.byHand("any-suite", anyHello(l.Host))
	}
}

// open reports whether a further try makes sense.
func (l *ladder) open() bool {
	return l.stopped == nil && l.hangs < tooManyHangs && l.seen.ClientCert != "required" && l.ctx.Err() == nil
}

// connected gives the next try a connection.
func (l *ladder) connected() bool {
	if !l.begun {
		l.begun = true
		return true
	}
	next, err := smtp.UpToTLS(l.ctx, l.Peer, l.Config)
	if err != nil {
		if !l.works {
			l.stopped = err
		}
		return false
	}
	l.session = next
	return true
}

// try tries a hello of the library's and, when it works, says EHLO inside TLS: only then is
// it known that the server accepted its end of the handshake.
func (l *ladder) try(r rung) {
	if !l.connected() {
		return
	}
	defer func() { l.session.Quit() }()
	asked := false
	state, err := l.session.StartTLS(l.ctx, r.config(l.Host, &asked))
	shaken := err == nil
	var keywords []string
	if shaken {
		keywords, _, err = l.session.Hello()
	}
	if asked {
		l.seen.ClientCert = "asked"
	}
	var e *smtp.Error
	errors.As(err, &e)
	turnedAway := asked && wantsCertificate(e)
	if shaken && !turnedAway && holds(e) {
		l.seen.Ladder = append(l.seen.Ladder, report.Rung{Hello: r.name, OK: true})
		l.worked(keywords, err)
		if l.state == nil || r.name == modern.name {
			var list [][]byte
			for _, c := range state.PeerCertificates {
				list = append(list, c.Raw)
			}
			l.state = &state
			l.long(state.Version, list)
		}
		return
	}
	if turnedAway {
		l.seen.ClientCert = "required"
	}
	l.failed(report.Rung{Hello: r.name, Error: e.Text, Alert: e.Alert, Kind: e.Kind}, err)
}

// holds reports whether what came of the EHLO inside TLS shows that the server took our end of
// the handshake; nil is its answer.
func holds(e *smtp.Error) bool {
	return e == nil || e.Kind == "reply" || e.Kind == "timeout" || e.Kind == "protocol" || e.Kind == "limit"
}

// worked notes a handshake that held. What the first one shows inside counts. A server that
// does not know a second EHLO has shown all that it will; senders do not mind.
func (l *ladder) worked(keywords []string, err error) {
	var e *smtp.Error
	if errors.As(err, &e) && e.Kind == "reply" && e.Reply.Code/10 == 50 {
		err = nil
	}
	if !l.works {
		l.works, l.seen.EHLOTLS, l.inside = true, keywords, err
	}
}

// failed notes a handshake that did not.
func (l *ladder) failed(step report.Rung, err error) {
	l.seen.Ladder = append(l.seen.Ladder, step)
	switch step.Kind {
	case "unsupported":
		l.blind = err
	case "timeout":
		l.hangs++
		l.hang = err
	}
}

// wantsCertificate reports whether a conversation that ended so did it for want of a client
// certificate, given that the server had asked for one. OpenSSL's way is an alert, or the end
// of the connection. Postfix ends the handshake as if nothing were amiss and then answers
// whatever comes first by “421 4.7.1 … No client certificate presented”.
func wantsCertificate(e *smtp.Error) bool {
	switch {
	case e == nil:
		return false
	case e.Kind == "reply":
		return strings.Contains(strings.ToLower(e.Reply.String()), "certificate")
	}
	return e.Kind == "alert" || e.Kind == "closed" || e.Kind == "reset"
}

// Leaf returns a state with no more of its list of certificates than a stapled response takes to
// be read: the leaf and its issuer. The rest, which may be long, is let go.
func Leaf(state *tls.ConnectionState) *tls.ConnectionState {
	if state == nil {
		return nil
	}
	short := *state
	short.PeerCertificates = nil
	for _, c := range state.PeerCertificates[:min(len(state.PeerCertificates), 2)] {
		if own, err := x509.ParseCertificate(bytes.Clone(c.Raw)); err == nil { // c.Raw is a part of the whole list
			short.PeerCertificates = append(short.PeerCertificates, own)
		}
	}
	return &short
}

// long notes how long the list of certificates is where some sender may find it too long.
func (l *ladder) long(version uint16, list [][]byte) {
	octets := 3
	if version == hello.TLS13 {
		octets = 4 + 2*len(list)
	}
	for _, der := range list {
		octets += 3 + len(der)
	}
	const worthNoting = 32 << 10
	if octets > worthNoting {
		l.seen.CertificateOctets = max(l.seen.CertificateOctets, octets)
	}
}
