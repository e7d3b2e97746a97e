package lab

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// client is a sender of few words.
type client struct {
	net.Conn
	r *bufio.Reader
}

func (l *Lab) call(t *testing.T, host string) *client {
	t.Helper()
	c, err := l.Dial(context.Background(), "tcp", l.address(t, host))
	if err != nil {
		t.Fatalf("%s: %v", host, err)
	}
	t.Cleanup(func() { c.Close() })
	return newClient(c)
}

func newClient(c net.Conn) *client { return &client{c, bufio.NewReader(c)} }

// address returns address and port of a mail server by its name.
func (l *Lab) address(t *testing.T, host string) string {
	t.Helper()
	for _, w := range worlds {
		for i, h := range w.hosts {
			if w.full(h.name) == host {
				return net.JoinHostPort(w.addr(i, h.ip).String(), fmt.Sprint(l.SMTPPort()))
			}
		}
	}
	t.Fatalf("no server %s", host)
	return ""
}

// reply reads to the last line of a reply, or to what ends the connection.
func (c *client) reply() string {
	var all strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		all.WriteString(line)
		if err != nil {
			return all.String() + "<" + err.Error() + ">"
		}
		if len(line) < 4 || line[3] != '-' {
			return strings.TrimSuffix(all.String(), "\r\n")
		}
	}
}

func (c *client) say(line string) string {
	io.WriteString(c, line+"\r\n")
	return c.reply()
}

// secure says STARTTLS and shakes hands, trusting the lab's CA.
func (c *client) secure(l *Lab, change ...func(*tls.Config)) (*client, error) {
	if answer := c.say("STARTTLS"); !strings.HasPrefix(answer, "220") {
		return nil, errors.New(answer)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(l.CA())
	config := &tls.Config{RootCAs: roots, InsecureSkipVerify: true}
	for _, f := range change {
		f(config)
	}
	inside := tls.Client(c.Conn, config)
	if err := inside.Handshake(); err != nil {
		return nil, err
	}
	return newClient(inside), nil
}

func TestDialogue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		const usual = "250-PIPELINING\r\n250-SIZE 10240000\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
		for _, c := range []struct {
			host   string
			dialog []string // commands and replies in turns, the greeting first
		}{
			{"mx1.perfect.test", []string{
				"220 mx1.perfect.test ESMTP",
				"EHLO me", "250-mx1.perfect.test\r\n" + usual + "250 STARTTLS",
				"helo me", "250 mx1.perfect.test",
				"MAIL FROM:<>", "250 2.1.0 Ok",
				"RSET", "250 2.0.0 Ok",
				"RCPT TO:<a@perfect.test>", "550 5.7.1 No mail is taken in the lab",
				"HELP", "500 5.5.2 Error: command not recognized",
				"QUIT", "221 2.0.0 Bye"}},
			{"mx.no-starttls.test", []string{
				"220 mx.no-starttls.test ESMTP",
				"EHLO me", "250-mx.no-starttls.test\r\n" + strings.Replace(usual, "250-ENH", "250 ENH", 1)[:len(usual)-2],
				"STARTTLS", "502 5.5.1 Command not implemented"}},
			{"mx.stripped.test", []string{
				"220 mx.stripped.test ESMTP",
				"EHLO me", "250-mx.stripped.test\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-XXXXXXXA\r\n250 8BITMIME",
				"STARTTLS", `500 5.5.1 Command unrecognized: "XXXXXXXX"`}},
			{"mx.refused-tls.test", []string{"220 mx.refused-tls.test ESMTP", "STARTTLS", "554 5.7.3 Unable to initialize security subsystem"}},
			{"mx.no-esmtp.test", []string{"220 mx.no-esmtp.test ESMTP", "EHLO me", "500 5.5.1 Command unrecognized", "HELO me", "250 mx.no-esmtp.test"}},
			{"mx.enforced.test", []string{"220 mx.enforced.test ESMTP", "MAIL FROM:<>", "530 5.7.0 Must issue a STARTTLS command first"}},
			{"mx.greylisted.test", []string{"220 mx.greylisted.test ESMTP", "MAIL FROM:<>", "451 4.7.1 Greylisted, please come back in five minutes"}},
			{"mx.rate-limited.test", []string{"421 4.7.0 mx.rate-limited.test Too many connections, try again later", "EHLO me", "<EOF>"}},
			{"mx.garbage.test", []string{"HTTP/1.1 400 Bad Request"}},
			{"mx.hostile-text.test", []string{"220-" + nasty + "\r\n220 mx.hostile-text.test \xff\xfe" + nasty, "MAIL FROM:<>", "250 2.1.0 " + nasty}},
		} {
			conn := l.call(t, c.host)
			if got := conn.reply(); got != c.dialog[0] {
				t.Errorf("%s greets %q", c.host, got)
			}
			for i := 1; i < len(c.dialog); i += 2 {
				if got := conn.say(c.dialog[i]); got != c.dialog[i+1] {
					t.Errorf("%s answers %q to %s, want %q", c.host, got, c.dialog[i], c.dialog[i+1])
				}
			}
		}
	})
}

func TestInsideTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		for _, c := range []struct{ host, keyword string }{
			{"mx1.perfect.test", "REQUIRETLS"},
			{"mx.requiretls.test", "REQUIRETLS"},
			{"mx.chatty.test", "STARTTLS"},
			{"mx.enforced.test", "ENHANCEDSTATUSCODES"},
			{"mx.ipv6.test", "PIPELINING"},
		} {
			conn := l.call(t, c.host)
			conn.reply()
			conn, err := conn.secure(l)
			if err != nil {
				t.Errorf("%s: %v", c.host, err)
				continue
			}
			if got := conn.say("EHLO me"); !strings.Contains(got, c.keyword) {
				t.Errorf("%s says %q inside TLS", c.host, got)
			}
			if got := conn.say("MAIL FROM:<>"); got != "250 2.1.0 Ok" {
				t.Errorf("%s answers MAIL inside TLS with %q", c.host, got)
			}
			if got := conn.say("STARTTLS"); got != "503 5.5.1 TLS already active" {
				t.Errorf("%s answers STARTTLS inside TLS with %q", c.host, got)
			}
			conn.say("QUIT")
			if _, err := conn.r.ReadByte(); err != io.EOF {
				t.Errorf("%s does not say goodbye: %v", c.host, err)
			}
		}
	})
}

func TestTimesOfTheGreeting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		start := time.Now()
		if got := l.call(t, "mx.slow.test").reply(); got != "220 mx.slow.test ESMTP" || time.Since(start) != 6*time.Second {
			t.Errorf("slow.test greets %q after %v", got, time.Since(start))
		}
		silent := l.call(t, "mx.silent.test")
		silent.SetReadDeadline(time.Now().Add(time.Minute))
		if got := silent.reply(); !strings.Contains(got, "i/o timeout") || got[0] != '<' {
			t.Errorf("silent.test says %q", got)
		}
		endless := l.call(t, "mx.endless.test")
		endless.SetReadDeadline(time.Now().Add(time.Minute))
		if got := endless.reply(); strings.Count(got, "220-") < 59 || !strings.Contains(got, "i/o timeout") {
			t.Errorf("endless.test says %q", got)
		}
	})
}

func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		for i := range 7 {
			got := l.call(t, "mx.tired.test").reply()
			if welcome := strings.HasPrefix(got, "220"); welcome != (i < 5) || !welcome && !strings.HasPrefix(got, "421 4.7.0 ") {
				t.Errorf("connection %d: %q", i+1, got)
			}
		}
		time.Sleep(time.Minute)
		if got := l.call(t, "mx.tired.test").reply(); !strings.HasPrefix(got, "220") {
			t.Errorf("a minute later: %q", got)
		}
	})
}

func TestCommandsBehindSTARTTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		for host, want := range map[string]string{
			"mx.certificate.test": "250-mx.certificate.test", // what came in clear is forgotten
			"mx.injection.test":   "250 2.0.0 Ok",            // NOOP is answered inside
		} {
			conn := l.call(t, host)
			conn.reply()
			conn.say("STARTTLS\r\nNOOP")
			inside := tls.Client(conn.Conn, &tls.Config{InsecureSkipVerify: true})
			io.WriteString(inside, "EHLO me\r\n")
			if got := newClient(inside).reply(); !strings.HasPrefix(got, want) {
				t.Errorf("%s answers %q", host, got)
			}
		}
		conn := l.call(t, "mx.stray-bytes.test")
		conn.reply()
		if got := conn.say("STARTTLS"); got != "220 2.0.0 Ready to start TLS" || conn.reply() != "250 2.0.0 What else?" {
			t.Errorf("stray-bytes.test says %q", got)
		}
		if err := tls.Client(conn.Conn, &tls.Config{InsecureSkipVerify: true}).Handshake(); err != nil {
			t.Errorf("behind the stray bytes: %v", err)
		}
	})
}

func TestHandshakes(t *testing.T) {
	at := func(version uint16) func(*tls.Config) {
		return func(c *tls.Config) { c.MinVersion, c.MaxVersion = min(version, tls.VersionTLS12), version }
	}
	verify := func(name string) func(*tls.Config) {
		return func(c *tls.Config) { c.InsecureSkipVerify, c.ServerName = false, name }
	}
	with := func(suite uint16) func(*tls.Config) {
		return func(c *tls.Config) { c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{suite} }
	}
	for _, c := range []struct {
		why, host string
		change    func(*tls.Config)
		err       string // what the client's error holds; empty for success
	}{
		{"newest version", "mx1.perfect.test", at(tls.VersionTLS13), ""},
		{"TLS 1.2", "mx1.perfect.test", at(tls.VersionTLS12), ""},
		{"no TLS 1.1", "mx1.perfect.test", func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, "protocol version not supported"},
		{"a valid certificate", "mx1.perfect.test", verify("mx1.perfect.test"), ""},
		{"a wildcard certificate", "mx14.many-mx.test", verify("mx14.many-mx.test"), ""},
		{"of the domain itself", "implicit-mx.test", verify("implicit-mx.test"), ""},
		{"self-made", "mx.selfsigned.test", verify("mx.selfsigned.test"), "unknown authority"},
		{"another name", "mx.name-mismatch.test", verify("mx.name-mismatch.test"), "valid for name-mismatch.test, not mx."},
		{"out of date", "mx.expired-certificate.test", verify("mx.expired-certificate.test"), "expired"},
		{"no intermediate", "mx.incomplete-chain.test", verify("mx.incomplete-chain.test"), "unknown authority"},
		{"a CA of its own", "mx.dane-ta.test", verify("mx.dane-ta.test"), "unknown authority"},
		{"no name sent", "mx.sni-required.test", func(*tls.Config) {}, "internal error"},
		{"name sent", "mx.sni-required.test", verify("mx.sni-required.test"), ""},
		{"TLS 1.0 at the least", "mx.old-tls.test", func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 }, ""},
		{"no TLS 1.3", "mx.old-tls.test", func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, "protocol version not supported"},
		{"static RSA", "mx.old-tls.test", with(tls.TLS_RSA_WITH_AES_128_CBC_SHA), ""},
		{"3DES", "mx.old-tls.test", with(tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA), ""},
		{"RC4", "mx.old-tls.test", with(tls.TLS_RSA_WITH_RC4_128_SHA), ""},
		{"nothing that a client of today offers", "mx.obsolete-tls.test", func(*tls.Config) {}, "protocol version not supported"},
		{"TLS 1.1 at the most", "mx.obsolete-tls.test", func(c *tls.Config) { c.MinVersion = tls.VersionTLS10 }, ""},
		{"an ordinary client", "mx.export.test", verify("mx.export.test"), ""},
		{"the RSA certificate of two", "mx.dual-cert.test", with(tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), ""},
		{"the ECDSA certificate of two", "mx.dual-cert.test", with(tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256), ""},
		{"alert 80", "mx.broken-handshake.test", func(*tls.Config) {}, "internal error"},
		{"half a flight", "mx.half-tls.test", func(*tls.Config) {}, "EOF"},
		{"no certificate of the client", "mx.client-certificate.test", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, "handshake failure"},
		{"listed or not, STARTTLS works", "mx.hidden-starttls.test", func(*tls.Config) {}, ""},
		{"a weak key", "mx.weak-key.test", func(*tls.Config) {}, ""},
		{"a name full of markup", "mx.hostile-text.test", func(*tls.Config) {}, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := begin(t, Options{})
			conn := l.call(t, c.host)
			conn.reply()
			_, err := conn.secure(l, c.change)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%s (%s): %v", c.host, c.why, err)
			}
		})
	}
}

func TestHybridGroupIsChosen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{})
		conn := l.call(t, "mx1.perfect.test")
		conn.reply()
		conn, err := conn.secure(l)
		if err != nil {
			t.Fatal(err)
		}
		if state := conn.Conn.(*tls.Conn).ConnectionState(); state.CurveID != tls.X25519MLKEM768 || state.Version != tls.VersionTLS13 {
			t.Errorf("%v with %v", tls.VersionName(state.Version), state.CurveID)
		}
	})
}
