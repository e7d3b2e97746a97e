package hello

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// sealed makes a session whose other side is the test's: both directions have keys of their own.
func sealed(t *testing.T, version uint16, suite string) (s *Session, theirs *protection, wire *bytes.Buffer) {
	t.Helper()
	is, _ := SuiteNamed(suite)
	mac, key, iv := is.sizes()
	fresh := func() *protection {
		p, err := newProtection(version, is, make([]byte, mac), make([]byte, key), make([]byte, iv))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	wire = new(bytes.Buffer)
	h := &Hello{Version: min(version, TLS12), Suites: []uint16{is.ID}, Ask: []uint16{ExtRenegotiationInfo}}
	f := &Flight{Version: version, Suite: is.ID, sent: &sent{hello: h}, in: &messages{r: wire, keys: fresh(), is13: version == TLS13}}
	return &Session{flight: f, rw: canned{wire, io.Discard}, out: fresh(), clientVerify: []byte("twelve bytes")}, fresh(), wire
}

const (
	gcm12    = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
	cbc12    = "TLS_RSA_WITH_AES_256_CBC_SHA256"
	chacha12 = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
)

// Whether a client may renegotiate is known from the first answer to one hello.
func TestRenegotiate(t *testing.T) {
	for _, test := range []struct {
		why      string
		answer   func(p *protection) []byte
		accepted bool
		over     string // the error; empty when the session goes on
	}{
		{"the server goes along", func(p *protection) []byte { return p.seal(22, serverHello(TLS12, 0xC02F, 0, nil)) }, true, ""},
		{"it asks for one itself first", func(p *protection) []byte {
			return join(p.seal(22, message(msgHelloRequest, nil)), p.seal(22, serverHello(TLS12, 0xC02F, 0, nil)))
		}, true, ""},
		{"a warning says no (RFC 5246 §7.2.2)", func(p *protection) []byte { return p.seal(21, []byte{1, 100}) }, false, ""},
		{"a fatal alert says no", func(p *protection) []byte { return p.seal(21, []byte{2, 10}) }, false, "alert 10"},
		{"it takes leave", func(p *protection) []byte { return p.seal(21, []byte{1, 0}) }, false, "alert 0"},
		{"it closes", func(*protection) []byte { return nil }, false, "EOF"},
		{"it answers in clear text", func(*protection) []byte { return []byte("421 lost\r\n") }, false, "421 lost"},
		{"it says something of its own", func(p *protection) []byte { return p.seal(23, []byte("421 busy\r\n")) }, false, "content type 23"},
		{"what it sends does not open", func(*protection) []byte { return record(22, make([]byte, 64)) }, false, "does not open"},
		{"requests without end", func(p *protection) (b []byte) {
			for range 100 {
				b = append(b, p.seal(22, message(msgHelloRequest, nil))...)
			}
			return b
		}, false, "record after record"},
	} {
		s, theirs, wire := sealed(t, TLS12, gcm12)
		wire.Write(test.answer(theirs))
		accepted, err := s.Renegotiate()
		if accepted != test.accepted || (err == nil) != (test.over == "") || err != nil && !strings.Contains(err.Error(), test.over) {
			t.Errorf("%s: accepted %v, error %v", test.why, accepted, err)
		}
	}
	s, _, _ := sealed(t, TLS13, "TLS_AES_128_GCM_SHA256")
	if _, err := s.Renegotiate(); !errors.Is(err, ErrNotUsed) { // TLS 1.3 has none (RFC 9846 §4.2.2)
		t.Errorf("TLS 1.3: %v", err)
	}
}

func ticket13(lifetime byte, extensions ...byte) []byte {
	return message(msgNewSessionTicket, join([]byte{0, 0, 0, lifetime, 1, 2, 3, 4, 1, 0, 0, 6}, []byte("ticket"), []byte{0, byte(len(extensions))}, extensions))
}

// Inside a session data are read and tickets collected; what does not belong there ends it.
func TestRead(t *testing.T) {
	early := []byte{0, 42, 0, 4, 0, 0, 64, 0}
	for _, test := range []struct {
		why     string
		version uint16
		suite   string
		sends   func(p *protection) []byte
		want    string // data, then the error
		tickets int
		early   uint32
	}{
		{why: "data", version: TLS12, suite: gcm12, sends: func(p *protection) []byte { return p.seal(23, []byte("221 bye\r\n")) }, want: "221 bye\r\n EOF"},
		{why: "data in pieces", version: TLS12, suite: chacha12, sends: func(p *protection) []byte { return join(p.seal(23, []byte("221")), p.seal(23, []byte(" bye"))) }, want: "221 bye EOF"},
		{why: "TLS 1.0 begins with an empty record", version: TLS10, suite: "TLS_RSA_WITH_AES_128_CBC_SHA",
			sends: func(p *protection) []byte { return join(p.seal(23, nil), p.seal(23, []byte("221"))) }, want: "221 EOF"},
		{why: "leave is taken", version: TLS12, suite: cbc12, sends: func(p *protection) []byte { return join(p.seal(23, []byte("221")), p.seal(21, []byte{1, 0})) }, want: "221 EOF"},
		{why: "an alert", version: TLS12, suite: cbc12, sends: func(p *protection) []byte { return p.seal(21, []byte{2, 80}) }, want: " hello: the server answered with alert 80 (internal_error)"},
		{why: "a ticket before the data", version: TLS13, suite: "TLS_AES_256_GCM_SHA384",
			sends: func(p *protection) []byte { return join(p.seal(22, ticket13(9)), p.seal(23, []byte("221"))) }, want: "221 EOF", tickets: 1},
		{why: "two in one record, the second allows 0-RTT", version: TLS13, suite: "TLS_CHACHA20_POLY1305_SHA256",
			sends: func(p *protection) []byte { return p.seal(22, join(ticket13(9), ticket13(9, early...))) }, want: " EOF", tickets: 2, early: 16384},
		{why: "a ticket in two records", version: TLS13, suite: "TLS_AES_128_GCM_SHA256",
			sends: func(p *protection) []byte { return join(p.seal(22, ticket13(9)[:7]), p.seal(22, ticket13(9)[7:])) }, want: " EOF", tickets: 1},
		{why: "tickets without end are not all kept", version: TLS13, suite: "TLS_AES_128_GCM_SHA256",
			sends: func(p *protection) (b []byte) {
				for range 20 {
					b = append(b, p.seal(22, ticket13(9))...)
				}
				return b
			}, want: " EOF", tickets: maxTickets},
		{why: "no tickets in clear", version: TLS13, suite: "TLS_AES_128_GCM_SHA256", sends: func(*protection) []byte { return record(22, ticket13(9)) }, want: "does not open"},
		{why: "a ticket cut short", version: TLS13, suite: "TLS_AES_128_GCM_SHA256",
			sends: func(p *protection) []byte { return p.seal(22, message(msgNewSessionTicket, make([]byte, 9))) }, want: "malformed"},
		{why: "a request to renegotiate is passed over", version: TLS12, suite: gcm12,
			sends: func(p *protection) []byte {
				return join(p.seal(22, message(msgHelloRequest, nil)), p.seal(23, []byte("250")))
			}, want: "250 EOF"},
		{why: "a message that belongs elsewhere", version: TLS12, suite: gcm12, sends: func(p *protection) []byte { return p.seal(22, message(msgFinished, nil)) }, want: "unexpected handshake message"},
		{why: "a message too long", version: TLS13, suite: "TLS_AES_128_GCM_SHA256",
			sends: func(p *protection) (b []byte) {
				big := message(msgNewSessionTicket, make([]byte, 1<<20))
				for part := range slices.Chunk(big, 1<<14) {
					b = append(b, p.seal(22, part)...)
				}
				return b
			}, want: "more than 131072 bytes"},
		{why: "empty records without end", version: TLS12, suite: gcm12, sends: func(p *protection) (b []byte) {
			for range 100 {
				b = append(b, p.seal(23, nil)...)
			}
			return b
		}, want: "record after record"},
		{why: "a record twice", version: TLS12, suite: gcm12, sends: func(p *protection) []byte { r := p.seal(23, []byte("x")); return join(r, r) }, want: "does not open"},
	} {
		s, theirs, wire := sealed(t, test.version, test.suite)
		wire.Write(test.sends(theirs))
		data, err := io.ReadAll(s)
		got := string(data) + " "
		if err == nil {
			err = io.EOF
		}
		if got += err.Error(); !strings.Contains(got, test.want) || len(s.Tickets) != test.tickets {
			t.Errorf("%s: %q, %d tickets, want %q, %d", test.why, got, len(s.Tickets), test.want, test.tickets)
		}
		most := uint32(0)
		for _, ticket := range s.Tickets {
			most = max(most, ticket.EarlyData)
		}
		if most != test.early {
			t.Errorf("%s: %d bytes of early data, want %d", test.why, most, test.early)
		}
	}
}

// A byte changed on the way is noticed wherever it stands, and nothing comes to harm.
func TestTampering(t *testing.T) {
	cert := goCertificate(t)
	for _, h := range []*Hello{
		{Version: TLS12, Versions: []uint16{TLS13}, Suites: []uint16{0x1301}, Groups: []uint16{X25519}, Share: X25519, Schemes: []uint16{0x0403}},
		{Version: TLS12, Suites: []uint16{0xC02B}, Groups: []uint16{23}, Schemes: []uint16{0x0403}},
		{Version: TLS12, Suites: []uint16{0xC009}, Groups: []uint16{23}, Schemes: []uint16{0x0403}},
	} {
		for at := 0; at < 900; at += 29 {
			c := echo(t, &tls.Config{Certificates: []tls.Certificate{cert}, CipherSuites: h.Suites})
			c.SetDeadline(time.Now().Add(300 * time.Millisecond)) // a length that grew is waited for
			bad := &corrupted{Conn: c, at: at}
			f, err := h.Exchange(bad)
			if err == nil {
				_, err = converse(f, bad)
			}
			if err == nil && bad.done {
				t.Errorf("%s: byte %d was changed and nothing noticed", VersionName(f.Version), at)
			}
			c.Close()
		}
	}
}

// corrupted is a connection on which one byte of what the server sends is changed; not one
// of a record's version, which means nothing (RFC 9846 §5.1).
type corrupted struct {
	net.Conn
	at   int // bytes until then
	done bool
	head []byte // of the present record
	body int    // bytes of it still to come
}

func (c *corrupted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for i := range n {
		due := !c.done && c.at <= 0
		c.at--
		switch {
		case c.body > 0:
			c.body--
		default:
			if c.head = append(c.head, p[i]); len(c.head) == 5 {
				c.body, c.head = int(c.head[3])<<8|int(c.head[4]), nil
			}
			due = due && len(c.head) != 2 && len(c.head) != 3
		}
		if due {
			p[i] ^= 0x01
			c.done = true
		}
	}
	return n, err
}

// FuzzEncrypted: whatever stands in the encrypted part of a flight, reading ends and keeps
// no more than came.
func FuzzEncrypted(f *testing.F) {
	ee := message(msgEncryptedExtensions, []byte{0, 10, 0, 10, 0, 6, 0, 4, 0, 29, 0, 23})
	chain := message(msgCertificate, join([]byte{0, 0, 0, 9, 0, 0, 4}, []byte("leaf"), []byte{0, 0}))
	f.Add(join(ee, chain, message(msgCertificateVerify, []byte{4, 3, 0, 0}), message(msgFinished, make([]byte, 32))))
	f.Add(join(ee, message(msgCertificateRequest, []byte{0, 0, 0}), chain))
	f.Add(message(msgEncryptedExtensions, []byte{0, 0}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 || len(b) > 1<<15 {
			return
		}
		flight := &Flight{Version: TLS13, Suite: 0x1301, in: &messages{r: bytes.NewReader(fragmented(b, 1000))}}
		_, verify, err := flight.encrypted()
		total := len(flight.Staple) + 2*len(flight.Groups) + len(verify)
		for _, c := range flight.Certificates {
			total += len(c)
		}
		if total > len(b) || err == nil && (flight.Scheme == 0 && len(flight.Certificates) == 0) && verify == nil {
			t.Fatalf("%d bytes out of %d, error %v", total, len(b), err)
		}
	})
}

func FuzzTicket(f *testing.F) {
	f.Add(ticket13(9, 0, 42, 0, 4, 0, 0, 64, 0)[4:])
	f.Add([]byte{0, 0, 1, 44, 0, 2, 'o', 'k'})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, _ := SuiteNamed("TLS_AES_128_GCM_SHA256")
		if ticket, ok := newTicket13(s, make([]byte, 32), b); ok && (len(ticket.ticket) == 0 || len(ticket.secret) != 32) {
			t.Fatalf("%+v", ticket)
		}
		session := &Session{}
		if session.newTicket(b) && len(session.Tickets) == 1 && len(session.Tickets[0].ticket) == 0 {
			t.Fatal("a ticket of nothing")
		}
	})
}

// FuzzProtection: what was sealed opens again and nothing else does, without harm.
func FuzzProtection(f *testing.F) {
	f.Add([]byte("221 bye"), []byte{0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, content, noise []byte) {
		if len(content) > 1<<12 || len(noise) > 1<<12 {
			return
		}
		for _, of := range []struct {
			version uint16
			suite   string
			after   bool
		}{{TLS13, "TLS_AES_128_GCM_SHA256", false}, {TLS12, gcm12, false}, {TLS12, chacha12, false}, {TLS12, cbc12, false}, {TLS12, cbc12, true}, {TLS10, "TLS_RSA_WITH_AES_128_CBC_SHA", false}} {
			s, theirs, _ := sealed(t, of.version, of.suite)
			in := s.flight.in.keys
			in.macAfter, theirs.macAfter = of.after, of.after
			r := theirs.seal(23, content)
			if kind, got, ok := in.open(r[0], r[5:]); !ok || kind != 23 || !bytes.Equal(got, content) {
				t.Fatalf("%s: %x, %v", of.suite, got, ok)
			}
			if _, _, ok := in.open(23, noise); ok {
				t.Fatalf("%s: noise opens", of.suite)
			}
		}
	})
}

func FuzzShare(f *testing.F) {
	f.Add([]byte{4, 1, 2, 3})
	f.Add(make([]byte, 1120))
	shares := make(map[uint16]*share)
	for g := range curves {
		s, err := newShare(g)
		if err != nil {
			f.Fatal(err)
		}
		shares[g] = s
	}
	f.Fuzz(func(t *testing.T, theirs []byte) {
		for g, s := range shares {
			if secret, err := s.secret(theirs); err == nil && len(secret) < 32 {
				t.Fatalf("%s: a secret of %d bytes", GroupOf(g).Name, len(secret))
			}
		}
	})
}
