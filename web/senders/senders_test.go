package senders

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"net/smtp"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/lab"
	"mxseal/checks/sender"
	"mxseal/web/store/sqlite"
)

const zoneName = "sender.example"

// made are certificates of an authority of the test's own.
type made struct{ mail, expired *tls.Certificate }

func (m made) Mail() *tls.Certificate         { return m.mail }
func (m made) Expired() *tls.Certificate      { return m.expired }
func (m made) Named() []*tls.Certificate      { return []*tls.Certificate{m.mail} }
func (m made) Challenge(string) []string      { return nil }
func (m made) Policy(string) *tls.Certificate { return m.mail }

func makeCertificates(t testing.TB) made {
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	issuer := key()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "issuer"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	root, err := x509.CreateCertificate(rand.Reader, ca, ca, issuer.Public(), issuer)
	if err != nil {
		t.Fatal(err)
	}
	leaf := func(from, until time.Duration) *tls.Certificate {
		k := key()
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{"*." + zoneName}, NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until)}, ca, k.Public(), issuer)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return &tls.Certificate{Certificate: [][]byte{der, root}, PrivateKey: k, Leaf: c}
	}
	return made{leaf(-time.Minute, time.Hour), leaf(-time.Hour, -time.Minute)}
}

// instance is a receiving side on loopback sockets.
type instance struct {
	*Senders
	t    *testing.T
	port uint16
}

func start(t *testing.T, file string) *instance {
	t.Helper()
	reports, err := sqlite.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), Config{Zone: zoneName, Slots: 3, Store: reports, Certificates: makeCertificates(t), Log: slog.New(slog.DiscardHandler), Roles: roles(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	l, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Keep(ctx) }()
	t.Cleanup(func() {
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
		reports.Close()
	})
	return &instance{s, t, s.Roles[0].Port}
}

// roles are addresses of 127.0.0.0/8 at one port.
func roles(t *testing.T) []Role {
	t.Helper()
	port, err := lab.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	var list []Role
	for i, as := range append([]sender.Manner{dnsRole, policyRole}, sender.Manners...) {
		list = append(list, Role{Addr: netip.AddrFrom4([4]byte{127, 44, 0, byte(i + 1)}), Port: port, As: as})
	}
	return list
}

func (i *instance) at(as sender.Manner) string {
	return netip.AddrPortFrom(i.addresses(as)[0], i.port).String()
}

// ask asks the name server.
func (i *instance) ask(name string, rtype uint16) *dns.Msg {
	i.t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), rtype)
	m.SetEdns0(4096, true)
	r, _, err := new(dns.Client).Exchange(m, i.at(dnsRole))
	if err != nil {
		i.t.Fatal(err)
	}
	return r
}

// send sends one message to a trap, as an ordinary server does.
func (i *instance) send(e *sender.Evidence, trap sender.Trap, secure bool) error {
	i.t.Helper()
	return i.sendAs("mail.sender-of-mail.example", e, trap, secure)
}

func (i *instance) sendAs(name string, e *sender.Evidence, trap sender.Trap, secure bool) error {
	i.t.Helper()
	mx := i.ask(e.Domains[trap], dns.TypeMX).Answer[0].(*dns.MX).Mx
	i.ask(mx, dns.TypeA)
	c, err := smtp.Dial(i.at(sender.DesignOf(trap).Manner))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Hello(name); err != nil {
		return err
	}
	if secure {
		if err := c.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
			return err
		}
	}
	if err := c.Mail("me@sender-of-mail.example"); err != nil {
		return err
	}
	if err := c.Rcpt(e.ID + "@" + e.Domains[trap]); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	fmt.Fprint(w, "Subject: test\r\n\r\nA line.\r\n")
	defer c.Quit() // the server may have said good-bye first
	return w.Close()
}

func (i *instance) started(who string) *sender.Evidence {
	i.t.Helper()
	id, err := i.Start(i.t.Context(), netip.MustParseAddr(who))
	if err != nil {
		i.t.Fatal(err)
	}
	return i.evidence(id)
}

func (i *instance) evidence(id string) *sender.Evidence {
	i.t.Helper()
	e, err := i.Evidence(i.t.Context(), id)
	if err != nil {
		i.t.Fatal(err)
	}
	return e
}

func TestATest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mxseal.db")
	i := start(t, file)
	e := i.started("192.0.2.1")
	if len(e.Domains) != len(sender.Designs) {
		t.Fatalf("not offered: %v", e.Missing)
	}
	for trap, secure := range map[sender.Trap]bool{sender.Plain: true, sender.Cleartext: false, sender.STS: true, sender.DANEBad: true} {
		if err := i.send(e, trap, secure); err != nil {
			t.Fatal(trap, err)
		}
	}
	if err := i.send(e, sender.Broken, true); err == nil {
		t.Error("the broken handshake did not break")
	}
	if c, err := tls.Dial("tcp4", i.at(policyRole), &tls.Config{InsecureSkipVerify: true, ServerName: "mta-sts." + e.Domains[sender.STSCert]}); err != nil {
		t.Error(err)
	} else {
		fmt.Fprintf(c, "GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: x\r\n\r\n")
		text := make([]byte, 4096)
		n, _ := c.Read(text)
		c.Close()
		if !strings.Contains(string(text[:n]), "mode: enforce") {
			t.Errorf("the policy is %q", text[:n])
		}
	}
	settle(t, func() bool { return !sender.Judge(i.evidence(e.ID), time.Now()).View.Open })
	v := sender.Judge(i.evidence(e.ID), time.Now().Add(10*time.Second))
	for trap, fate := range map[sender.Trap]sender.Fate{sender.Plain: sender.Encrypted, sender.Cleartext: sender.InClear, sender.STS: sender.Encrypted, sender.DANEBad: sender.Encrypted, sender.Broken: sender.Refused, sender.WrongName: sender.Unseen} {
		if got := v.View.Of(trap); got.Fate != fate {
			t.Errorf("%s: %+v, not %s", trap, got, fate)
		}
	}
	if !v.View.Of(sender.STSCert).Fetched {
		t.Error("nobody knows that the policy was fetched")
	}
	if err := i.End(t.Context(), e.ID); err != nil {
		t.Fatal(err)
	}
	if mx := i.ask(e.Domains[sender.Plain], dns.TypeMX).Answer[0].(*dns.MX); mx.Mx != "." {
		t.Errorf("after the end the MX record is %v", mx)
	}
	if err := i.mail(e.ID + "@" + e.Domains[sender.Plain]); err == nil || !strings.HasPrefix(err.Error(), "550") {
		t.Errorf("after the end: %v", err)
	}
	if kept := i.evidence(e.ID); len(kept.Sessions) == 0 {
		t.Error("after the end nothing is known of the sender")
	}
}

// Who keeps a conversation after his message is sent away: what he may still have in mind would wait for it.
func TestLingering(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "mxseal.db"))
	e := i.started("192.0.2.1")
	c, err := smtp.Dial(i.at(sender.NoStartTLS))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := errors.Join(c.Hello("mail.sender-of-mail.example"), c.Mail("me@sender-of-mail.example"), c.Rcpt(e.ID+"@"+e.Domains[sender.Cleartext])); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Text.ReadResponse(421); err != nil {
		t.Error(err)
	}
	settle(t, func() bool { return !sender.Judge(i.evidence(e.ID), time.Now()).View.Open })
	if o := sender.Judge(i.evidence(e.ID), time.Now()).View.Of(sender.Cleartext); o.Fate != sender.InClear {
		t.Errorf("%+v", o)
	}
}

// Large services deliver from many addresses: what left without a message came from beside those that sent one, or
// under a name of the same house, for what was just asked for. Strangers have neither.
func TestAPoolOfAddresses(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "mxseal.db"))
	e := i.started("192.0.2.1")
	from := func(address string, say string) {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
		c, err := d.Dial("tcp4", i.at(sender.NoStartTLS))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "EHLO %s\r\nQUIT\r\n", say)
		io.Copy(io.Discard, c)
	}
	if err := i.sendAs("out1.pool.example", e, sender.Plain, true); err != nil { // from 127.0.0.1
		t.Fatal(err)
	}
	from("127.0.0.9", "out9.pool.example") // it has not asked for that server
	time.Sleep(2 * time.Millisecond)       // moments are kept to the millisecond
	i.ask(i.ask(e.Domains[sender.Cleartext], dns.TypeMX).Answer[0].(*dns.MX).Mx, dns.TypeA)
	from("127.0.0.7", "a.name.example")
	from("127.9.9.9", "out2.pool.example")
	from("127.8.8.8", "a.stranger.example")
	left := func() (names []string) {
		for _, s := range i.evidence(e.ID).Sessions {
			if s.To == sender.NoStartTLS && !s.Over.IsZero() {
				names = append(names, s.EHLO)
			}
		}
		return names
	}
	settle(t, func() bool { return len(left()) == 2 })
	if got := left(); !slices.Equal(got, []string{"a.name.example", "out2.pool.example"}) {
		t.Errorf("conversations under %q", got)
	}
}

// Who tries again while his first test runs, or has another server behind the same address, sees in each test
// what belongs to it: what its messages came under the name of, and what it has just asked for.
func TestTwoTestsOfOneClient(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "mxseal.db"))
	one, again, other := i.started("192.0.2.1"), i.started("192.0.2.1"), i.started("192.0.2.1")
	names := map[string]string{one.ID: "mail.example", again.ID: "mail.example", other.ID: "desk.example"}
	for _, e := range []*sender.Evidence{one, again, other} {
		if err := i.sendAs(names[e.ID], e, sender.Plain, true); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range []*sender.Evidence{again, other} {
		if err := i.sendAs(names[e.ID], e, sender.Broken, true); err == nil {
			t.Error("the broken handshake did not break")
		}
	}
	in := func(e *sender.Evidence, m sender.Manner) (n int) {
		for _, s := range i.evidence(e.ID).Sessions {
			if s.To == m && !s.Over.IsZero() {
				n++
			}
		}
		return n
	}
	for _, e := range []*sender.Evidence{again, other} {
		settle(t, func() bool { return in(e, sender.Breaks) == 1 })
	}
	if n := in(one, sender.Breaks); n != 0 {
		t.Errorf("the first test has %d conversations of the others", n)
	}
}

// mail asks the honest server whether it takes mail for an address.
func (i *instance) mail(to string) error {
	c, err := smtp.Dial(i.at(sender.Honest))
	if err != nil {
		return err
	}
	defer c.Close()
	return errors.Join(c.Mail("me@there.example"), c.Rcpt(to))
}

func settle(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatal("it does not come to rest")
}

func TestOnlyAddressesOfOpenTraps(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "mxseal.db"))
	e, other := i.started("192.0.2.1"), i.started("192.0.2.2")
	for _, to := range []string{"postmaster@" + zoneName, e.ID + "@example.org", "someone@" + e.Domains[sender.Plain], other.ID + "@" + e.Domains[sender.Plain],
		e.ID + "@" + e.Domains[sender.Cleartext], other.ID + "@" + e.Domains[sender.STS], strings.Repeat("x", 4000) + "@" + e.Domains[sender.Plain]} {
		if err := i.mail(to); err == nil {
			t.Errorf("mail for %s is taken", to)
		}
	}
}

func TestTheZone(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "mxseal.db"))
	e := i.started("192.0.2.1")
	key := i.ask(zoneName, dns.TypeDNSKEY).Answer[0].(*dns.DNSKEY)
	for _, q := range []struct {
		name  string
		rtype uint16
	}{{e.Domains[sender.Plain], dns.TypeMX}, {e.Domains[sender.Plain], dns.TypeTXT}, {"nobody." + zoneName, dns.TypeA}, {"_25._tcp.dane-" + e.ID + "." + zoneName, dns.TypeTLSA}, {unsigned + "." + zoneName, dns.TypeDS}, {zoneName, dns.TypeANY}} {
		m := i.ask(q.name, q.rtype)
		for _, section := range [][]dns.RR{m.Answer, m.Ns} {
			var set []dns.RR
			for _, rr := range section {
				if rr.Header().Ttl > 60 {
					t.Errorf("%v lives for more than a minute", rr)
				}
				sig, is := rr.(*dns.RRSIG)
				if !is {
					set = append(set, rr)
					continue
				}
				if err := sig.Verify(key, set); err != nil {
					t.Errorf("%s %d: %v of %v", q.name, q.rtype, err, set)
				}
				set = nil
			}
			if len(set) > 0 {
				t.Errorf("%v has no signature", set)
			}
		}
		if m.Len() > 1232 {
			t.Errorf("%s: %d octets", q.name, m.Len())
		}
	}
	forged := i.ask(e.Domains[sender.Bogus], dns.TypeMX).Answer
	if forged[1].(*dns.RRSIG).Verify(key, forged[:1]) == nil {
		t.Error("the forged answer verifies")
	}
	if m := i.ask("example.org", dns.TypeA); m.Rcode != dns.RcodeRefused {
		t.Errorf("a question out of the zone: %v", m)
	}
	truncated := 0
	for range 3 * questionsSecond {
		if i.ask(e.Domains[sender.Plain], dns.TypeMX).Truncated {
			truncated++
		}
	}
	if truncated == 0 {
		t.Error("answers by UDP are not limited")
	}
}

// What was known before a restart is known after it: names, the key, what came.
func TestRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mxseal.db")
	var e *sender.Evidence
	ds := ""
	t.Run("before", func(t *testing.T) {
		i := start(t, file)
		e, ds = i.started("192.0.2.1"), i.DS()
		if err := i.send(e, sender.Plain, true); err != nil {
			t.Fatal(err)
		}
	})
	i := start(t, file)
	if i.DS() != ds {
		t.Error("the zone has another key")
	}
	if v := sender.Judge(i.evidence(e.ID), time.Now()); v.View.Of(sender.Plain).Fate != sender.Encrypted {
		t.Errorf("%+v", v.View.Of(sender.Plain))
	}
	if err := i.send(e, sender.WrongName, true); err != nil {
		t.Error(err)
	}
}

func TestBoundsOfTests(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "mxseal.db"))
	var last string
	for range ofNetwork {
		last = i.started("192.0.2.1").ID
	}
	if _, err := i.Start(t.Context(), netip.MustParseAddr("192.0.2.99")); !errors.Is(err, ErrNetwork) {
		t.Errorf("one too many: %v", err)
	}
	if err := i.End(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	again := i.started("192.0.2.1")
	if again.Domains[sender.STS] != "" || again.Domains[sender.Plain] == "" {
		t.Errorf("without a slot it offers %v", again.Domains)
	}
}

// A week after the end nothing names anybody, and the verdict is what it was.
func TestForgetting(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "mxseal.db"))
	e := i.started("192.0.2.1")
	if err := errors.Join(i.send(e, sender.Plain, true), i.send(e, sender.SelfSigned, true)); err != nil {
		t.Fatal(err)
	}
	settle(t, func() bool { return !sender.Judge(i.evidence(e.ID), time.Now()).View.Open })
	before := sender.Judge(i.evidence(e.ID), e.Ends)
	if err := i.saveAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	later, err := New(t.Context(), i.Config)
	if err != nil {
		t.Fatal(err)
	}
	later.now = func() time.Time { return time.Now().Add(30 * 24 * time.Hour) }
	for range 2 {
		if err := later.saveAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	one, err := i.Store.SenderTest(t.Context(), e.ID)
	if err != nil || strings.Contains(string(one.Body), "sender-of-mail") || strings.Contains(string(one.Body), "127.0.0.1") || strings.Contains(string(one.Body), "192.0.2") {
		t.Errorf("%s, %v", one.Body, err)
	}
	if after := sender.Judge(i.evidence(e.ID), time.Now()); after.Grade.Letter != before.Grade.Letter || after.Facts != before.Facts {
		t.Errorf("%+v, not %+v", after.Facts, before.Facts)
	}
}

// Who ends a test that has ended loses nothing of it.
func TestEndingTwice(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "mxseal.db"))
	e := i.started("192.0.2.1")
	if err := i.send(e, sender.Plain, true); err != nil {
		t.Fatal(err)
	}
	settle(t, func() bool { return !sender.Judge(i.evidence(e.ID), time.Now()).View.Open })
	if err := i.saveAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	later, err := New(t.Context(), i.Config)
	if err != nil {
		t.Fatal(err)
	}
	later.now = func() time.Time { return time.Now().Add(time.Hour) }
	if err := errors.Join(later.saveAll(t.Context()), later.End(t.Context(), e.ID), later.saveAll(t.Context())); err != nil {
		t.Fatal(err)
	}
	kept, err := later.Evidence(t.Context(), e.ID)
	if err != nil || len(kept.Sessions) != 1 || len(kept.Questions) == 0 {
		t.Errorf("%+v, %v", kept, err)
	}
}

// A second server of the same network or house still counts for the sender once names are hidden.
func TestHiddenNamesCompareAsBefore(t *testing.T) {
	began := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	session := func(after time.Duration, from, name string, traps ...sender.Trap) sender.Session {
		one := sender.Session{At: began.Add(after), Over: began.Add(after + time.Second), From: netip.MustParseAddr(from), To: sender.Honest, EHLO: name, STARTTLS: true, Hello: &sender.Hello{}}
		for _, trap := range traps {
			one.Messages = append(one.Messages, sender.Message{At: one.At, Trap: trap, Secure: true, Sent: true})
		}
		return one
	}
	left := session(3*time.Second, "2001:db8:1:200::1", "other.example")
	left.Named = sender.DANEBad
	of := session(6*time.Second, "203.0.113.1", "out2.mail.example")
	of.Named = sender.WrongName
	e := &sender.Evidence{Began: began, Ends: began.Add(Lasts), Domains: map[sender.Trap]string{sender.Plain: "a", sender.DANEBad: "b", sender.WrongName: "c"},
		Sessions: []sender.Session{session(0, "2001:db8:1:100::1", "out1.mail.example", sender.Plain), left, of}}
	now := began.Add(time.Minute)
	before := sender.Judge(e, now)
	anonymous(e)
	after := sender.Judge(e, now)
	for _, trap := range []sender.Trap{sender.DANEBad, sender.WrongName} {
		if b, a := before.View.Of(trap).Fate, after.View.Of(trap).Fate; b != sender.Refused || a != b {
			t.Errorf("%s: %s before, %s after", trap, b, a)
		}
	}
}

func TestHostileSenders(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "mxseal.db"))
	e := i.started("192.0.2.1")
	for name, text := range map[string]string{
		"garbage":     "\x00\x01\x02\xff\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"a long line": strings.Repeat("x", 100_000),
		"recipients":  "EHLO x\r\nMAIL FROM:<a@b>\r\n" + strings.Repeat("RCPT TO:<"+e.ID+"@"+e.Domains[sender.Plain]+">\r\n", 10_000),
		"a bad BDAT":  "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<" + e.ID + "@" + e.Domains[sender.Plain] + ">\r\nBDAT 99999999999 LAST\r\n",
	} {
		c, err := net.Dial("tcp4", i.at(sender.Honest))
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		go fmt.Fprint(c, text)
		out := make([]byte, 1<<20)
		n := 0
		for {
			k, err := c.Read(out[n:])
			if n += k; err != nil || n == len(out) {
				break
			}
			if name == "garbage" && strings.Count(string(out[:n]), "\n") > 3 {
				break
			}
		}
		c.Close()
		t.Logf("%s: %d octets", name, n)
	}
	big := strings.Repeat("x", 1000) + "\r\n"
	c, err := smtp.Dial(i.at(sender.Honest))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := errors.Join(c.Mail("a@b.example"), c.Rcpt(e.ID+"@"+e.Domains[sender.Plain])); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	for range 12 << 10 {
		if _, err = fmt.Fprint(w, big); err != nil {
			break
		}
	}
	if err = errors.Join(err, w.Close()); err == nil {
		t.Error("12 MB are taken")
	}
	if sender.Judge(i.evidence(e.ID), time.Now()).View.Of(sender.Plain).Fate.Delivered() {
		t.Error("what was refused counts as sent")
	}
}
