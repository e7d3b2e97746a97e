package starttls

import (
	"crypto/tls"
	"errors"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// Target is one address of a mail exchanger.
type Target struct {
	Peer   *egress.Peer
	Host   string // of the MX record: the server name of TLS (RFC 7672 §8.1, RFC 8461 §7.1)
	Config smtp.Config
	Depth  report.Depth
	// Injection is what a command slipped in behind STARTTLS came to earlier this day; it
	// is tried when empty, and not at depth quick.
	Injection report.Injection
	// Alone leaves out what is asked on a connection beside: the handshake is all.
	Alone bool
	// Secured is told of the first handshake that worked and of what was seen up to it;
	// Gather goes on once it returns. It may be nil.
	Secured func(state *tls.ConnectionState, seen *report.SMTP)
}

// failure is the evidence in an error of a conversation; nil for none.
func failure(err error) *report.Failure {
	var e *smtp.Error
	if !errors.As(err, &e) {
		return nil
	}
	return &e.Failure
}

// visit is what one look at an address has learnt so far.
type visit struct {
	Target
	session *smtp.Session // the present one
	seen    *report.SMTP
	state   *tls.ConnectionState
}
