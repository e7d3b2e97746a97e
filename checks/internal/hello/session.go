package hello

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// ErrNotUsed says that the handshake cannot go on because we lack what it takes, on purpose
// for what nobody should use, or that the answer was no complete flight.
var ErrNotUsed = errors.New("hello: a suite or group that is only asked for")

var errFinished = &FormatError{What: "a Finished message that does not fit the handshake"}

// Session is a finished handshake: what is written goes out encrypted, and the server's
// answers are read. It is not safe for concurrent use; deadlines are those of the connection.
type Session struct {
	Tickets []*Ticket // sessions the server would take up again, as far as read

	flight       *Flight
	rw           io.ReadWriter
	out          *protection
	master       []byte // up to TLS 1.2
	resumption   []byte // in TLS 1.3
	clientVerify []byte // of our Finished
	rest         []byte // data read and not yet asked for
}

// maxTickets is how many tickets of one session are kept.
const maxTickets = 8

// Write sends application data, at most 16 KiB at a time.
func (s *Session) Write(b []byte) (int, error) {
	n := 0
	for part := range slices.Chunk(b, 1<<14) {
		if _, err := s.rw.Write(s.out.seal(recordData, part)); err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, nil
}

// Read returns application data. On the way it collects tickets. The server's close_notify
// is io.EOF; another alert is an *Alert.
func (s *Session) Read(b []byte) (int, error) {
	for len(s.rest) == 0 {
		kind, body, err := s.flight.in.content()
		var alert *Alert
		switch {
		case errors.As(err, &alert) && alert.Code == 0:
			return 0, io.EOF
		case err != nil:
			return 0, err
		case kind == recordData && len(body) == 0: // TLS 1.0 servers begin so (RFC 5246 appendix F.3)
			if s.flight.in.empty++; s.flight.in.empty > maxEmpty {
				return 0, &FormatError{What: "record after record without data"}
			}
		case kind == recordData:
			s.rest = body
		case kind == recordHandshake:
			if err := s.handshake(body); err != nil {
				return 0, err
			}
		default:
			return 0, &FormatError{What: fmt.Sprintf("a record of content type %d inside the session", kind)}
		}
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// handshake takes messages that come after the handshake.
func (s *Session) handshake(body []byte) error {
	in := s.flight.in
	in.buf = append(in.buf, body...)
	if len(in.buf) > maxInside {
		return &FormatError{What: fmt.Sprintf("a handshake message of more than %d bytes", maxInside)}
	}
	for in.whole() {
		kind, body, err := in.next()
		switch {
		case err != nil:
			return err
		case kind == msgNewSessionTicket && s.flight.Version == TLS13:
			t, ok := newTicket13(SuiteOf(s.flight.Suite), s.resumption, cryptobyte.String(body))
			if !ok {
				return malformed("a malformed handshake message", kind, body)
			}
			t.Group = s.flight.Group
			if len(s.Tickets) < maxTickets {
				s.Tickets = append(s.Tickets, t)
			}
		case kind == msgHelloRequest && s.flight.Version < TLS13: // may be ignored (RFC 5246 §7.4.1.1)
		default:
			return malformed("an unexpected handshake message", kind, body)
		}
	}
	return nil
}

// Renegotiate asks once, as a client, for a new handshake inside the session (RFC 5746
// §3.5). It reports whether the server went along; the session is at an end then. Otherwise
// a nil error means that it said no and the session goes on. It is for TLS 1.0 to 1.2.
func (s *Session) Renegotiate() (bool, error) {
	f := s.flight
	if f.Version >= TLS13 {
		return false, ErrNotUsed
	}
	h := *f.sent.hello
	h.Resume = nil
	h.Suites = []uint16{f.Suite}
	h.renegotiation = s.clientVerify
	again, err := h.build(nil, nil)
	if err != nil {
		return false, err
	}
	if _, err := s.rw.Write(s.out.seal(recordHandshake, again.message)); err != nil {
		return false, err
	}
	const noRenegotiation = 100
	for range maxEmpty {
		kind, body, err := f.in.read()
		switch {
		case err != nil:
			return false, err
		case kind == recordAlert && len(body) == 2 && body[1] == noRenegotiation && body[0] == 1:
			return false, nil
		case kind == recordAlert && len(body) == 2:
			return false, &Alert{Code: body[1]}
		case kind == recordHandshake && len(body) > 0 && body[0] == msgServerHello:
			return true, nil
		case kind == recordHandshake && len(body) > 0 && body[0] == msgHelloRequest:
		default:
			return false, &FormatError{What: fmt.Sprintf("a record of content type %d in answer to a renegotiation", kind), Head: slices.Clone(body[:min(len(body), 64)])}
		}
	}
	return false, &FormatError{What: "record after record without a message"}
}

func changeCipherSpec(version uint16) []byte {
	return []byte{recordChangeCipherSpec, byte(version >> 8), byte(version), 0, 1, 1}
}

// wrap puts the header of a handshake message before its body.
func wrap(kind uint8, body []byte) []byte {
	n := len(body)
	return append([]byte{kind, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}
