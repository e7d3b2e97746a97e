package outgoing

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"strings"
	"time"
)

// errTLS says that a server offers no TLS, or that it came to nothing.
var errTLS = errors.New("no TLS")

// hand gives the message to a mail server. Where TLS comes to nothing and nothing demands it, it goes
// out in clear.
func (s *server) hand(ctx context.Context, at netip.AddrPort, d demand, to string) error {
	if !s.Never {
		err := s.converse(ctx, at, d, to, true)
		if d.tls || !errors.Is(err, errTLS) {
			return err
		}
	}
	return s.converse(ctx, at, d, to, false)
}

// converse is one conversation with a mail server.
func (s *server) converse(ctx context.Context, at netip.AddrPort, d demand, to string, encrypted bool) error {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: s.From.AsSlice()}}
	c, err := dialer.DialContext(ctx, "tcp", at.String())
	if err != nil {
		return err
	}
	defer func() { c.Close() }()
	if end, ok := ctx.Deadline(); ok {
		c.SetDeadline(end)
	}
	t := textproto.NewConn(c)
	if _, _, err := t.ReadResponse(220); err != nil {
		return fmt.Errorf("greeting of %v: %w", at, err)
	}
	offers, err := say(t, 250, "EHLO mail.%s.test", s.ID)
	if err != nil {
		return err
	}
	if encrypted {
		if c, err = s.encrypt(c, t, d, offers); err != nil {
			return err
		}
		t = textproto.NewConn(c)
		if _, err := say(t, 250, "EHLO mail.%s.test", s.ID); err != nil {
			return err
		}
	}
	return s.message(t, to)
}

// encrypt agrees on TLS with a server, and looks whether it fulfils what is demanded.
func (s *server) encrypt(c net.Conn, t *textproto.Conn, d demand, offers string) (net.Conn, error) {
	if !strings.Contains("\n"+offers+"\n", "\nSTARTTLS\n") {
		say(t, 221, "QUIT")
		return c, fmt.Errorf("%w: STARTTLS is not offered", errTLS)
	}
	if _, err := say(t, 220, "STARTTLS"); err != nil {
		say(t, 221, "QUIT")
		return c, fmt.Errorf("%w: %w", errTLS, err)
	}
	var misfit error
	inside := tls.Client(c, &tls.Config{ServerName: d.name, MinVersion: s.Oldest,
		InsecureSkipVerify: true, // what is verified is the kind's own affair
		VerifyConnection: func(state tls.ConnectionState) error {
			if d.fits != nil {
				misfit = d.fits(state)
			}
			return misfit
		}})
	err := inside.Handshake()
	if misfit != nil {
		return c, misfit
	}
	if err != nil {
		return c, fmt.Errorf("%w: %w", errTLS, err)
	}
	return inside, nil
}

// message hands over the message, with the parameters that Postfix gives: it is what can be set up to
// send in any of these ways.
func (s *server) message(t *textproto.Conn, to string) error {
	text := fmt.Sprintf("Date: %s\r\nFrom: <me@%s.test>\r\nTo: <%s>\r\nSubject: Test of my mail server\r\n\r\nOne line is enough.\r\n.", time.Now().Format(time.RFC1123Z), s.ID, to)
	for _, step := range []struct {
		code int
		line string
	}{
		{250, fmt.Sprintf("MAIL FROM:<me@%s.test> SIZE=%d", s.ID, len(text))},
		{250, fmt.Sprintf("RCPT TO:<%s> ORCPT=rfc822;%s", to, to)},
		{354, "DATA"},
		{250, text},
	} {
		if _, err := say(t, step.code, "%s", step.line); err != nil {
			return err
		}
	}
	say(t, 221, "QUIT") // the message is there, whatever is said now
	return nil
}

// say sends a line, and reads the reply, which has to have that code.
func say(t *textproto.Conn, code int, format string, args ...any) (string, error) {
	if err := t.PrintfLine(format, args...); err != nil {
		return "", err
	}
	_, reply, err := t.ReadResponse(code)
	if err != nil {
		verb, _, _ := strings.Cut(fmt.Sprintf(format, args...), " ")
		return "", fmt.Errorf("reply to %.10s: %w", verb, err)
	}
	return reply, nil
}
