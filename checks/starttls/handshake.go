package starttls

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"

	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// rung is one kind of ClientHello. Certificates are not verified here: what was sent is
// evidence, judged elsewhere.
type rung struct {
	name string
	set  func(*tls.Config)
}

// ladder is tried from the top until a handshake works; what worked names the cause
// (RULES appendix F). The first is what a modern sender says.
var ladder = []rung{
	{"modern", func(c *tls.Config) { c.MinVersion = tls.VersionTLS12 }},
	{"small-tls12", func(c *tls.Config) {
		c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
		c.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}
	}},
	{"all-tls12", func(c *tls.Config) {
		c.MinVersion, c.MaxVersion, c.CipherSuites = tls.VersionTLS12, tls.VersionTLS12, everySuite()
	}},
	{"tls11", func(c *tls.Config) {
		c.MinVersion, c.MaxVersion, c.CipherSuites = tls.VersionTLS11, tls.VersionTLS11, everySuite()
	}},
	{"tls10", func(c *tls.Config) {
		c.MinVersion, c.MaxVersion, c.CipherSuites = tls.VersionTLS10, tls.VersionTLS10, everySuite()
	}},
	{"no-sni", func(c *tls.Config) { c.MinVersion, c.ServerName = tls.VersionTLS12, "" }},
}

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

// everySuite lists all suites of TLS 1.2 and below that crypto/tls knows, sound ones first.
func everySuite() []uint16 {
	var ids []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, s.ID)
	}
	return ids
}

// climb tries the ladder, on the present session first and then on a connection each. It
// sets STARTTLS unless the ladder could not be climbed to its end.
func (v *visit) climb(ctx context.Context) error {
	var hangs int
	var blind *smtp.Error // our own library stood in the way
	for i, r := range ladder {
		if i > 0 {
			next, err := smtp.UpToTLS(ctx, v.Peer, v.Config)
			if err != nil {
				return err
			}
			v.session = next
		}
		err := v.handshake(ctx, r)
		if v.state != nil && v.Secured != nil {
			v.Secured(v.state, v.seen)
		}
		v.session.Quit()
		if v.state != nil {
			v.seen.STARTTLS = "ok"
			return err
		}
		if v.seen.ClientCert == "required" {
			break
		}
		var e *smtp.Error
		switch errors.As(err, &e); e.Kind {
		case "unsupported":
			blind = e
		case "timeout":
			// Some hang on a hello they do not like. Twice is a server that hangs.
			if hangs++; hangs == 2 || ctx.Err() != nil {
				return err
			}
		}
	}
	if v.seen.ClientCert != "required" {
		works, err := v.anySuite(ctx)
		switch {
		case works:
			v.seen.STARTTLS = "ok"
			return nil
		case blind != nil:
			return blind
		case err != nil:
			return err
		}
	}
	v.seen.STARTTLS = "handshake-failed"
	return nil
}

// handshake tries one rung and, when it works, says EHLO inside TLS: only then is it
// known that the server accepted its end of the handshake. State is set if it did; the
// error is why not, or why the conversation inside TLS ended.
func (v *visit) handshake(ctx context.Context, r rung) error {
	asked := false
	state, err := v.session.StartTLS(ctx, r.config(v.Host, &asked))
	shaken := err == nil
	var keywords []string
	if shaken {
		keywords, _, err = v.session.Hello()
	}
	if asked {
		v.seen.ClientCert = "asked"
	}
	var e *smtp.Error
	errors.As(err, &e)
	turnedAway := asked && wantsCertificate(e)
	done := shaken && !turnedAway && (e == nil || e.Kind == "reply" || e.Kind == "timeout" || e.Kind == "protocol" || e.Kind == "limit")
	step := report.Rung{Hello: r.name, OK: done}
	if done {
		v.state, v.seen.EHLOTLS = &state, keywords
	} else {
		step.Error, step.Alert = e.Text, e.Alert
		if turnedAway {
			v.seen.ClientCert = "required"
		}
	}
	v.seen.Ladder = append(v.seen.Ladder, step)
	return err
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
