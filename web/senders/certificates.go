package senders

import (
	"crypto/tls"

	"mxseal/checks/sender"
)

// Certificates are what our servers show. It is safe for concurrent use.
type Certificates interface {
	// Mail is that of honest mail servers, for *.ZONE, with its chain; nil before there is one.
	Mail() *tls.Certificate
	// Named are those that the zone names in TLSA records: that of Mail, and around a change both.
	Named() []*tls.Certificate
	// Expired is one for *.ZONE whose time is over; nil where there is none.
	Expired() *tls.Certificate
	// Policy is that of a policy host; nil where there is none.
	Policy(host string) *tls.Certificate
	// Challenge is what an authority looks for at a name of the zone: TXT records (RFC 8555 §8.4).
	Challenge(name string) []string
}

// configOf is the TLS configuration of a manner. Sessions are not resumed: each conversation shows
// everything anew.
func (s *Senders) configOf(m sender.Manner) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS10, SessionTicketsDisabled: true}
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.Certificates.Mail(), nil }
	switch m {
	case sender.Honest:
		c.ClientAuth = tls.RequestClientCert
	case sender.OwnCert:
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.own, nil }
	case sender.OldCert:
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.Certificates.Expired(), nil }
	case sender.TLS10:
		c.MaxVersion = tls.VersionTLS10
	}
	return c
}
