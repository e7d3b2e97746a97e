package mail

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-smtp"

	"mxseal/web/inbox"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

const oneReport = `{"organization-name":"Sender","date-range":{"start-datetime":"2026-11-08T00:00:00Z","end-datetime":"2026-11-08T23:59:59Z"},"contact-info":"tls@sender.example","report-id":"%s",` +
	`"policies":[{"policy":{"policy-type":"sts","policy-string":["version: STSv1","mode: testing","mx: mx.example.net","max_age: 86400"],"policy-domain":"example.net"},"summary":{"total-successful-session-count":7,"total-failure-session-count":0}}]}`

// post is a server of ours with an inbox of example.net, in a DNS that the test writes.
type post struct {
	t     *testing.T
	at    string
	boxes *inbox.Inboxes
	key   string // of the inbox
	box   store.Inbox
	sign  ed25519.PrivateKey
	dns   map[string]string // texts by name
	down  string            // a name that gets no answer
	asked atomic.Int32      // for keys
}

func open(t *testing.T) *post {
	p := &post{t: t, dns: make(map[string]string)}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	p.must(err)
	p.sign = private
	p.dns["one._domainkey.sender.example"] = "v=DKIM1; k=ed25519; s=tlsrpt; p=" + base64.StdEncoding.EncodeToString(public)
	reports, err := sqlite.Open(filepath.Join(t.TempDir(), "mxseal.db"))
	p.must(err)
	t.Cleanup(func() { reports.Close() })
	texts := func(_ context.Context, name string) ([]string, bool) {
		if strings.Contains(name, "_domainkey") {
			p.asked.Add(1)
		}
		if text, there := p.dns[name]; there {
			return []string{text}, name != p.down
		}
		return nil, name != p.down
	}
	log := slog.New(slog.DiscardHandler)
	p.boxes = inbox.New(inbox.Config{Store: reports, Texts: texts, Domain: "reports.example", Log: log})
	p.key, err = p.boxes.Open(t.Context(), "example.net")
	p.must(err)
	p.box, _, err = p.boxes.Read(t.Context(), p.key)
	p.must(err)
	p.dns["_smtp._tls.example.net"] = "v=TLSRPTv1; rua=" + strings.Join(p.boxes.Addresses(p.box.Token), ",")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	p.must(err)
	p.at = l.Addr().String()
	server, done := New(Config{Inboxes: p.boxes, Texts: texts, Log: log}), make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *post) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// message is a report as senders send it; domain has signed it, unless it is empty.
func (p *post) message(domain, from, id string) []byte {
	p.t.Helper()
	text := strings.ReplaceAll("From: "+from+"\nTo: reports\nSubject: Report Domain: example.net\nTLS-Report-Domain: example.net\nTLS-Report-Submitter: sender.example\nMIME-Version: 1.0\n"+
		"Content-Type: multipart/report; report-type=\"tlsrpt\"; boundary=x\n\n--x\nContent-Type: text/plain\n\nA report.\n--x\nContent-Type: application/tlsrpt+json\n\n"+fmt.Sprintf(oneReport, id)+"\n--x--\n", "\n", "\r\n")
	if domain == "" {
		return []byte(text)
	}
	var b bytes.Buffer
	p.must(dkim.Sign(&b, strings.NewReader(text), &dkim.SignOptions{Domain: domain, Selector: "one", Signer: p.sign}))
	return b.Bytes()
}

// send says what the server answers; 250 for nothing.
func (p *post) send(to string, text []byte) int {
	p.t.Helper()
	c, err := smtp.Dial(p.at)
	p.must(err)
	defer c.Close()
	if err = c.SendMail("", []string{to}, bytes.NewReader(text)); err == nil {
		return 250
	}
	no, ok := err.(*smtp.SMTPError)
	if !ok {
		p.t.Fatal(err)
	}
	return no.Code
}

func (p *post) reports() int {
	_, summary, err := p.boxes.Read(p.t.Context(), p.key)
	p.must(err)
	return summary.Reports
}

// A report by mail is kept where its author has signed it and the domain's record names the inbox.
func TestReportsByMail(t *testing.T) {
	p := open(t)
	to := p.box.Token + "@reports.example"
	good := p.message("sender.example", "tls@sender.example", "1")
	var b bytes.Buffer
	p.must(dkim.Sign(&b, strings.NewReader("From: a@sender.example\r\n\r\nHello.\r\n"), &dkim.SignOptions{Domain: "sender.example", Selector: "one", Signer: p.sign}))
	none := b.Bytes()
	for _, c := range []struct {
		what, to string
		text     []byte
		code     int
		kept     int // after it
	}{
		{"to nobody", "nobody@reports.example", good, 550, 0},
		{"to another domain", p.box.Token + "@example.org", good, 550, 0},
		{"without a signature", to, p.message("", "tls@sender.example", "1"), 550, 0},
		{"signed by a stranger", to, p.message("sender.example", "tls@example.org", "1"), 550, 0},
		{"changed on the way", to, bytes.Replace(good, []byte(`count":7`), []byte(`count":8`), 1), 550, 0},
		{"by two authors", to, p.message("sender.example", "tls@sender.example, tls@example.org", "1"), 550, 0},
		{"whose key is gone", to, p.message("nokey.sender.example", "tls@sender.example", "1"), 550, 0},
		{"signed", to, good, 250, 1},
		{"once more", strings.ToUpper(to), good, 250, 1},
		{"from below the domain that has signed", to, p.message("sender.example", "tls@mail.sender.example", "2"), 250, 2},
		{"that is none", to, none, 554, 2},
	} {
		if code := p.send(c.to, c.text); code != c.code || p.reports() != c.kept {
			t.Errorf("a report %s: %d, not %d; %d are kept", c.what, code, c.code, p.reports())
		}
	}
	p.down = "one._domainkey.sender.example"
	if code := p.send(to, good); code != 451 {
		t.Errorf("where the key cannot be looked up: %d", code)
	}
}

// What strangers send is bounded: octets, signatures that are looked up, recipients.
func TestHostileMail(t *testing.T) {
	p := open(t)
	to := p.box.Token + "@reports.example"
	long := append(p.message("sender.example", "tls@sender.example", "1"), bytes.Repeat([]byte("0123456789\r\n"), inbox.Octets/10)...)
	if code := p.send(to, long); code != 552 {
		t.Errorf("a long message: %d", code)
	}
	text := p.message("", "tls@sender.example", "1")
	for range 50 {
		var b bytes.Buffer
		p.must(dkim.Sign(&b, bytes.NewReader(text), &dkim.SignOptions{Domain: "other.example", Selector: "one", Signer: p.sign}))
		text = b.Bytes()
	}
	if code := p.send(to, text); code != 550 || p.asked.Load() > maxSignatures {
		t.Errorf("fifty signatures: %d, %d keys were looked up", code, p.asked.Load())
	}
	c, err := smtp.Dial(p.at)
	p.must(err)
	defer c.Close()
	p.must(c.Mail("", nil))
	p.must(c.Rcpt(to, nil))
	if err := c.Rcpt(to, nil); err == nil {
		t.Error("a second recipient was taken")
	}
	if p.reports() != 0 {
		t.Error("something was kept")
	}
}
