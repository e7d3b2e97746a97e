package browser

import (
	"io"
	"net"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// letters is a mail server; what it gets can be read from it.
type letters chan string

func (l letters) NewSession(*smtp.Conn) (smtp.Session, error) { return l, nil }
func (l letters) Mail(string, *smtp.MailOptions) error        { return nil }
func (l letters) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (l letters) Reset()                                      {}
func (l letters) Logout() error                               { return nil }
func (l letters) Data(in io.Reader) error {
	text, err := io.ReadAll(in)
	l <- string(text)
	return err
}

// What a site with an address of its own and a mail server offers: watches, and inboxes for TLS reports.
func TestWatchesAndInboxes(t *testing.T) {
	t.Parallel()
	const base = "https://mxseal.example.net"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	got := make(letters, 8)
	mail := smtp.NewServer(got)
	mail.Domain = "localhost"
	go mail.Serve(l)
	t.Cleanup(func() { mail.Close() })
	s, err := site.Beside(t.TempDir(), "--base-url", base, "--mail-server", l.Addr().String(), "--mail-from", "mail@mxseal.example.net")
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	id, err := s.Ready(t.Context(), "dane.test")
	must(t, err)
	p := tabOf(t, chromium.At(s), Views[0], true)

	read := func(status int64, err error, want int64, heading string) {
		t.Helper()
		must(t, err)
		if at, h := here(t, p); status != want || h != heading {
			t.Fatalf("%s: status %d, heading %q, want %d and %q", at, status, h, want, heading)
		}
		stands(t, p)
	}
	_, err = p.Visit("/report/" + id)
	must(t, err)
	status, err := p.Follow("link", "^Tell me when this changes$")
	read(status, err, 200, "Be told when something changes")
	field, err := p.One("textbox", "(?i)address")
	must(t, err)
	must(t, p.Click(field))
	must(t, p.Type("me@dane.test"))
	status, err = p.Follow("button", "^Watch$")
	read(status, err, 202, "Please confirm")
	var letter string
	select {
	case letter = <-got:
	case <-time.After(time.Minute):
		t.Fatal("no message came")
	}
	link := regexp.MustCompile(regexp.QuoteMeta(base) + `(/watch/confirm/[a-z0-9]+)`).FindStringSubmatch(letter)
	if link == nil {
		t.Fatalf("the message has no link:\n%s", letter)
	}
	status, err = p.Visit(link[1])
	read(status, err, 200, "Watch mail to dane.test?")
	status, err = p.Follow("button", "^Confirm$")
	read(status, err, 200, "Mail to dane.test is watched")
	status, err = p.Follow("button", "^End this watch")
	read(status, err, 200, "The watch has ended")

	status, err = p.Visit("/tlsrpt")
	read(status, err, 200, "What senders report of your mail servers")
	inbox, err := s.send(t.Context(), "/tlsrpt/inbox", url.Values{"domain": {"dane.test"}})
	must(t, err)
	status, err = p.Visit(inbox)
	read(status, err, 200, "What senders report to dane.test")
	if n := walk(t, s, base, "/tlsrpt", "/watch", inbox, "/report/"+id); n < 30 {
		t.Errorf("a walk over %d places only", n)
	}
}
