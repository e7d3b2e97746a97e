package class

import (
	"testing"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
)

// How others see it, by the name of suite or group.
func TestHowOthersSeeIt(t *testing.T) {
	for _, test := range []struct {
		name            string
		bits            int
		ietf, ncsc, bsi string
	}{
		{"TLS_AES_128_GCM_SHA256", 0, "MUST", "sufficient", "recommended"},
		{"TLS_AES_256_GCM_SHA384", 0, "SHOULD", "good", "recommended"},
		{"TLS_CHACHA20_POLY1305_SHA256", 0, "SHOULD", "good", ""},
		{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0, "SHOULD", "sufficient", "until 2031"},
		{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 0, "SHOULD NOT", "", ""},
		{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", 0, "SHOULD NOT", "phase out", "until 2031"},
		{"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", 0, "SHOULD NOT", "phase out", "until 2031"},
		{"TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256", 0, "SHOULD NOT", "insufficient", ""},
		{"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", 3072, "MUST NOT", "phase out", "until 2029"},
		{"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", 2048, "MUST NOT", "insufficient", "until 2029"},
		{"TLS_RSA_WITH_AES_128_CBC_SHA", 0, "MUST NOT", "insufficient", ""},
		{"TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", 0, "SHOULD NOT", "", ""},
		{"TLS_ECDHE_RSA_WITH_RC4_128_SHA", 0, "MUST NOT", "insufficient", ""},
		{"TLS_RSA_WITH_NULL_SHA", 0, "MUST NOT", "insufficient", ""},
		{"TLS_RSA_EXPORT_WITH_RC4_40_MD5", 0, "MUST NOT", "insufficient", ""},
	} {
		s, _ := hello.SuiteNamed(test.name)
		if got := recommendedSuite(s, test.bits); got != (report.Recommended{IETF: test.ietf, NCSC: test.ncsc, BSI: test.bsi}) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
	for _, test := range []struct {
		name            string
		kind            report.ExchangeKind
		bits            int
		class           report.Class
		ietf, ncsc, bsi string
	}{
		{"X25519MLKEM768", "hybrid", 255, "good", "", "good", ""},
		{"X25519", "curve", 255, "sufficient", "SHOULD", "sufficient", ""},
		{"P-256", "curve", 256, "sufficient", "SHOULD", "sufficient", "recommended"},
		{"brainpoolP384r1", "curve", 384, "sufficient", "", "sufficient", "recommended"},
		{"P-224", "curve", 224, "phase-out", "", "phase out", ""},
		{"secp256k1", "curve", 256, "phase-out", "", "insufficient", ""},
		{"P-192", "curve", 192, "bad", "MUST NOT", "insufficient", ""},
		{"ffdhe3072", "finite-field", 3072, "dated", "MUST NOT", "phase out", "recommended"},
		{"ffdhe2048", "finite-field", 2048, "dated", "MUST NOT", "insufficient", ""},
		{"own-1024", "finite-field", 1024, "phase-out", "MUST NOT", "insufficient", ""},
		{"own-768", "finite-field", 768, "bad", "MUST NOT", "insufficient", ""},
		{"own-512", "finite-field", 512, "readable", "MUST NOT", "insufficient", ""},
	} {
		x := report.Exchange{Name: test.name, Kind: test.kind, Bits: test.bits, Versions: []report.Version{"TLS1.2"}}
		if got := recommendedExchange(x); ofExchange(x) != test.class || got != (report.Recommended{IETF: test.ietf, NCSC: test.ncsc, BSI: test.bsi}) {
			t.Errorf("%s: %s, %+v", test.name, ofExchange(x), got)
		}
	}
	r := &report.TLS{Versions: []report.Version{"TLS1.2"}, Refused: []report.Version{"TLS1.3", "SSL2"}}
	Derive(r)
	if len(r.Protocols) != 3 || r.Protocols[0].Accepted || !r.Protocols[1].Accepted || r.Protocols[1].BSI != "until 2031" || r.Protocols[2].Version != "SSL2" {
		t.Errorf("%+v", r.Protocols)
	}
}
