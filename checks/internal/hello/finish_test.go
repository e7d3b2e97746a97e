package hello

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
)

func rsaCertificate(t *testing.T, bits int) tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return selfSigned(t, key)
}

func selfSigned(t *testing.T, key crypto.Signer) tls.Certificate {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// echo is Go's own server: it greets a line inside TLS and ends.
func echo(t *testing.T, cfg *tls.Config) net.Conn {
	t.Helper()
	client, server := tcp(t)
	go func() {
		defer server.Close()
		c := tls.Server(server, cfg)
		if line, err := bufio.NewReader(c).ReadString('\n'); err == nil {
			fmt.Fprintf(c, "you said %s", line)
		} else {
			c.Write(nil)
		}
		c.Close()
	}()
	t.Cleanup(func() { client.Close() })
	return client
}

// converse finishes the handshake and says a line.
func converse(f *Flight, c net.Conn) (*Session, error) {
	s, err := f.Finish(c)
	if err != nil {
		return nil, err
	}
	if _, err := s.Write([]byte("hello\n")); err != nil {
		return s, err
	}
	said, err := io.ReadAll(s)
	if string(said) != "you said hello\n" && err == nil {
		err = fmt.Errorf("said %q", said)
	}
	return s, err
}

// Go's server accepts handshakes of ours in every version, key exchange and suite that we use.
func TestFinish(t *testing.T) {
	rsaCert, ecdsaCert := rsaCertificate(t, 2048), goCertificate(t)
	ask := []uint16{ExtExtendedMasterSecret, ExtRenegotiationInfo, ExtSessionTicket, ExtStatusRequest, ExtEncryptThenMAC}
	classic := func(version uint16, suite string, groups ...uint16) *Hello {
		h := &Hello{Version: version, Suites: []uint16{suiteID(t, suite)}, Groups: groups, Ask: ask, ServerName: "mx.example.test"}
		if version == TLS12 {
			h.Schemes = []uint16{0x0403, 0x0804, 0x0401}
		}
		return h
	}
	only13 := func(suite uint16, share uint16, groups ...uint16) *Hello {
		return &Hello{Version: TLS12, Versions: []uint16{TLS13}, Suites: []uint16{suite}, Groups: groups, Share: share,
			Schemes: []uint16{0x0403, 0x0804}, Ask: []uint16{ExtStatusRequest}, ServerName: "mx.example.test"}
	}
	for _, test := range []struct {
		why   string
		hello *Hello
		cfg   *tls.Config
		scheme, staple,
		want string
	}{
		{why: "TLS 1.3, P-256 and AES-128", hello: only13(0x1301, P256, P256), want: "TLS1.3 TLS_AES_128_GCM_SHA256 P-256", scheme: "ecdsa_secp256r1_sha256"},
		{why: "TLS 1.3, SHA-384", hello: only13(0x1302, P384, P384), want: "TLS1.3 TLS_AES_256_GCM_SHA384 P-384", scheme: "ecdsa_secp256r1_sha256"},
		{why: "TLS 1.3, ChaCha20", hello: only13(0x1303, 25, 25), want: "TLS1.3 TLS_CHACHA20_POLY1305_SHA256 P-521", scheme: "ecdsa_secp256r1_sha256"},
		{why: "TLS 1.3, hybrid with X25519", hello: only13(0x1302, 0x11EC, 0x11EC), want: "X25519MLKEM768", scheme: "ecdsa_secp256r1_sha256"},
		{why: "TLS 1.3, hybrid with P-256", hello: only13(0x1302, 0x11EB, 0x11EB), want: "SecP256r1MLKEM768", scheme: "ecdsa_secp256r1_sha256"},
		{why: "TLS 1.3, hybrid with P-384", hello: only13(0x1302, 0x11ED, 0x11ED), want: "SecP384r1MLKEM1024", scheme: "ecdsa_secp256r1_sha256"},
		{why: "TLS 1.3, after a HelloRetryRequest", hello: only13(0x1301, 0, X25519), want: "X25519", scheme: "ecdsa_secp256r1_sha256"},
		{why: "TLS 1.3, retried with a hybrid", hello: only13(0x1302, X25519, 0x11EC, X25519), want: "X25519MLKEM768", scheme: "ecdsa_secp256r1_sha256"},
		{why: "TLS 1.3 with RSA and a staple", hello: only13(0x1301, P256, P256), cfg: &tls.Config{Certificates: []tls.Certificate{{Certificate: rsaCert.Certificate, PrivateKey: rsaCert.PrivateKey, OCSPStaple: []byte("staple")}}},
			want: "TLS_AES_128_GCM_SHA256", scheme: "rsa_pss_rsae_sha256", staple: "staple"},
		{why: "TLS 1.3, asked for a certificate", hello: only13(0x1301, P256, P256), cfg: &tls.Config{ClientAuth: tls.RequestClientCert}, want: "P-256", scheme: "ecdsa_secp256r1_sha256"},
		{why: "TLS 1.2, ECDHE and AES-GCM", hello: classic(TLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 23), want: "TLS1.2"},
		{why: "TLS 1.2, SHA-384", hello: classic(TLS12, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 24), want: "P-384"},
		{why: "TLS 1.2, ChaCha20", hello: classic(TLS12, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", X25519), want: "X25519"},
		{why: "TLS 1.2, CBC with SHA-256", hello: classic(TLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", 25), want: "P-521"},
		{why: "TLS 1.2, CBC with SHA-1", hello: classic(TLS12, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", 23), want: "AES_256_CBC_SHA"},
		{why: "TLS 1.2, asked for a certificate", hello: classic(TLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 23), cfg: &tls.Config{ClientAuth: tls.RequestClientCert}, want: "TLS1.2"},
		{why: "TLS 1.2, RSA key exchange", hello: classic(TLS12, "TLS_RSA_WITH_AES_128_GCM_SHA256", 23), cfg: &tls.Config{Certificates: []tls.Certificate{rsaCert}}, want: "TLS_RSA_WITH"},
		{why: "TLS 1.1, CBC", hello: classic(TLS11, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 23), cfg: &tls.Config{Certificates: []tls.Certificate{rsaCert}}, want: "TLS1.1"},
		{why: "TLS 1.0, CBC", hello: classic(TLS10, "TLS_RSA_WITH_AES_256_CBC_SHA", 23), cfg: &tls.Config{Certificates: []tls.Certificate{rsaCert}}, want: "TLS1.0"},
	} {
		cfg := &tls.Config{}
		if test.cfg != nil {
			cfg = test.cfg
		}
		cfg.MinVersion = tls.VersionTLS10
		cfg.CipherSuites = append(cfg.CipherSuites, test.hello.Suites...)
		if cfg.Certificates == nil {
			cfg.Certificates = []tls.Certificate{ecdsaCert}
		}
		c := echo(t, cfg)
		f, err := test.hello.Exchange(c)
		if err != nil || !f.Finishable() {
			t.Errorf("%s: %v, finishable %v", test.why, err, f.Finishable())
			continue
		}
		if _, err = converse(f, c); err != nil || !strings.Contains(summary(f, nil), test.want) {
			t.Errorf("%s: %s: %v", test.why, summary(f, nil), err)
			continue
		}
		if !bytes.Equal(f.Certificates[0], cfg.Certificates[0].Certificate[0]) || string(f.Staple) != test.staple {
			t.Errorf("%s: %d certificates, staple %q", test.why, len(f.Certificates), f.Staple)
		}
		if f.Version == TLS13 && SchemeOf(f.Scheme).Name != test.scheme {
			t.Errorf("%s: signed with %s, want %s", test.why, SchemeOf(f.Scheme).Name, test.scheme)
		}
	}
}

// A session is taken up again by what the server left us of it.
func TestResume(t *testing.T) {
	cert := goCertificate(t)
	for _, test := range []struct {
		why     string
		hello   Hello
		off     bool
		resumed bool
	}{
		{"TLS 1.3", Hello{Version: TLS12, Versions: []uint16{TLS13}, Suites: []uint16{0x1302, 0x1301}, Groups: []uint16{X25519}, Share: X25519, Schemes: []uint16{0x0403}}, false, true},
		{"TLS 1.2", Hello{Version: TLS12, Suites: []uint16{0xC02B}, Groups: []uint16{23}, Schemes: []uint16{0x0403}, Ask: []uint16{ExtExtendedMasterSecret, ExtSessionTicket}}, false, true},
		{"tickets switched off", Hello{Version: TLS12, Versions: []uint16{TLS13}, Suites: []uint16{0x1301}, Groups: []uint16{X25519}, Share: X25519, Schemes: []uint16{0x0403}}, true, false},
	} {
		cfg := &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: test.off}
		c := echo(t, cfg)
		f, err := test.hello.Exchange(c)
		if err != nil {
			t.Fatalf("%s: %v", test.why, err)
		}
		s, err := converse(f, c)
		if err != nil {
			t.Fatalf("%s: %v", test.why, err)
		}
		if test.off {
			if len(s.Tickets) > 0 {
				t.Errorf("%s: %d tickets", test.why, len(s.Tickets))
			}
			continue
		}
		if len(s.Tickets) == 0 {
			t.Errorf("%s: no ticket", test.why)
			continue
		}
		again := test.hello
		again.Resume = s.Tickets[0]
		c = echo(t, cfg)
		if f, err = again.Exchange(c); err != nil || f.Resumed != test.resumed {
			t.Errorf("%s: resumed %v: %v", test.why, f.Resumed, err)
			continue
		}
		if _, err := converse(f, c); err != nil {
			t.Errorf("%s, resumed: %v", test.why, err)
		}
	}
}

// Go's server refuses to renegotiate: it breaks off, and we say that it did.
func TestRenegotiationRefused(t *testing.T) {
	c := echo(t, &tls.Config{Certificates: []tls.Certificate{goCertificate(t)}})
	h := &Hello{Version: TLS12, Suites: []uint16{0xC02B}, Groups: []uint16{23}, Schemes: []uint16{0x0403}, Ask: []uint16{ExtRenegotiationInfo}}
	f, err := h.Exchange(c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Finish(c)
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := s.Renegotiate()
	var alert *Alert
	if accepted || !errors.As(err, &alert) {
		t.Errorf("accepted %v, error %v", accepted, err)
	}
}

// What nobody should use is asked for and no further.
func TestNotFinishable(t *testing.T) {
	weak := func(suite string) []byte {
		return record(22, join(serverHello(TLS12, suiteID(t, suite), 0, nil), certificates([]byte("leaf")), done))
	}
	dhe := func(bits int) []byte {
		return record(22, join(serverHello(TLS12, suiteID(t, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"), 0, nil), certificates([]byte("leaf")),
			message(msgServerKeyExchange, join(vectors(number(bits), []byte{2}, number(bits)), []byte{4, 1}, vectors([]byte("s")))), done))
	}
	for _, test := range []struct {
		why    string
		answer []byte
		want   bool
	}{
		{"RC4", weak("TLS_RSA_WITH_RC4_128_SHA"), false},
		{"export", weak("TLS_RSA_EXPORT_WITH_DES40_CBC_SHA"), false},
		{"NULL", weak("TLS_RSA_WITH_NULL_SHA"), false},
		{"Camellia", weak("TLS_RSA_WITH_CAMELLIA_128_CBC_SHA"), false},
		{"CCM", weak("TLS_RSA_WITH_AES_128_CCM"), true},
		{"AES over RSA", weak("TLS_RSA_WITH_AES_128_CBC_SHA"), true},
		{"Diffie-Hellman with 512 bits", dhe(512), false},
		{"Diffie-Hellman with 2048 bits", dhe(2048), true},
		{"Diffie-Hellman with 16384 bits", dhe(16384), false},
		{"compression", record(22, join(serverHello(TLS12, suiteID(t, "TLS_RSA_WITH_AES_128_CBC_SHA"), 1, nil), certificates([]byte("leaf")), done)), false},
		{"SSL 3.0", record(22, join(serverHello(SSL3, suiteID(t, "TLS_RSA_WITH_AES_128_CBC_SHA"), 0, nil), certificates([]byte("leaf")), done)), false},
		{"X448", record(22, serverHello(TLS12, 0x1301, 0, retryRandom, ExtSupportedVersions, []byte{3, 4}, ExtKeyShare, []byte{0, 30})), true},
		{"brainpoolP256r1tls13", record(22, serverHello(TLS12, 0x1301, 0, retryRandom, ExtSupportedVersions, []byte{3, 4}, ExtKeyShare, []byte{0, 31})), false},
		{"a refusal", alert(2, 40), false},
	} {
		h := &Hello{Version: TLS12, Suites: []uint16{0x0005}}
		c := canned{bytes.NewReader(test.answer), io.Discard}
		f, _ := h.Exchange(c)
		if f.Finishable() != test.want {
			t.Errorf("%s: finishable %v", test.why, f.Finishable())
		}
		if _, err := f.Finish(c); err == nil || !test.want && !errors.Is(err, ErrNotUsed) {
			t.Errorf("%s: %v", test.why, err)
		}
	}
}

// canned is a server whose answer stands before it is asked.
type canned struct {
	io.Reader
	io.Writer
}
