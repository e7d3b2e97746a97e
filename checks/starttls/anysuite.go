package starttls

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// anySuite is the last rung: our own hello, with what the library of this program has given
// up and senders that take any encryption over none still have: Diffie-Hellman in a prime
// field, RSA keys that are too short, anonymous suites. The error is why it could not be
// tried.
func (v *visit) anySuite(ctx context.Context) (works bool, err error) {
	session, err := smtp.UpToTLS(ctx, v.Peer, v.Config)
	if err != nil {
		return false, err
	}
	defer session.Quit()
	step := report.Rung{Hello: "any-suite"}
	defer func() { v.seen.Ladder = append(v.seen.Ladder, step) }()
	var flight *hello.Flight
	err = session.SecureBy(func(conn net.Conn) (io.ReadWriter, string, error) {
		var err error
		if flight, err = anyHello(v.Host).Exchange(conn); err != nil {
			return nil, "", err
		}
		inside, err := flight.Finish(conn)
		if err != nil {
			return nil, "", err
		}
		return inside, hello.VersionName(flight.Version) + " " + hello.SuiteOf(flight.Suite).Name, readable(flight)
	})
	var keywords []string
	if err == nil {
		keywords, _, err = session.Hello()
	}
	if err != nil {
		var alert *hello.Alert
		if errors.As(err, &alert) {
			step.Alert = int(alert.Code)
		}
		step.Error = err.Error()
		return false, nil
	}
	switch flight.Version {
	case hello.TLS11:
		step.Hello = "tls11"
	case hello.TLS10:
		step.Hello = "tls10"
	}
	step.OK, v.seen.EHLOTLS = true, keywords
	return true, nil
}

// readable is an error where the certificate cannot be parsed: our hello does not mind, but
// no more can be told of what senders make of it.
func readable(f *hello.Flight) error {
	if len(f.Certificates) == 0 {
		return nil // an anonymous suite
	}
	if _, err := x509.ParseCertificate(f.Certificates[0]); err != nil {
		return fmt.Errorf("the certificate cannot be parsed: %w", err)
	}
	return nil
}

// anyHello offers TLS 1.3 to 1.0 with every suite that encrypts by 112 bits or more, sound
// ones first.
func anyHello(host string) *hello.Hello {
	h := &hello.Hello{
		Version: hello.TLS12, Versions: []uint16{hello.TLS13, hello.TLS12, hello.TLS11, hello.TLS10},
		Groups: []uint16{hello.X25519, hello.P256, hello.P384, 25}, Share: hello.X25519,
		Ask: []uint16{hello.ExtExtendedMasterSecret, hello.ExtRenegotiationInfo},
	}
	if net.ParseIP(host) == nil {
		h.ServerName = host
	}
	for _, s := range hello.Schemes {
		h.Schemes = append(h.Schemes, s.ID)
	}
	offer := func(version uint16, wanted func(hello.Suite) bool) {
		for _, s := range hello.Offers(version) {
			if s.Bits >= 112 && !s.Export && s.Cipher != "RC2" && wanted(s) && !slices.Contains(h.Suites, s.ID) {
				h.Suites = append(h.Suites, s.ID)
			}
		}
	}
	sound := func(s hello.Suite) bool { return s.Cipher == "AES" || s.Cipher == "CHACHA20" }
	named := func(s hello.Suite) bool { return s.Auth != "anon" }
	offer(hello.TLS13, sound)
	offer(hello.TLS12, func(s hello.Suite) bool { return sound(s) && named(s) })
	offer(hello.TLS12, named)
	offer(hello.TLS12, func(hello.Suite) bool { return true })
	return h
}
