package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

// RequestTLS asks for STARTTLS. After a 220 the server waits for a ClientHello; whatever
// it said beyond that line is put into Stray and discarded. Other codes of the same class
// are taken for a 220, as senders take them.
func (s *Session) RequestTLS() (Reply, error) {
	r, err := s.Command("STARTTLS")
	if err == nil && r.Code/100 == 2 {
		s.discardStray()
	}
	return r, err
}

// UpToTLS connects, says EHLO and asks for STARTTLS: the session waits for a ClientHello,
// by StartTLS or on Raw. Anything but a 220 is an *Error of kind reply. With an error the
// session is closed, or nil when no connection was made.
func UpToTLS(ctx context.Context, peer *egress.Peer, cfg Config) (s *Session, err error) {
	err = calmly(ctx, cfg, func() error {
		if s, err = Dial(ctx, peer, cfg); err == nil {
			err = s.upToTLS()
		}
		return err
	})
	return s, err
}

func (s *Session) upToTLS() error {
	_, helo, err := s.Hello()
	if err == nil && helo {
		err = s.refused(s.refusal)
	}
	if err == nil {
		var r Reply
		if r, err = s.RequestTLS(); err == nil && r.Code/100 != 2 {
			err = s.refused(r)
		}
	}
	if err != nil {
		s.Quit()
	}
	return err
}

// discardStray takes from the buffer what a man in the middle, or a broken server, put
// there to be read as part of the session inside TLS.
func (s *Session) discardStray() {
	n := s.replies.in.Buffered()
	if n == 0 {
		return
	}
	b, _ := s.replies.in.Peek(n)
	s.Stray = report.Clean(string(b), maxText)
	s.note(report.Server, s.Stray)
	s.remark(report.Say(report.SaysStrayDiscarded))
	s.replies.in.Discard(n)
}

// StartTLS performs a TLS handshake as a client, after the 220 to STARTTLS. The error is
// an *Error of phase handshake, with the alert when the server sent one.
func (s *Session) StartTLS(ctx context.Context, cfg *tls.Config) (tls.ConnectionState, error) {
	s.phase = report.PhaseHandshake
	s.discardStray()
	if err := s.within(s.cfg.Command); err != nil {
		return tls.ConnectionState{}, err
	}
	secure := tls.Client(s.Raw(), cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		return secure.ConnectionState(), s.fail(err)
	}
	s.out = secure
	s.replies.in = bufio.NewReaderSize(secure, maxLine)
	state := secure.ConnectionState()
	s.note(report.Remark, tls.VersionName(state.Version)+" "+tls.CipherSuiteName(state.CipherSuite))
	return state, nil
}

// SecureBy makes the session secure by other means than StartTLS: shake is given the
// connection, with the deadline of the handshake, and returns what to go on with inside and
// words for the transcript. The error is an *Error of phase handshake around that of shake.
func (s *Session) SecureBy(shake func(net.Conn) (inside io.ReadWriter, what string, err error)) error {
	s.phase = report.PhaseHandshake
	s.discardStray()
	if err := s.within(s.cfg.Command); err != nil {
		return err
	}
	inside, what, err := shake(s.Raw())
	if err != nil {
		return s.fail(err)
	}
	s.out = inside
	s.replies.in = bufio.NewReaderSize(inside, maxLine)
	s.note(report.Remark, what)
	return nil
}

// Raw hands over the connection, with what was already read of it, to speak TLS by hand.
// Its deadline is that of the last step; who needs more time sets another.
func (s *Session) Raw() net.Conn { return &buffered{Conn: s.conn, in: s.replies.in} }

// buffered reads a connection through the buffer that its first bytes went into.
type buffered struct {
	net.Conn
	in *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.in.Read(p) }
