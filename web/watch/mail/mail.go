// Package mail hands messages to the operator's mail server, signed by DKIM (RFC 6376), with a header by
// which one click ends them (RFC 8058). It knows no watch and makes no text.
//
// A server on this machine is spoken to without TLS, as it is usual on loopback; any other has to offer
// STARTTLS with a certificate that is valid for its name, or TLS from the first octet at port 465.
package mail

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	gomail "github.com/wneessen/go-mail"
)

const sendTime = 30 * time.Second // one message

// ErrRefused says that the server will not take the message, now or later.
var ErrRefused = errors.New("the mail server refuses the message")

// signed are the header fields that the signature covers: RFC 8058 asks for both of List-Unsubscribe.
var signed = []string{"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted", "List-Unsubscribe", "List-Unsubscribe-Post"}

// Config says how messages leave.
type Config struct {
	Server         string // HOST:PORT of the operator's mail server
	User, Password string // empty for a server that asks for none
	From           string // address
	HELO           string // name that the server is greeted with; that of the machine if empty
	Key            []byte // PEM of the private key for DKIM; nil for messages that are not signed
	Selector       string // of that key, below _domainkey of the domain of From
}

// Sender sends messages. It is safe for concurrent use.
type Sender struct {
	cfg    Config
	host   string
	port   int
	domain string // of From
	key    crypto.Signer
}

// New returns a Sender. The error says which part of the configuration cannot be used.
func New(cfg Config) (*Sender, error) {
	host, port, err := net.SplitHostPort(cfg.Server)
	if err != nil {
		return nil, fmt.Errorf("mail server %q: HOST:PORT is needed, such as mail.example.net:587", cfg.Server)
	}
	s := &Sender{cfg: cfg, host: host}
	if s.port, err = strconv.Atoi(port); err != nil || s.port < 1 || s.port > 65535 {
		return nil, fmt.Errorf("mail server %q: HOST:PORT is needed, such as mail.example.net:587", cfg.Server)
	}
	if err := gomail.NewMsg().From(cfg.From); err != nil || strings.ContainsAny(cfg.From, "<> ") {
		return nil, fmt.Errorf("sender %q: a mail address is needed, such as alerts@example.net", cfg.From)
	}
	s.domain = cfg.From[strings.LastIndexByte(cfg.From, '@')+1:]
	if cfg.Key != nil {
		if cfg.Selector == "" {
			return nil, errors.New("the key for DKIM needs its selector")
		}
		if s.key, err = gomail.PrivKeyFromPEM(cfg.Key); err != nil {
			return nil, fmt.Errorf("the key for DKIM: %w", err)
		}
	}
	return s, nil
}

// Letter is one message.
type Letter struct {
	ID      string // for ever the same: who gets it twice can tell
	To      string // address
	Subject string
	Text    string
	End     string // https:// address to which a POST ends such messages
	At      time.Time
}

// Send hands a message to the server. ErrRefused: it will not take it later either.
func (s *Sender) Send(ctx context.Context, l Letter) error {
	m, err := s.message(l)
	if err != nil {
		return err
	}
	options := []gomail.Option{gomail.WithPort(s.port), gomail.WithTimeout(sendTime)}
	switch {
	case local(s.host):
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	case s.port == 465:
		options = append(options, gomail.WithSSL())
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.cfg.HELO != "" {
		options = append(options, gomail.WithHELO(s.cfg.HELO))
	}
	if s.cfg.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.cfg.User), gomail.WithPassword(s.cfg.Password))
	}
	c, err := gomail.NewClient(s.host, options...)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", s.cfg.Server, err)
	}
	err = c.DialAndSendWithContext(ctx, m)
	var no *gomail.SendError
	if errors.As(err, &no) && !no.IsTemp() && no.ErrorCode() >= 500 {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err != nil {
		return fmt.Errorf("mail server %s: %w", s.cfg.Server, err)
	}
	return nil
}

// message makes the message, and has it signed when it is written.
func (s *Sender) message(l Letter) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(m.From(s.cfg.From), m.To(l.To)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	m.Subject(l.Subject)
	m.SetDateWithValue(l.At)
	m.SetMessageIDWithValue(l.ID + "@" + s.domain)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's holiday answers
	m.SetBodyString(gomail.TypeTextPlain, l.Text)
	if l.End != "" {
		if err := m.SetListUnsubscribeOneClick(l.End); err != nil {
			return nil, err
		}
	}
	if s.key == nil {
		return m, nil
	}
	return m, s.sign(m)
}

// sign puts a signature into a message. The library that sends has one of its own, which does not hold where
// so many fields are signed that their list is folded.
func (s *Sender) sign(m *gomail.Msg) error {
	signer, err := dkim.NewSigner(&dkim.SignOptions{Domain: s.domain, Selector: s.cfg.Selector, Signer: s.key, HeaderKeys: signed,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed})
	if err != nil {
		return fmt.Errorf("the key for DKIM: %w", err)
	}
	_, err = m.WriteTo(signer)
	if err = errors.Join(err, signer.Close()); err != nil {
		return fmt.Errorf("sign by DKIM: %w", err)
	}
	_, value, _ := strings.Cut(strings.TrimSpace(signer.Signature()), ": ")
	m.SetGenHeaderPreformatted("DKIM-Signature", value)
	return nil
}

// Record is what the DNS has to hold for signatures (RFC 6376 §3.6.1, RFC 8463 §4): the name, and the text of
// a TXT record; empty where nothing is signed.
func (s *Sender) Record() (name, text string) {
	if s.key == nil {
		return "", ""
	}
	kind, public := "rsa", []byte(nil)
	switch key := s.key.Public().(type) {
	case ed25519.PublicKey:
		kind, public = "ed25519", key
	default:
		public, _ = x509.MarshalPKIXPublicKey(key) // New took it from a key that is whole
	}
	return s.cfg.Selector + "._domainkey." + s.domain, "v=DKIM1; k=" + kind + "; p=" + base64.StdEncoding.EncodeToString(public)
}

// Published reports whether the text of a TXT record has the key that signs.
func (s *Sender) Published(text string) bool {
	_, own := s.Record()
	key := keyIn(own)
	return key != "" && keyIn(text) == key
}

func keyIn(record string) string {
	for _, tag := range strings.Split(record, ";") {
		if name, value, _ := strings.Cut(tag, "="); strings.TrimSpace(name) == "p" {
			return strings.Join(strings.Fields(value), "")
		}
	}
	return ""
}

// local reports whether a host is this machine.
func local(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}
