// Package mail takes TLS reports that senders deliver by mail (RFC 8460 §5.3). It is a mail server that has no
// mailboxes but inboxes for reports: TOKEN@DOMAIN. It relays nothing, bounces nothing, and keeps of a message
// only the reports in it.
//
// A message counts only with a DKIM signature that holds and is of the domain of its author: in a mail anybody
// can say that he is somebody's reporter.
package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"mxseal/checks/lab/serve"
	"mxseal/web/inbox"
	"mxseal/web/store"
)

const (
	waits        = time.Minute     // for the next line of a conversation
	conversation = 5 * time.Minute // all of one
	lookUp       = 20 * time.Second
	lineOctets   = 4096
)

// Config is what the server works with.
type Config struct {
	Inboxes     *inbox.Inboxes   // their Domain is that of the addresses, and the name of the server
	Certificate *tls.Certificate // for STARTTLS; nil where it is not offered
	// Texts is Engine.Texts: where the keys of DKIM are looked up.
	Texts func(ctx context.Context, name string) (texts []string, known bool)
	Log   *slog.Logger
}

// Server is that mail server.
type Server struct {
	cfg  Config
	smtp *smtp.Server
}

// New returns a server, which Serve lets in who comes.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg}
	s.smtp = smtp.NewServer(s)
	s.smtp.Domain = cfg.Inboxes.Domain
	s.smtp.MaxMessageBytes = inbox.Octets
	s.smtp.MaxLineLength = lineOctets
	s.smtp.MaxRecipients = 1 // each inbox has its own answer; the sender comes again for the next (RFC 5321 §4.5.3.1.10)
	s.smtp.ReadTimeout, s.smtp.WriteTimeout = waits, waits
	s.smtp.ErrorLog = slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug)
	if cfg.Certificate != nil {
		s.smtp.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*cfg.Certificate}, MinVersion: tls.VersionTLS12}
	}
	return s
}

// Serve serves who comes by a listener, which bounds how many there are at a time, until Close.
func (s *Server) Serve(l net.Listener) error {
	if err := s.smtp.Serve(hurried{l}); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
		return fmt.Errorf("take reports by mail: %w", err)
	}
	return nil
}

// Close ends all conversations.
func (s *Server) Close() error { return s.smtp.Close() }

// NewSession implements smtp.Backend.
func (s *Server) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }

// session is one conversation; token is of the inbox that a message is for.
type session struct {
	server *Server
	token  string
}

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Reset()                               { s.token = "" }
func (s *session) Logout() error                        { return nil }

// Rcpt takes no recipient but an inbox.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	ctx, cancel := context.WithTimeout(context.Background(), lookUp)
	defer cancel()
	token, domain, _ := strings.Cut(strings.ToLower(to), "@") // some senders write addresses in their own way
	if domain != s.server.cfg.Inboxes.Domain {
		return answer(550, smtp.EnhancedCode{5, 7, 1}, "this server takes TLS reports for "+s.server.cfg.Inboxes.Domain+" and relays nothing")
	}
	if err := s.server.cfg.Inboxes.Knows(ctx, token); err != nil {
		return s.answerTo(err)
	}
	s.token = token
	return nil
}

// Data takes the reports in a message, if its author has signed it.
func (s *session) Data(r io.Reader) error {
	ctx, cancel := context.WithTimeout(context.Background(), lookUp)
	defer cancel()
	text, err := io.ReadAll(r)
	if err != nil {
		return err // go-smtp's, with its answer: too large, or the connection is lost
	}
	if err := s.server.verify(ctx, text); err != nil {
		return s.answerTo(err)
	}
	return s.answerTo(s.server.cfg.Inboxes.Deliver(ctx, s.token, bytes.NewReader(text)))
}

// answerTo is what the sender hears of an error; nil for none.
func (s *session) answerTo(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return answer(550, smtp.EnhancedCode{5, 1, 1}, "there is no such inbox for TLS reports")
	case errors.Is(err, errUnsigned):
		return answer(550, smtp.EnhancedCode{5, 7, 20}, err.Error())
	case errors.Is(err, errNoKey):
		return answer(451, smtp.EnhancedCode{4, 7, 5}, err.Error())
	case errors.Is(err, inbox.ErrNotNamed):
		return answer(550, smtp.EnhancedCode{5, 7, 1}, inbox.ErrNotNamed.Error())
	case errors.Is(err, inbox.ErrUnknown):
		return answer(451, smtp.EnhancedCode{4, 4, 3}, inbox.ErrUnknown.Error())
	case errors.Is(err, inbox.ErrFull):
		return answer(452, smtp.EnhancedCode{4, 2, 2}, inbox.ErrFull.Error())
	case errors.Is(err, inbox.ErrNothing):
		return answer(554, smtp.EnhancedCode{5, 6, 0}, inbox.ErrNothing.Error())
	}
	s.server.cfg.Log.Error("a report that came by mail could not be kept", "error", err)
	return answer(451, smtp.EnhancedCode{4, 3, 0}, "the report cannot be kept now")
}

func answer(code int, enhanced smtp.EnhancedCode, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

// hurried are connections that end after a while, whatever there is still to say.
type hurried struct{ net.Listener }

func (h hurried) Accept() (net.Conn, error) {
	c, err := h.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return serve.Until(c, time.Now().Add(conversation)), nil
}
