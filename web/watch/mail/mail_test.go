package mail

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-smtp"
)

// receiver is a mail server that keeps what it gets. It refuses whoever is called nobody.
type receiver struct {
	mu  sync.Mutex
	got []string
}

func (r *receiver) NewSession(*smtp.Conn) (smtp.Session, error) { return r, nil }
func (r *receiver) Mail(string, *smtp.MailOptions) error        { return nil }
func (r *receiver) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch {
	case strings.HasPrefix(to, "nobody"):
		return &smtp.SMTPError{Code: 550, Message: "no such user"}
	case strings.HasPrefix(to, "later"):
		return &smtp.SMTPError{Code: 451, Message: "later"}
	}
	return nil
}
func (r *receiver) Data(in io.Reader) error {
	text, err := io.ReadAll(in)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, string(text))
	return err
}
func (r *receiver) Reset()        {}
func (r *receiver) Logout() error { return nil }

// A message arrives with a signature that holds and covers what one click rests on.
func TestAMessageArrives(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	kept := new(receiver)
	server := smtp.NewServer(kept)
	server.Domain = "localhost"
	go server.Serve(l)
	defer server.Close()
	s, err := New(Config{Server: l.Addr().String(), From: "alerts@mxseal.example", Selector: "one", Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})})
	if err != nil {
		t.Fatal(err)
	}
	letter := Letter{ID: "abc", To: "me@example.net", Subject: "example.org: Grüße", Text: "One line.\n.\nAn ä, and a very long line: " + strings.Repeat("word ", 200) + "\n", End: "https://mxseal.example/watch/" + strings.Repeat("a", 80) + "/end", At: time.Now()}
	if err := s.Send(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	name, record := s.Record()
	if want := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public); name != "one._domainkey.mxseal.example" || record != want || !s.Published("v=DKIM1; p="+base64.StdEncoding.EncodeToString(public)) || s.Published("v=DKIM1; p=") || s.Published("") {
		t.Errorf("to be published: %s %s", name, record)
	}
	checked, err := dkim.VerifyWithOptions(strings.NewReader(kept.got[0]), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if name != "one._domainkey.mxseal.example" {
			t.Errorf("the key was asked for at %s", name)
		}
		return []string{record}, nil
	}})
	if err != nil || len(checked) != 1 || checked[0].Err != nil {
		t.Fatalf("%+v, %v, %v:\n%s", checked, checked[0].Err, err, kept.got[0])
	}
	for _, field := range signed {
		if !containsFold(checked[0].HeaderKeys, field) {
			t.Errorf("%s is not signed", field)
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader([]byte(kept.got[0])))
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{"List-Unsubscribe": "<" + letter.End + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Auto-Submitted": "auto-generated", "Message-ID": "<abc@mxseal.example>", "From": "<alerts@mxseal.example>"} {
		if got := m.Header.Get(field); strings.TrimSpace(got) != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	for to, refused := range map[string]bool{"nobody@example.net": true, "later@example.net": false} {
		letter.To = to
		if err := s.Send(t.Context(), letter); err == nil || errors.Is(err, ErrRefused) != refused {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func containsFold(list []string, want string) bool {
	for _, one := range list {
		if strings.EqualFold(one, want) {
			return true
		}
	}
	return false
}

func TestWhatCannotBeUsed(t *testing.T) {
	for _, wrong := range []Config{{Server: "mail.example.net", From: "a@b.example"}, {Server: "mail.example.net:smtp", From: "a@b.example"}, {Server: "mail.example.net:587", From: "nobody"},
		{Server: "mail.example.net:587", From: "Me <a@b.example>"}, {Server: "mail.example.net:587", From: "a@b.example", Key: []byte("key"), Selector: "one"}, {Server: "mail.example.net:587", From: "a@b.example", Key: []byte("key")}} {
		if _, err := New(wrong); err == nil {
			t.Errorf("%+v was taken", wrong)
		}
	}
}
