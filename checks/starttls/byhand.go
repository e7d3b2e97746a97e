package starttls

import (
	"errors"
	"io"
	"net"
	"strings"

	"mxseal/checks/internal/hello"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// errNoCertificate: our own hello does not look at the certificate, but no library finds a
// key in this one.
var errNoCertificate = errors.New("what the server sends as its certificate is none")

// byHand tries a hello of our own making, for what the library has given up or never had and
// senders have: Diffie-Hellman in a prime field, signatures with SHA-1, keys for RSA-PSS or
// Ed448, certificates that it does not parse.
func (l *ladder) byHand(name report.Hello, h *hello.Hello) {
	if !l.connected() {
		return
	}
	defer func() { l.session.Quit() }()
	step := report.Rung{Hello: name}
	flight, err := l.shake(h)
	if flight != nil && flight.Suite != 0 {
		agreed(&step, flight)
	}
	shaken := err == nil
	var keywords []string
	if shaken {
		keywords, _, err = l.session.Hello()
	}
	var e *smtp.Error
	errors.As(err, &e)
	_, today := hello.StackOf(string(name))
	switch {
	case today && errors.Is(err, hello.ErrNotUsed) && flight.Version <= hello.TLS12 && flight.Complete:
		// The server has said all that it says before it waits for the client. A sender that
		// offers the cipher goes on where we stop for want of it.
		step.OK, step.Kind = true, report.KindUnfinished
		l.seen.Ladder = append(l.seen.Ladder, step)
		l.works = true
		l.long(flight.Version, flight.Certificates)
	case shaken && holds(e):
		step.OK = true
		l.seen.Ladder = append(l.seen.Ladder, step)
		l.worked(keywords, err)
		l.long(flight.Version, flight.Certificates)
	default:
		if errors.Is(err, errNoCertificate) {
			l.blind = nil // our library is right
		}
		l.failed(fault(step, e, err), err)
	}
}

// shake makes the handshake of a hello. The flight is what was seen of it, also where it fails.
func (l *ladder) shake(h *hello.Hello) (flight *hello.Flight, err error) {
	err = l.session.SecureBy(func(conn net.Conn) (io.ReadWriter, string, error) {
		var err error
		if flight, err = h.Exchange(conn); err != nil {
			return nil, "", err
		}
		inside, err := flight.Finish(conn)
		if err != nil {
			return nil, "", err
		}
		if len(flight.Certificates) > 0 && !hello.IsCertificate(flight.Certificates[0]) {
			return nil, "", errNoCertificate
		}
		return inside, hello.VersionName(flight.Version) + " " + hello.SuiteOf(flight.Suite).Name, nil
	})
	return flight, err
}

// fault adds to a step how it failed.
func fault(step report.Rung, e *smtp.Error, err error) report.Rung {
	step.Kind, step.Statement = e.Kind, e.Statement
	var alert *hello.Alert
	if errors.As(err, &alert) {
		step.Alert, step.Kind = int(alert.Code), report.KindAlert
	}
	var limit *hello.LimitError
	switch {
	case errors.Is(err, hello.ErrNotUsed):
		step.Kind = report.KindUnfinished
	case errors.Is(err, errNoCertificate):
		step.Kind = report.KindCertificate
	case errors.As(err, &limit):
		step.Kind = report.KindLimit
	}
	if ours := errors.Unwrap(err); ours != nil && strings.HasPrefix(ours.Error(), "hello: ") {
		step.Statement = report.Say(report.SaysNetworkError, "error", strings.TrimPrefix(ours.Error(), "hello: "))
	}
	return step
}

// agreed notes what the two sides would speak.
func agreed(step *report.Rung, f *hello.Flight) {
	step.Version, step.Cipher = report.Version(hello.VersionName(f.Version)), hello.SuiteOf(f.Suite).Name
	if f.Group != 0 {
		step.Group = hello.GroupOf(f.Group).Name
	}
	scheme := f.Scheme
	if k := f.KeyExchange; k != nil {
		scheme = k.Scheme
		if f.Group == 0 && len(k.P) > 0 {
			step.DHBits = k.Bits
		}
	}
	if scheme != 0 {
		step.Scheme = hello.SchemeOf(scheme).Name
	}
}
