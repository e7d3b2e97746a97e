package hello

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestFlights(t *testing.T) {
	leaf, issuer := []byte("leaf"), []byte("issuer")
	ecdheRSA := suiteID(t, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
	full := join(serverHello(TLS12, ecdheRSA, 0, nil, ExtExtendedMasterSecret, []byte{}, ExtRenegotiationInfo, []byte{0}),
		certificates(leaf, issuer),
		message(msgCertificateStatus, []byte{1, 0, 0, 4, 'o', 'c', 's', 'p'}),
		ecdhe(X25519, 0x0804), message(msgCertificateRequest, []byte{1, 1, 0, 0, 0, 0}), done)
	dhe := func(version uint16, suite string, bits int, tail []byte) []byte {
		return join(serverHello(version, suiteID(t, suite), 0, nil), certificates(leaf),
			message(msgServerKeyExchange, join(vectors(number(bits), []byte{2}, number(bits)), tail)), done)
	}
	signed := join([]byte{2, 1}, vectors([]byte("signature")))

	for _, test := range []struct {
		why   string
		bytes []byte
		want  string
	}{
		{"all messages in one record", record(22, full),
			"TLS1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 X25519 rsa_pss_rsae_sha256 certs 2 staple 4 ext 2 complete"},
		{"a message in many records", fragmented(full, 7),
			"TLS1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 X25519 rsa_pss_rsae_sha256 certs 2 staple 4 ext 2 complete"},
		{"warning alerts come before", join(alert(1, 112), alert(1, 112), record(22, full)),
			"TLS1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 X25519 rsa_pss_rsae_sha256 certs 2 staple 4 ext 2 complete"},
		{"compression is chosen", record(22, join(serverHello(TLS11, suiteID(t, "TLS_RSA_WITH_AES_128_CBC_SHA"), 1, nil), certificates(leaf), done)),
			"TLS1.1 TLS_RSA_WITH_AES_128_CBC_SHA compressed certs 1 complete"},
		{"TLS 1.2 DHE with SHA-1", record(22, dhe(TLS12, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 1024, signed)),
			"TLS1.2 TLS_DHE_RSA_WITH_AES_128_CBC_SHA 1024 rsa_pkcs1_sha1 certs 1 complete"},
		{"the prime's size is not its length in bytes", record(22, dhe(TLS10, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 513, []byte("36 bytes of MD5 and SHA-1"))),
			"TLS1.0 TLS_DHE_RSA_WITH_AES_128_CBC_SHA 513 certs 1 complete"},
		{"anonymous DH has no signature", record(22, dhe(TLS12, "TLS_DH_anon_WITH_AES_128_CBC_SHA", 768, nil)),
			"TLS1.2 TLS_DH_anon_WITH_AES_128_CBC_SHA 768 certs 1 complete"},
		{"RSA_EXPORT has a temporary key", record(22, join(serverHello(SSL3, suiteID(t, "TLS_RSA_EXPORT_WITH_RC4_40_MD5"), 0, nil), certificates(leaf),
			message(msgServerKeyExchange, vectors(number(512), []byte{1, 0, 1}, []byte("signature"))), done)),
			"SSL3 TLS_RSA_EXPORT_WITH_RC4_40_MD5 512 certs 1 complete"},
		{"an explicit curve", record(22, join(serverHello(TLS12, ecdheRSA, 0, nil), message(msgServerKeyExchange, []byte{1, 9, 9}), done)),
			"TLS1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 complete"},
		{"TLS 1.3 ends at the ServerHello", record(22, serverHello(TLS12, 0x1301, 0, nil, ExtSupportedVersions, []byte{3, 4}, ExtKeyShare, []byte{0, 29, 0, 1, 9})),
			"TLS1.3 TLS_AES_128_GCM_SHA256 X25519 ext 2 complete"},
		{"a HelloRetryRequest names suite and group", record(22, serverHello(TLS12, 0x1302, 0, retryRandom, ExtSupportedVersions, []byte{3, 4}, ExtKeyShare, []byte{0x11, 0xEC})),
			"TLS1.3 TLS_AES_256_GCM_SHA384 X25519MLKEM768 ext 2 retry complete"},

		{"an alert", alert(2, 40), "alert 40 (handshake_failure)"},
		{"an alert after the ServerHello", join(record(22, serverHello(TLS12, ecdheRSA, 0, nil)), alert(2, 80)),
			"TLS1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 alert 80 (internal_error)"},
		{"a farewell", alert(1, 0), "alert 0 (close_notify)"},
		{"nothing", nil, "EOF"},
		{"the end within a record", record(22, full)[:20], "unexpected EOF"},
		{"the end within a message", record(22, full[:20]), "unexpected EOF"},
		{"clear text", []byte("421 too many connections\r\n"), `no record: "421 too many connections\r\n"`},
		{"little clear text", []byte("42"), `no record: "42"`},
		{"HTTP", []byte("HTTP/1.0 400 Bad Request\r\n"), `no record: "HTTP/1.0 400 Bad`},
		{"application data", record(23, []byte("x")), "content type 23"},
		{"a record too long", []byte{22, 3, 3, 0xFF, 0xFF}, "a record of 65535 bytes"},
		{"a message too long", record(22, []byte{2, 0xFF, 0xFF, 0xFF}), "a handshake message of 16777215 bytes"},
		{"empty records for ever", bytes.Repeat(record(22, nil), 100), "record after record without a message"},
		{"warnings for ever", bytes.Repeat(alert(1, 112), 100), "record after record without a message"},
		{"requests for ever", bytes.Repeat(record(22, message(msgHelloRequest, nil)), 100), "too many handshake messages"},
		{"too much of it", join(record(22, serverHello(TLS12, ecdheRSA, 0, nil)), bytes.Repeat(spread(message(msgCertificateRequest, make([]byte, 48000))), 20)), "a first flight of more than"},
		{"a certificate first", record(22, certificates(leaf)), "out of order"},
		{"two ServerHellos", record(22, join(serverHello(TLS12, ecdheRSA, 0, nil), serverHello(TLS12, ecdheRSA, 0, nil))), "out of order"},
		{"two chains", record(22, join(serverHello(TLS12, ecdheRSA, 0, nil), certificates(leaf), certificates(leaf))), "malformed"},
		{"two key exchanges", record(22, join(serverHello(TLS12, ecdheRSA, 0, nil), ecdhe(29, 0x0401), ecdhe(29, 0x0401))), "malformed"},
		{"an empty certificate", record(22, join(serverHello(TLS12, ecdheRSA, 0, nil), certificates([]byte{}))), "malformed"},
		{"a Finished in the clear", record(22, join(serverHello(TLS12, ecdheRSA, 0, nil), message(20, nil))), "unexpected handshake message"},
		{"a version nobody numbers so", record(22, serverHello(0x0403, 1, 0, nil)), "malformed"},
		{"a retry with a share", record(22, serverHello(TLS12, 0x1302, 0, retryRandom, ExtKeyShare, []byte{0, 29, 0, 1, 9})), "malformed"},
		{"a share without a key", record(22, serverHello(TLS12, 0x1302, 0, nil, ExtKeyShare, []byte{0, 29})), "malformed"},
		{"a short ServerHello", record(22, message(msgServerHello, make([]byte, 20))), "malformed"},
		{"ServerHelloDone with a body", record(22, join(serverHello(TLS12, ecdheRSA, 0, nil), message(msgServerHelloDone, []byte{1}))), "malformed"},
	} {
		for _, r := range []io.Reader{bytes.NewReader(test.bytes), dribble{bytes.NewReader(test.bytes)}} {
			f, err := ReadFlight(r)
			if got := summary(f, err); !strings.Contains(got, test.want) && !strings.HasPrefix(test.want, "no record") {
				t.Errorf("%s:\ngot  %s\nwant %s", test.why, got, test.want)
			}
			var format *FormatError
			if strings.HasPrefix(test.want, "no record") && !errors.As(err, &format) {
				t.Errorf("%s: got %v, want a FormatError", test.why, err)
			}
		}
	}
}

func summary(f *Flight, err error) string {
	var s []string
	if f.Suite != 0 {
		s = append(s, VersionName(f.Version), SuiteOf(f.Suite).Name)
	}
	if f.Compression != 0 {
		s = append(s, "compressed")
	}
	if f.Group != 0 {
		s = append(s, GroupOf(f.Group).Name)
	}
	if k := f.KeyExchange; k != nil {
		if k.Bits > 0 {
			s = append(s, fmt.Sprint(k.Bits))
		}
		if k.Scheme > 0 {
			s = append(s, SchemeOf(k.Scheme).Name)
		}
	}
	if len(f.Certificates) > 0 {
		s = append(s, fmt.Sprint("certs ", len(f.Certificates)))
	}
	if len(f.Staple) > 0 {
		s = append(s, fmt.Sprint("staple ", len(f.Staple)))
	}
	if len(f.Extensions) > 0 {
		s = append(s, fmt.Sprint("ext ", len(f.Extensions)))
	}
	if f.Retry {
		s = append(s, "retry")
	}
	if f.Complete {
		s = append(s, "complete")
	}
	if err != nil {
		s = append(s, strings.NewReplacer("hello: ", "", "the server answered with ", "").Replace(err.Error()))
	}
	return strings.Join(s, " ")
}

func fragmented(b []byte, size int) []byte {
	var out []byte
	for part := range slices.Chunk(b, size) {
		out = append(out, record(22, part)...)
	}
	return out
}

func TestSSL2(t *testing.T) {
	hello := func(version byte, cert, specs []byte) []byte {
		body := join([]byte{4, 0, 1, 0, version, 0, byte(len(cert)), 0, byte(len(specs)), 0, 2}, cert, specs, []byte("id"))
		return join([]byte{0x80, byte(len(body))}, body)
	}
	padded := hello(2, []byte("cert"), []byte{1, 0, 0x80})
	for _, test := range []struct {
		why   string
		bytes []byte
		want  string
	}{
		{"two kinds", hello(2, []byte("cert"), []byte{1, 0, 0x80, 2, 0, 0x80}), "SSL_CK_RC4_128_WITH_MD5 SSL_CK_RC4_128_EXPORT40_WITH_MD5"},
		{"a header of three bytes", join([]byte{0, padded[1], 0}, padded[2:]), "SSL_CK_RC4_128_WITH_MD5"},
		{"no kind in common", hello(2, nil, nil), ""},
		{"a kind nobody knows", hello(2, nil, []byte{9, 9, 9}), "0x090909"},
		{"a TLS alert", alert(2, 70), "alert 70 (protocol_version)"},
		{"a warning, then a TLS message", join(alert(1, 112), record(22, done)), "a TLS message in answer to SSL 2.0"},
		{"an SSL 2.0 error", []byte{0x80, 3, 0, 0, 1}, "no SERVER-HELLO"},
		{"another version", hello(3, nil, nil), "no SERVER-HELLO"},
		{"half a kind", hello(2, nil, []byte{1, 2}), "no SERVER-HELLO"},
		{"a length beyond the end", []byte{0x80, 12, 4, 0, 1, 0, 2, 0xFF, 0xFF, 0, 3, 0, 0, 0}, "no SERVER-HELLO"},
		{"a record too long", []byte{0xFF, 0xFF}, "32767 bytes"},
		{"the end", nil, "EOF"},
	} {
		f, err := ReadSSL2(bytes.NewReader(test.bytes))
		var got []string
		for _, k := range f.Kinds {
			got = append(got, KindName(k))
		}
		if err != nil {
			got = append(got, err.Error())
		}
		if !strings.Contains(strings.Join(got, " "), test.want) {
			t.Errorf("%s: got %v, want %s", test.why, got, test.want)
		}
	}
}

// FuzzReadFlight: whatever a server sends, reading ends, stays within the limits and never
// calls a flight complete that has no suite of its own.
func FuzzReadFlight(f *testing.F) {
	f.Add(record(22, join(serverHello(TLS12, 0xC02F, 0, nil, ExtRenegotiationInfo, []byte{0}), certificates([]byte("leaf")), ecdhe(29, 0x0804), done)))
	f.Add(record(22, serverHello(TLS12, 0x1301, 0, retryRandom, ExtSupportedVersions, []byte{3, 4}, ExtKeyShare, []byte{0, 29})))
	f.Add(record(22, join(serverHello(TLS12, 0x0016, 0, nil), message(msgServerKeyExchange, vectors(number(512), []byte{2}, number(512))), done)))
	f.Add(join(alert(1, 112), alert(2, 40)))
	f.Add([]byte("421 4.7.0 no\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		flight, err := ReadFlight(bytes.NewReader(b))
		if flight == nil || flight.Complete == (err != nil) {
			t.Fatalf("flight %+v with error %v", flight, err)
		}
		total := len(flight.Staple)
		for _, c := range flight.Certificates {
			total += len(c)
		}
		if total > len(b) {
			t.Fatalf("%d bytes out of %d", total, len(b))
		}
	})
}

func FuzzReadSSL2(f *testing.F) {
	f.Add([]byte{0x80, 14, 4, 0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 1, 0, 0x80})
	f.Add(alert(2, 70))
	f.Fuzz(func(t *testing.T, b []byte) {
		flight, err := ReadSSL2(bytes.NewReader(b))
		if flight == nil || flight.Complete == (err != nil) {
			t.Fatalf("flight %+v with error %v", flight, err)
		}
	})
}

// FuzzMessages: messages come out as they went in, however the records cut them.
func FuzzMessages(f *testing.F) {
	f.Add([]byte("abc"), uint8(1), []byte("defghi"))
	f.Fuzz(func(t *testing.T, one []byte, size uint8, two []byte) {
		if size == 0 || len(one) > 1<<12 || len(two) > 1<<12 {
			return
		}
		m := &messages{r: bytes.NewReader(fragmented(join(message(11, one), message(12, two)), int(size)))}
		for i, want := range [][]byte{one, two} {
			kind, body, err := m.next()
			if err != nil || kind != uint8(11+i) || !bytes.Equal(body, want) {
				t.Fatalf("message %d: kind %d, body %x, error %v", i, kind, body, err)
			}
		}
		if _, _, err := m.next(); err != io.EOF {
			t.Fatalf("after the last: %v", err)
		}
	})
}
