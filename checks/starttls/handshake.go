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
		v.seen.STARTTLS = report.Works
		return l.inside
	case v.seen.ClientCert == report.ClientCertRequired:
	case l.stopped != nil:
		return l.stopped
	case l.hang != nil:
		return l.hang
	case l.blind != nil:
		return l.blind
	}
	v.seen.STARTTLS = report.HandshakeFailed
	return nil
}

// explain finds out why the modern hello failed, and who does without it.
func (l *ladder) explain() {
	if first := l.seen.Ladder[0]; first.Kind == report.KindProtocol && first.Of != nil && strings.Contains(first.Of.Params["error"], "invalid signature by the server") {
		return // the key is not that of the certificate, which our own hellos would not notice
	}
	if l.blind == nil { // else no hello of the library's can do better
		l.findCause()
	}
	for _, s := range hello.Stacks {
		if !s.Parses && l.open() {
			l.byHand(report.Hello(s.ID), s.Hello(l.Host))
		}
	}
	if !l.works && l.seen.Ladder[0].Kind != report.KindUnsupported && l.open() {
		l.try(everySuite)
	}
	if !l.works && l.open() {
		l.byHand(report.HelloAnySuite, anyHello(l.Host))
	}
}

// findCause tries the hellos of the library until one works.
func (l *ladder) findCause() {
	for _, r := range causes {
		if l.open() && !l.works {
			l.try(r)
		}
	}
	if l.works && Worked(l.seen.Ladder) == report.HelloNoHybrid && l.hangs == 0 && l.open() {
		l.try(modern) // once may be chance
	}
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
		l.seen.ClientCert = report.ClientCertAsked
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
		l.seen.ClientCert = report.ClientCertRequired
	}
	l.failed(report.Rung{Hello: r.name, Statement: e.Statement, Alert: e.Alert, Kind: e.Kind}, err)
}

// wantsCertificate reports whether a conversation that ended so did it for want of a client
// certificate, given that the server had asked for one. OpenSSL's way is an alert, or the end
// of the connection. Postfix ends the handshake as if nothing were amiss and then answers
// whatever comes first by “421 4.7.1 … No client certificate presented”.
func wantsCertificate(e *smtp.Error) bool {
	switch {
	case e == nil:
		return false
	case e.Kind == report.KindReply:
		return strings.Contains(strings.ToLower(e.Reply.String()), "certificate")
	}
	return e.Kind == report.KindAlert || e.Kind == report.KindClosed || e.Kind == report.KindReset
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
