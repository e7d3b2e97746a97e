// Package smtp holds a polite conversation with a mail server (RFC 5321, RFC 3207).
//
// It greets, says EHLO, asks for STARTTLS and always ends with QUIT where it can. It never
// names a recipient and never sends a message. Lines, replies, bytes and time are bounded,
// what the server says is cleaned, and every line is kept in a transcript.
package smtp

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

// Config says how to introduce ourselves and how long to wait.
type Config struct {
	HELO    string        // name given in EHLO
	Banner  time.Duration // for the whole greeting; 60 s if zero
	Command time.Duration // for one reply; 30 s if zero
	Session time.Duration // for everything; 180 s if zero
}

// Reply is one reply of the server, its lines cleaned and without their codes.
type Reply struct {
	Code  int
	Lines []string
}

// Session is one connection. It is not safe for concurrent use.
type Session struct {
	Transcript []report.Line
	Oddities   []string // long-line, bare-lf, non-ascii, no-code, mixed-codes
}

// Error says in which phase a conversation ended and why. Reply is set when the server
// ended it by words.
type Error struct {
	report.Failure
	Reply Reply
	Err   error
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.Err }

// Dial connects and reads the greeting to its last line. A greeting other than 220 is an
// *Error of kind reply.
func Dial(ctx context.Context, peer *egress.Peer, cfg Config) (*Session, error) {
	panic("not built yet")
}

// Hello says EHLO, or HELO where EHLO is unknown, and returns the keywords with their parameters.
func (s *Session) Hello() (keywords []string, helo bool, err error) { panic("not built yet") }

// Command sends one line and reads the reply; every reply with a code is no error.
func (s *Session) Command(line string) (Reply, error) { panic("not built yet") }

// StartTLS performs a TLS handshake as a client, after the 220 to STARTTLS.
func (s *Session) StartTLS(ctx context.Context, cfg *tls.Config) (tls.ConnectionState, error) {
	panic("not built yet")
}

// Raw hands over the connection, with what was already read of it, to speak TLS by hand.
func (s *Session) Raw() net.Conn { panic("not built yet") }

// Quit says QUIT, waits briefly for the answer and closes.
func (s *Session) Quit() { panic("not built yet") }

// Close ends the connection without a word.
func (s *Session) Close() error { panic("not built yet") }
