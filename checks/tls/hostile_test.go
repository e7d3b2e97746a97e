package tls

import (
	"bytes"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mxseal/checks/internal/hello"
	"mxseal/checks/internal/smtp/smtptest"
	"mxseal/checks/report"
)

// over puts a scripted TLS server behind a mail server in memory.
func over(serve func(c net.Conn, n int)) *smtptest.Server {
	return &smtptest.Server{Serve: func(n int, c *smtptest.Talk) {
		c.Say("220 mx.example.test")
		for _, answer := range []string{"250 STARTTLS", "220 go ahead"} {
			if _, ok := c.Hear(); !ok {
				return
			}
			c.Say(answer)
		}
		serve(c.Conn(), n)
	}}
}

func plain12() *script {
	return &script{versions: []uint16{hello.TLS12}, suites: []string{ecdheGCM, ecdheCBC, rsaCBC}, groups: p256, schemes: byHash, certs: rsaOnly}
}

// Some devices hang on a long hello. They are asked again with a short one, and what they
// have is found all the same.
func TestHangsOnLongHellos(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := plain12()
		s.longest = 600
		got, _ := visited(t, over(s.serve))
		for _, suite := range s.suites {
			if !strings.Contains(list(got), "TLS1.2 "+suite) {
				t.Errorf("%s is missing\n%s\n%s", suite, list(got), trace(got))
			}
		}
		if slices.Contains(got.Refused, "TLS1.2") {
			t.Errorf("refused: %v", got.Refused)
		}
	})
}

// Whatever a server sends, the check ends within the budget and holds nothing against it that
// it did not say.
func TestHostileServers(t *testing.T) {
	readHello := func(c net.Conn) { c.Read(make([]byte, 4096)) }
	hello12 := serverHello(hello.TLS12, 0xC02F, 0, make([]byte, 32))
	record := func(b []byte) []byte { return append([]byte{22, 3, 3, byte(len(b) >> 8), byte(len(b))}, b...) }
	for _, test := range []struct {
		why   string
		serve func(c net.Conn)
		words string // in the reason
	}{
		{"it says nothing at all", func(c net.Conn) { readHello(c); readHello(c) }, "no answer to the ClientHello"},
		{"a message of 16 MiB", func(c net.Conn) { readHello(c); c.Write(record([]byte{2, 0xFF, 0xFF, 0xFF})) }, "16777215 bytes"},
		{"16 MiB of certificates", func(c net.Conn) {
			readHello(c)
			c.Write(record(append(hello12, 11, 0xFF, 0xFF, 0xFF)))
		}, "16777215 bytes"},
		{"warnings without end", func(c net.Conn) {
			readHello(c)
			c.Write(bytes.Repeat([]byte{21, 3, 3, 0, 2, 1, 112}, 1000))
		}, "record after record"},
		{"messages out of order", func(c net.Conn) { readHello(c); c.Write(record(message(14, nil))) }, "out of order"},
		{"random bytes in the place of extensions", func(c net.Conn) {
			readHello(c)
			c.Write(record(message(2, append(append([]byte{3, 3}, make([]byte, 35)...), 0, 9, 1, 2))))
		}, "malformed"},
		{"a suite that was not offered", func(c net.Conn) {
			readHello(c)
			c.Write(record(append(serverHello(hello.TLS12, 0x4A4A, 0, make([]byte, 32)), message(14, nil)...)))
		}, "not offered"},
		{"it closes in the middle", func(c net.Conn) { readHello(c); c.Write(record(hello12)[:20]) }, "unexpected EOF"},
		{"an SMTP reply where TLS is due", func(c net.Conn) { readHello(c); c.Write([]byte("421 4.4.2 timeout\r\n")) }, "421 4.4.2 timeout"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := over(func(c net.Conn, _ int) { test.serve(c) })
			got, seen := visited(t, s)
			if len(got.Versions)+len(got.Ciphers)+len(seen) > 0 || got.Connections > budgetStandard || !strings.Contains(trace(got), test.words) {
				t.Errorf("%s: %v after %d connections\n%s", test.why, got.Versions, got.Connections, trace(got))
			}
			if test.words != "not offered" && len(got.Refused) > 0 {
				t.Errorf("%s: %v is held against it\n%s", test.why, got.Refused, trace(got))
			}
			if _, ok := findings(got)["TLS-64"]; !ok && test.words != "not offered" {
				t.Errorf("%s: nothing is said of what could not be asked", test.why)
			}
		})
	}
}

func findings(r *report.TLS) map[string]report.Finding {
	out := make(map[string]report.Finding)
	for _, f := range judged(&report.Address{IP: "192.0.2.25", TLS: r}) {
		out[f.Rule] = f
	}
	return out
}

// A certificate that nobody can parse is kept as it came.
func TestUnreadableCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := plain12()
		s.certs = map[string][]byte{"RSA": []byte("\x30\x82\xFF\xFF not even DER")}
		got, seen := visited(t, over(s.serve))
		if len(seen) != 1 || string(seen[0].Chain[0]) != "\x30\x82\xFF\xFF not even DER" || len(got.Ciphers) < 3 {
			t.Errorf("%d chains\n%s", len(seen), trace(got))
		}
		if !strings.Contains(trace(got), "a certificate that does not fit the suite") {
			t.Errorf("the reason is not told:\n%s", trace(got))
		}
	})
}
