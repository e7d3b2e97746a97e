package probe

import (
	"testing"

	"mxseal/checks/internal/hello"
)

// A probe says what it offered, so that it can be made again by hand.
func TestOffered(t *testing.T) {
	const sni = "mx.example.test"
	fallback := &hello.Hello{Version: hello.TLS10, Suites: []uint16{0x000A, hello.FallbackSCSV}, Groups: []uint16{hello.P256}, Compression: true, ServerName: sni}
	odd := &hello.Hello{Version: hello.TLS12, Versions: []uint16{0x1A1A, hello.TLS13}, Suites: []uint16{0x2A2A, 0x1301},
		Groups: []uint16{0x3A3A, hello.X25519}, Share: hello.X25519}
	resumed := &hello.Hello{Version: hello.TLS12, Versions: []uint16{hello.TLS13}, Suites: []uint16{0x1301}, Groups: []uint16{hello.X25519}, ServerName: sni, Resume: &hello.Ticket{}}
	weak := &hello.Hello{Version: hello.TLS12, Suites: []uint16{0xC02F}, Schemes: []uint16{0x0201, 0x0101}, Groups: []uint16{1, 2, 3, 4}, Compression: true, ServerName: sni}
	for _, test := range []struct {
		why  string
		h    *hello.Hello
		want string
	}{
		{"SSL 2.0", &hello.Hello{Version: hello.SSL2}, "SSL2 CLIENT-HELLO, all 10 cipher kinds"},
		{"SSL 3.0 has no extensions", &hello.Hello{Version: hello.SSL3, Suites: []uint16{0x0005}, Compression: true}, "SSL3; TLS_RSA_WITH_RC4_128_SHA; compression"},
		{"few by name", fallback, "TLS1.0; TLS_RSA_WITH_3DES_EDE_CBC_SHA, TLS_FALLBACK_SCSV; P-256; compression; name mx.example.test"},
		{"what nobody knows", odd, "GREASE, TLS1.3; GREASE, TLS_AES_128_GCM_SHA256; GREASE, X25519; key share of X25519; no server name"},
		{"a session", resumed, "TLS1.3; TLS_AES_128_GCM_SHA256; X25519; an earlier session; name mx.example.test"},
		{"many by number, few schemes by name", weak, "TLS1.2; TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256; 4 groups; rsa_pkcs1_sha1, rsa_pkcs1_md5; compression; name mx.example.test"},
	} {
		if got := offered(test.h); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.why, got, test.want)
		}
	}
}
