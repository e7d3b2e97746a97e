package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
)

const maxSignatures = 3 // of a message that are looked at

// Why a message does not count.
var (
	errUnsigned = errors.New("no DKIM signature of the domain in From holds")
	errNoKey    = errors.New("the key of a DKIM signature cannot be looked up now")
)

// verify returns nil where a signature by the author's domain, or one above or below it, holds; else
// errUnsigned, or errNoKey where a later attempt may find it.
func (s *Server) verify(ctx context.Context, text []byte) error {
	author, err := authorOf(text)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnsigned, err)
	}
	later := false
	list, err := dkim.VerifyWithOptions(bytes.NewReader(text), &dkim.VerifyOptions{MaxVerifications: maxSignatures, LookupTXT: func(name string) ([]string, error) {
		texts, known := s.cfg.Texts(ctx, name)
		if !known {
			return nil, unknown{}
		}
		keys := make([]string, 0, len(texts))
		for _, text := range texts {
			keys = append(keys, forReports(text))
		}
		return keys, nil
	}})
	if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) {
		return fmt.Errorf("%w: %w", errUnsigned, err)
	}
	for _, one := range list {
		switch {
		case !related(strings.ToLower(one.Domain), author):
		case one.Err == nil:
			return nil
		case dkim.IsTempFail(one.Err):
			later = true
		}
	}
	if later {
		return errNoKey
	}
	return errUnsigned
}

// unknown says that a key could not be looked up.
type unknown struct{}

func (unknown) Error() string   { return "the DNS does not answer" }
func (unknown) Temporary() bool { return true }
func (unknown) Timeout() bool   { return true }

// authorOf is the domain of the one address in From.
func authorOf(text []byte) (string, error) {
	m, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		return "", err
	}
	if len(m.Header["From"]) != 1 {
		return "", errors.New("one From is needed")
	}
	list, err := m.Header.AddressList("From")
	if err != nil {
		return "", err
	}
	if len(list) != 1 {
		return "", errors.New("one author is needed")
	}
	return strings.ToLower(list[0].Address[strings.LastIndexByte(list[0].Address, '@')+1:]), nil
}

// related reports whether two domains are one, or one lies below the other and neither is a top-level domain.
func related(a, b string) bool {
	if !strings.Contains(a, ".") || !strings.Contains(b, ".") {
		return false
	}
	return a == b || strings.HasSuffix(a, "."+b) || strings.HasSuffix(b, "."+a)
}

// forReports has a key that is for TLS reports alone (s=tlsrpt, RFC 8460 §5.3) count as one for mail, which is
// what the library asks for.
func forReports(key string) string {
	tags := strings.Split(key, ";")
	for i, tag := range tags {
		name, value, _ := strings.Cut(tag, "=")
		if strings.TrimSpace(name) == "s" && slices.ContainsFunc(strings.Split(value, ":"), func(service string) bool { return strings.TrimSpace(service) == "tlsrpt" }) {
			tags[i] = "s=email"
		}
	}
	return strings.Join(tags, ";")
}
