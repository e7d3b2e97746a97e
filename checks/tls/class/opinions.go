package class

import (
	"slices"
	"strings"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
)

// protocols is RULES appendix B: our class of each version, and how others see it.
var protocols = map[report.Version]struct {
	class report.Class
	report.Recommended
}{
	report.TLS13: {report.Good, report.Recommended{IETF: "SHOULD", NCSC: "good", BSI: "recommended"}},
	report.TLS12: {report.Sufficient, report.Recommended{IETF: "MUST", NCSC: "sufficient", BSI: "until 2031"}},
	report.TLS11: {report.PhaseOut, report.Recommended{IETF: "MUST NOT", NCSC: "insufficient", BSI: "no"}},
	report.TLS10: {report.PhaseOut, report.Recommended{IETF: "MUST NOT", NCSC: "insufficient", BSI: "no"}},
	report.SSL3:  {report.Bad, report.Recommended{IETF: "MUST NOT", NCSC: "insufficient", BSI: "no"}},
	report.SSL2:  {report.Bad, report.Recommended{IETF: "MUST NOT", NCSC: "insufficient", BSI: "no"}},
}

// recommendedSuite is how others see a cipher suite: RFC 9846 §9.1, RFC 9325 §4.1 and §4.2,
// RFC 7465 and RFC 10015; RULES appendix A; the tables of TR-02102-2.
func recommendedSuite(s hello.Suite, dhBits int) report.Recommended {
	return report.Recommended{IETF: suiteIETF(s), NCSC: suiteNCSC(s, dhBits), BSI: suiteBSI(s)}
}

func suiteIETF(s hello.Suite) string {
	switch {
	case Breakable(s), s.Cipher == "RC4", Static(s) && s.KeyExchange != "ECDH", s.KeyExchange == "DHE":
		return "MUST NOT"
	case Static(s):
		return "SHOULD NOT"
	case s.Name == "TLS_AES_128_GCM_SHA256":
		return "MUST"
	case s.TLS13 && s.Bits == 256 && (s.Mode == "GCM" || s.Cipher == "CHACHA20"):
		return "SHOULD"
	case s.Cipher == "3DES", s.Mode == "CBC":
		return "SHOULD NOT"
	case s.KeyExchange == "ECDHE" && s.Cipher == "AES" && s.Mode == "GCM":
		return "SHOULD"
	}
	return ""
}

func suiteNCSC(s hello.Suite, dhBits int) string {
	switch class := Of(s, dhBits); {
	case class == report.Good, class == report.Sufficient:
		return string(class)
	case class == report.Readable, class == report.Bad, class == report.Anonymous, Static(s):
		return "insufficient"
	case s.KeyExchange == "DHE" && s.AEAD && dhBits >= 3072:
		return "phase out"
	case s.KeyExchange == "DHE" && dhBits > 0 && dhBits < 3072:
		return "insufficient"
	case s.KeyExchange == "ECDHE" && s.Cipher == "AES" && s.Mode == "CBC" && s.Hash != "SHA":
		return "phase out"
	}
	return ""
}

func suiteBSI(s hello.Suite) string {
	if s.Cipher != "AES" || s.Mode == "CCM_8" || s.Auth == "anon" || s.Mode == "CBC" && s.Hash == "SHA" {
		return ""
	}
	switch {
	case s.TLS13:
		return "recommended"
	case s.KeyExchange == "ECDHE":
		return "until 2031"
	case s.KeyExchange == "DHE":
		return "until 2029"
	}
	return ""
}

// ofExchange is our class of a group: 224 bits are the least for a curve, 2048 for a
// prime (RFC 9325 §4.5).
func ofExchange(x report.Exchange) report.Class {
	curve, prime := x.Kind == report.Curve, x.Kind == report.FiniteField
	switch {
	case x.Kind == report.Hybrid:
		return report.Good
	case curve && x.Bits >= 255 && !strings.HasPrefix(x.Name, "s"):
		return report.Sufficient
	case curve && x.Bits >= 224:
		return report.PhaseOut
	case prime && x.Bits >= 2048:
		return report.Dated
	case prime && x.Bits >= 1024:
		return report.PhaseOut
	case prime && x.Bits < 768:
		return report.Readable
	}
	return report.Bad
}

// recommendedExchange is how others see a group: RFC 9325 §4.2.1 and §4.5, RFC 10015; NCSC-NL
// as in RULES appendix A; the curves and primes that TR-02102-2 lists.
func recommendedExchange(x report.Exchange) report.Recommended {
	s := report.Recommended{NCSC: "insufficient"}
	brainpool := strings.HasPrefix(x.Name, "brainpool")
	nist := x.Name == "P-256" || x.Name == "P-384" || x.Name == "P-521"
	ff := strings.HasPrefix(x.Name, "ffdhe")
	switch {
	case x.Kind == report.Hybrid:
		s.NCSC = "good"
	case nist, brainpool, x.Name == "X25519", x.Name == "X448":
		s.NCSC = "sufficient"
	case x.Name == "P-224", ff && x.Bits >= 3072:
		s.NCSC = "phase out"
	}
	switch {
	case x.Name == "X25519", x.Name == "P-256":
		s.IETF = "SHOULD"
	case x.Kind == report.Curve && x.Bits < 224, x.Kind == report.FiniteField && x.Bits < 2048,
		x.Kind == report.FiniteField && !slices.Contains(x.Versions, report.TLS13):
		s.IETF = "MUST NOT"
	}
	if nist || brainpool || x.Name == "ffdhe3072" || x.Name == "ffdhe4096" {
		s.BSI = "recommended"
	}
	return s
}
