package starttls

import (
	"errors"
	"io"
	"net"
	"slices"
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
func (l *ladder) byHand(name string, h *hello.Hello) {
	if !l.connected() {
		return
	}
	defer func() { l.session.Quit() }()
	step := report.Rung{Hello: name}
	var flight *hello.Flight
	err := l.session.SecureBy(func(conn net.Conn) (io.ReadWriter, string, error) {
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
	_, today := hello.StackOf(name)
	if today && errors.Is(err, hello.ErrNotUsed) && flight.Version <= hello.TLS12 && flight.Complete {
		// The server has said all that it says before it waits for the client. A sender that
		// offers the cipher goes on where we stop for want of it.
		step.OK, step.Kind = true, "unfinished"
		l.seen.Ladder = append(l.seen.Ladder, step)
		l.works = true
		l.long(flight.Version, flight.Certificates)
		return
	}
	if shaken && holds(e) {
		step.OK = true
		l.seen.Ladder = append(l.seen.Ladder, step)
		l.worked(keywords, err)
		l.long(flight.Version, flight.Certificates)
		return
	}
	step.Kind = e.Kind
	var alert *hello.Alert
	if errors.As(err, &alert) {
		step.Alert, step.Kind = int(alert.Code), "alert"
	}
	var limit *hello.LimitError
	if errors.As(err, &limit) {
		step.Kind = "limit"
	}
	step.Error = e.Text
	if ours := errors.Unwrap(err); ours != nil && strings.HasPrefix(ours.Error(), "hello: ") {
		step.Error = report.Clean(strings.TrimPrefix(ours.Error(), "hello: "), 256)
	}
	switch {
	case errors.Is(err, hello.ErrNotUsed):
		step.Kind = "unfinished"
	case errors.Is(err, errNoCertificate):
		step.Kind, l.blind = "certificate", nil // our library is right
	}
	l.failed(step, err)
}

// agreed notes what the two sides would speak.
func agreed(step *report.Rung, f *hello.Flight) {
	step.Version, step.Cipher = hello.VersionName(f.Version), hello.SuiteOf(f.Suite).Name
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

// anyHello offers TLS 1.3 to 1.0 with every suite that encrypts by 112 bits or more, sound
// ones first, and every group and signature scheme there is.
func anyHello(host string) *hello.Hello {
	h := &hello.Hello{
		Version: hello.TLS12, Versions: []uint16{hello.TLS13, hello.TLS12, hello.TLS11, hello.TLS10},
		Groups: []uint16{hello.X25519, hello.P256, hello.P384, 25, 30, 256, 257, 258, 259, 260}, Share: hello.X25519,
		Ask: []uint16{hello.ExtExtendedMasterSecret, hello.ExtRenegotiationInfo},
	}
	for _, g := range hello.Groups {
		if g.Bits >= 224 && !g.MLKEM && !slices.Contains(h.Groups, g.ID) {
			h.Groups = append(h.Groups, g.ID)
		}
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
