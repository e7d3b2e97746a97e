package tls

import (
	"slices"
	"strings"
	"testing"

	"mxseal/checks/check/checktest"
	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
)

func yes() *bool { v := true; return &v }
func no() *bool  { v := false; return &v }

// seen is what a good server shows at standard depth, changed as a case needs it.
func good(change func(*report.TLS)) *report.Address {
	t := &report.TLS{
		Version: "TLS1.3", Cipher: "TLS_AES_256_GCM_SHA384", Group: "X25519MLKEM768",
		Versions: []report.Version{"TLS1.3", "TLS1.2"}, Refused: []report.Version{"TLS1.1", "TLS1.0", "SSL3", "SSL2"},
		Ciphers: []report.Suite{
			accepted("TLS1.3", "TLS_AES_256_GCM_SHA384", 0, true),
			accepted("TLS1.3", "TLS_AES_128_GCM_SHA256", 0, false),
			accepted("TLS1.2", ecdheGCM, 0, false),
		},
		Groups: []string{"X25519MLKEM768", "X25519"}, Preference: "server",
		Features: &report.Features{ExtendedMasterSecret: yes(), SecureRenegotiation: yes(), Compression: no(), HybridIntolerant: no(),
			NeedsSNI: no(), Tickets: no(), TruncatedHMAC: no(), GREASEIntolerant: no(), WeakHash: no(), KeyExchangeHash: "SHA-256"},
		Staple: &report.Staple{Status: "good"},
		Probes: []report.Probe{{Name: "TLS1.2", Result: "accepted"}, {Name: "TLS1.3", Result: "refused"}},
	}
	change(t)
	return &report.Address{IP: "192.0.2.25", TLS: t}
}

func accepted(version report.Version, name string, bits int, chosen bool) report.Suite {
	s, ok := hello.SuiteNamed(name)
	if !ok {
		panic(name)
	}
	return report.Suite{Version: version, Name: name, Class: class.Of(s, bits), DHBits: bits, Chosen: chosen}
}

// only12 makes a TLS 1.2 server that chooses the first of the suites.
func only12(bits int, names ...string) func(*report.TLS) {
	return func(t *report.TLS) {
		t.Version, t.Cipher, t.Group = "TLS1.2", names[0], ""
		t.Versions, t.Refused = []report.Version{"TLS1.2"}, []report.Version{"TLS1.3", "TLS1.1", "TLS1.0", "SSL3", "SSL2"}
		t.Ciphers = nil
		for i, n := range names {
			b := bits
			if !strings.Contains(n, "DH_") && !strings.Contains(n, "DHE_") || strings.Contains(n, "ECDH") {
				b = 0
			}
			t.Ciphers = append(t.Ciphers, accepted("TLS1.2", n, b, i == 0))
		}
	}
}

// only13 is a server that speaks TLS 1.3 and refused these versions.
func only13(enforced *bool, refused ...report.Version) *report.Address {
	a := good(func(t *report.TLS) {
		t.Versions, t.Refused = []report.Version{"TLS1.3"}, refused
		t.Ciphers = []report.Suite{accepted("TLS1.3", "TLS_AES_256_GCM_SHA384", 0, true)}
	})
	a.SMTP = &report.SMTP{STARTTLS: "ok", Enforced: enforced}
	return a
}

func also(names ...string) func(*report.TLS) {
	return func(t *report.TLS) {
		for _, n := range names {
			t.Ciphers = append(t.Ciphers, accepted("TLS1.2", n, 0, false))
		}
	}
}

const (
	rsaNull   = "TLS_RSA_WITH_NULL_SHA"
	rsaDES    = "TLS_RSA_WITH_DES_CBC_SHA"
	ecdheRC4  = "TLS_ECDHE_RSA_WITH_RC4_128_SHA"
	ecdhe3DES = "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"
	anonGCM   = "TLS_DH_anon_WITH_AES_128_GCM_SHA256"
	ecdsaGCM  = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
	camellia  = "TLS_ECDHE_RSA_WITH_CAMELLIA_128_GCM_SHA256"
)

type verdict struct {
	verdict report.Verdict
	effects []report.Effect
}

// cases say which rules fire. A rule is named with what it does there when that is not its usual.
var cases = []struct {
	why     string
	address *report.Address
	rules   string
	special map[string]verdict
}{
	{"a good server", good(func(*report.TLS) {}), "TLS-01 TLS-41 TLS-58", nil},
	{"nothing is known", &report.Address{TLS: &report.TLS{}}, "", nil},
	{"quick: the handshake alone", good(func(t *report.TLS) { t.Ciphers, t.Probes, t.Refused = nil, nil, nil }), "TLS-01 TLS-41 TLS-58", nil},
	{"quick: one that ended in CBC", good(func(t *report.TLS) {
		only12(0, ecdheCBC)(t)
		t.Ciphers, t.Probes, t.Refused, t.Groups = nil, nil, []report.Version{"TLS1.3"}, []string{"P-256"}
	}), "TLS-02 TLS-38 TLS-42 TLS-58", nil},
	{"quick: another curve says nothing about the common ones", good(func(t *report.TLS) { t.Ciphers, t.Probes, t.Groups = nil, nil, []string{"P-384"} }), "TLS-01 TLS-42 TLS-58", nil},

	{"TLS 1.2 alone", good(only12(0, ecdheGCM)), "TLS-02 TLS-41 TLS-58", nil},
	{"TLS 1.3 not asked for", good(func(t *report.TLS) { only12(0, ecdheGCM)(t); t.Refused = nil }), "TLS-41 TLS-58", nil},
	{"TLS 1.3 alone, and clear text is taken", only13(no(), "TLS1.2"), "TLS-01 TLS-41 TLS-58 TLS-75", nil},
	{"TLS 1.3 alone, and clear text is refused", only13(yes(), "TLS1.2"), "TLS-01 TLS-41 TLS-58", nil},
	{"TLS 1.3 alone, and whether clear text is taken is not known", only13(nil, "TLS1.2"), "TLS-01 TLS-41 TLS-58", nil},
	{"TLS 1.3, and TLS 1.2 was not asked for", only13(no()), "TLS-01 TLS-41 TLS-58", nil},
	{"old versions beside", good(func(t *report.TLS) { t.Versions = append(t.Versions, "TLS1.1", "TLS1.0") }), "TLS-01 TLS-03 TLS-41 TLS-58", nil},
	{"SSL 3.0 beside", good(func(t *report.TLS) { t.Versions = append(t.Versions, "SSL3") }), "TLS-01 TLS-04 TLS-41 TLS-58", nil},
	{"SSL 2.0 beside; its suites are not judged", good(func(t *report.TLS) {
		t.Versions = append(t.Versions, "SSL2")
		t.Ciphers = append(t.Ciphers, report.Suite{Version: "SSL2", Name: "SSL_CK_DES_64_CBC_WITH_MD5", Class: "readable"})
	}), "TLS-01 TLS-05 TLS-41 TLS-58", nil},
	{"TLS 1.3 there and not chosen", good(func(t *report.TLS) { only12(0, ecdheGCM)(t); t.Versions = []report.Version{"TLS1.3", "TLS1.2"} }), "TLS-06 TLS-41 TLS-58", nil},
	{"unknown values break it", good(func(t *report.TLS) { t.Features.GREASEIntolerant = yes() }), "TLS-01 TLS-07 TLS-41 TLS-58", nil},
	{"a large hello breaks it, and came through nowhere else", tried(hybridless(), "modern reset", "no-hybrid", "modern reset"),
		"TLS-01 TLS-08 TLS-58", map[string]verdict{"TLS-08": {report.Untested, []report.Effect{report.Provisional}}}},
	{"a large hello had no answer, once", tried(hybridless(), "modern timeout", "modern", "no-hybrid"), "TLS-01 TLS-58", nil},
	{"TLS 1.3 in the hello breaks it", tried(only12And13Refused(), "modern reset", "no-hybrid reset", "small-tls12"), "TLS-67 TLS-42 TLS-58", nil},
	{"TLS 1.3 in the hello has no answer", tried(only12And13Refused(), "modern timeout", "modern timeout", "no-hybrid timeout", "small-tls12"), "TLS-02 TLS-42 TLS-58", nil},
	{"another certificate without a name", func() *report.Address {
		a := good(func(*report.TLS) {})
		a.Certificates = []*report.Certificate{{Via: "first", Names: []string{"mx.example.test"}}, {Via: "no-sni", Names: []string{"hoster.example"}}}
		return a
	}(), "TLS-01 TLS-41 TLS-58 TLS-68", nil},
	{"TLS 1.0 is the best", good(func(t *report.TLS) {
		t.Version, t.Versions, t.Refused, t.Ciphers, t.Groups = "TLS1.0", []report.Version{"TLS1.0"}, nil, []report.Suite{accepted("TLS1.0", ecdheCBC, 0, true)}, []string{"P-256"}
	}), "TLS-09 TLS-38 TLS-42 TLS-58", nil},
	{"TLS 1.0 is the best, and SMT-19 said so", withLadder(good(func(t *report.TLS) {
		t.Version, t.Versions, t.Refused, t.Ciphers, t.Groups = "TLS1.0", []report.Version{"TLS1.0"}, nil, nil, []string{"P-256"}
		t.Cipher = ecdheCBC
	}), "tls10"), "TLS-09 TLS-38 TLS-42 TLS-58", map[string]verdict{"TLS-09": {report.Fail, nil}}},
	{"SSL 3.0 is the best", good(func(t *report.TLS) {
		*t = report.TLS{Versions: []report.Version{"SSL3", "SSL2"}, Ciphers: []report.Suite{accepted("SSL3", rsaCBC, 0, false)}}
	}), "TLS-10 TLS-05 TLS-29", nil},
	{"SSL 2.0 is all there is, and SMT-18 said so", &report.Address{SMTP: &report.SMTP{STARTTLS: "handshake-failed"}, TLS: &report.TLS{Versions: []report.Version{"SSL2"}}},
		"TLS-10", map[string]verdict{"TLS-10": {report.Fail, nil}}},

	{"NULL chosen", good(only12(0, rsaNull, ecdheGCM)), "TLS-02 TLS-20 TLS-39 TLS-41 TLS-58", nil},
	{"export chosen", good(only12(0, export, ecdheGCM)), "TLS-02 TLS-21 TLS-39 TLS-41 TLS-58", nil},
	{"single DES chosen", good(only12(0, rsaDES, ecdheGCM)), "TLS-02 TLS-22 TLS-39 TLS-41 TLS-58", nil},
	{"DHE with 512 bits chosen", good(only12(512, dheGCM, ecdheGCM)), "TLS-02 TLS-22 TLS-39 TLS-41 TLS-58", nil},
	{"RC4 chosen", good(only12(0, ecdheRC4, ecdheGCM)), "TLS-02 TLS-23 TLS-39 TLS-41 TLS-58", nil},
	{"3DES chosen", good(only12(0, ecdhe3DES, ecdheGCM)), "TLS-02 TLS-26 TLS-39 TLS-41 TLS-58", map[string]verdict{"TLS-26": {report.Fail, []report.Effect{"cap B"}}}},
	{"anonymous chosen", good(only12(2048, anonGCM, ecdheGCM)), "TLS-02 TLS-28 TLS-41 TLS-58", map[string]verdict{"TLS-28": {report.Info, nil}}},
	{"static RSA chosen", good(only12(0, rsaCBC, ecdheGCM)), "TLS-02 TLS-30 TLS-38 TLS-39 TLS-41 TLS-58", nil},
	{"static RSA is all there is", good(only12(0, rsaCBC)), "TLS-02 TLS-30 TLS-38 TLS-41 TLS-58", nil},
	{"DHE chosen", good(only12(3072, dheGCM, ecdheGCM)), "TLS-02 TLS-32 TLS-39 TLS-41 TLS-58", nil},
	{"DHE with 1024 bits chosen", good(only12(1024, dheGCM)), "TLS-02 TLS-32 TLS-33 TLS-41 TLS-58", map[string]verdict{"TLS-33": {report.Fail, []report.Effect{"cap B"}}}},
	{"DHE with 768 bits chosen", good(only12(768, dheGCM)), "TLS-02 TLS-32 TLS-34 TLS-41 TLS-58", nil},
	{"CBC chosen", good(only12(0, ecdheCBC, ecdheGCM)), "TLS-02 TLS-38 TLS-39 TLS-41 TLS-58", nil},
	{"the order between good and sufficient is the server's own", good(func(t *report.TLS) { t.Ciphers[0].Chosen, t.Ciphers[1].Chosen = false, true }), "TLS-01 TLS-41 TLS-58", nil},
	{"a worse suite first in TLS 1.2 while TLS 1.3 is used", good(func(t *report.TLS) {
		t.Ciphers = append(t.Ciphers, accepted("TLS1.2", ecdheCBC, 0, true))
	}), "TLS-01 TLS-39 TLS-41 TLS-58", nil},

	{"readable as a last resort", good(also(rsaNull, export, rsaDES)), "TLS-01 TLS-24 TLS-41 TLS-58", map[string]verdict{"TLS-24": {report.Fail, []report.Effect{"cap C"}}}},
	{"an export suite as a last resort", good(also(export)), "TLS-01 TLS-24 TLS-41 TLS-58", map[string]verdict{"TLS-24": {report.Fail, []report.Effect{"cap C"}}}},
	{"NULL and DES as a last resort", good(also(rsaNull, rsaDES)), "TLS-01 TLS-24 TLS-41 TLS-58", map[string]verdict{"TLS-24": {report.Fail, []report.Effect{report.NoAPlus}}}},
	{"RC4 as a last resort", good(also(ecdheRC4)), "TLS-01 TLS-25 TLS-41 TLS-58", nil},
	{"3DES as a last resort", good(also(ecdhe3DES)), "TLS-01 TLS-26 TLS-41 TLS-58", nil},
	{"anonymous as a last resort; its group is of no interest", good(func(t *report.TLS) {
		t.Ciphers = append(t.Ciphers, accepted("TLS1.2", anonGCM, 1024, false))
	}), "TLS-01 TLS-27 TLS-41 TLS-58", nil},
	{"static RSA as a last resort", good(also(rsaCBC)), "TLS-01 TLS-29 TLS-41 TLS-58", nil},
	{"DHE of all sizes", good(func(t *report.TLS) {
		t.Ciphers = append(t.Ciphers, accepted("TLS1.2", dheGCM, 2048, false), accepted("TLS1.2", dheCBC, 1024, false), accepted("TLS1.2", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", 1023, false))
		t.DHGroups = []string{"ffdhe2048", "MODP-1024", "own-1023"}
	}), "TLS-01 TLS-31 TLS-33 TLS-34 TLS-35 TLS-41 TLS-58", nil},
	{"DHE with a group of RFC 7919", good(func(t *report.TLS) {
		t.Ciphers = append(t.Ciphers, accepted("TLS1.2", dheGCM, 2048, false))
		t.DHGroups = []string{"ffdhe2048"}
	}), "TLS-01 TLS-31 TLS-41 TLS-58", map[string]verdict{"TLS-31": {report.Warn, nil}}},
	{"a weak curve", good(func(t *report.TLS) { t.Groups = append(t.Groups, "P-192") }), "TLS-01 TLS-36 TLS-41 TLS-58", map[string]verdict{"TLS-36": {report.Warn, []report.Effect{report.NoAPlus}}}},
	{"no common curve, no hybrid", good(func(t *report.TLS) { t.Groups = []string{"P-384", "ffdhe2048"} }), "TLS-01 TLS-37 TLS-42 TLS-58", nil},
	{"no common curve so far", good(func(t *report.TLS) {
		t.Groups, t.Probes = []string{"P-384"}, append(t.Probes, report.Probe{Name: "curves", Result: "untested", Text: "421 too many"})
	}), "TLS-01 TLS-42 TLS-58 TLS-64", nil},
	{"AES-128 alone in TLS 1.3", good(func(t *report.TLS) { t.Ciphers = t.Ciphers[1:] }), "TLS-01 TLS-40 TLS-41 TLS-58", nil},
	{"AES-128 in TLS 1.3, and others were not asked for", good(func(t *report.TLS) { t.Ciphers, t.Probes = t.Ciphers[1:], nil }), "TLS-01 TLS-41 TLS-58", nil},
	{"Camellia alone", good(only12(0, camellia)), "TLS-02 TLS-41 TLS-43 TLS-58", nil},
	{"NULL alone", good(only12(0, rsaNull)), "TLS-02 TLS-20 TLS-41 TLS-43 TLS-58", map[string]verdict{"TLS-43": {report.Fail, []report.Effect{"M.tls=no"}}}},
	{"Camellia alone in TLS 1.2, but TLS 1.3 is there", good(func(t *report.TLS) {
		t.Ciphers = []report.Suite{accepted("TLS1.3", "TLS_AES_256_GCM_SHA384", 0, true), accepted("TLS1.2", camellia, 0, false)}
	}), "TLS-01 TLS-41 TLS-58", nil},
	{"ECDSA alone", good(only12(0, ecdsaGCM)), "TLS-02 TLS-41 TLS-44 TLS-58", nil},

	{"SHA-1 signs though SHA-256 was offered", good(func(t *report.TLS) { t.Features.KeyExchangeHash, t.Features.WeakHash = "SHA-1", yes() }), "TLS-01 TLS-41 TLS-50 TLS-58", nil},
	{"SHA-1 signs when asked to", good(func(t *report.TLS) { t.Features.WeakHash = yes() }), "TLS-01 TLS-41 TLS-51 TLS-58", nil},
	{"no secure renegotiation", good(func(t *report.TLS) { t.Features.SecureRenegotiation = no() }), "TLS-01 TLS-41 TLS-52 TLS-58", map[string]verdict{"TLS-52": {report.Fail, []report.Effect{"cap B"}}}},
	{"no extended master secret", good(func(t *report.TLS) { t.Features.ExtendedMasterSecret = no() }), "TLS-01 TLS-41 TLS-54 TLS-58", nil},
	{"compression", good(func(t *report.TLS) { t.Features.Compression = yes() }), "TLS-01 TLS-41 TLS-55 TLS-58", nil},
	{"tickets", good(func(t *report.TLS) { t.Features.Tickets = yes() }), "TLS-01 TLS-41 TLS-57 TLS-58", nil},
	{"features not looked at", good(func(t *report.TLS) { t.Features, t.Staple = nil, nil }), "TLS-01 TLS-41", nil},
	{"revoked by its own staple", good(func(t *report.TLS) { t.Staple.Status = "revoked" }), "TLS-01 TLS-41 TLS-59", nil},
	{"must-staple and no staple", good(func(t *report.TLS) { t.Staple.Status, t.MustStaple = "absent", true }), "TLS-01 TLS-41 TLS-60", map[string]verdict{"TLS-60": {report.Warn, []report.Effect{report.NoAPlus}}}},
	{"no staple", good(func(t *report.TLS) { t.Staple.Status = "absent" }), "TLS-01 TLS-41", nil},
	{"a staple that tells nothing", good(func(t *report.TLS) { t.Staple.Status = "unknown" }), "TLS-01 TLS-41 TLS-58", nil},
	{"must-staple and a staple", good(func(t *report.TLS) { t.MustStaple = true }), "TLS-01 TLS-41 TLS-58", nil},
	{"no handshake without SNI", good(func(t *report.TLS) { t.Features.NeedsSNI = yes() }), "TLS-01 TLS-41 TLS-58 TLS-61", nil},
	{"no handshake with a name it does not know", good(func(t *report.TLS) { t.Features.RefusesUnknownName = yes() }), "TLS-01 TLS-41 TLS-58 TLS-61", nil},
	{"a client may renegotiate", good(func(t *report.TLS) { t.Features.Renegotiation = yes() }), "TLS-01 TLS-41 TLS-53 TLS-58", nil},
	{"it may not", good(func(t *report.TLS) { t.Features.Renegotiation = no() }), "TLS-01 TLS-41 TLS-58", nil},
	{"0-RTT is allowed", good(func(t *report.TLS) { t.Features.EarlyData, t.MaxEarlyData = yes(), 16384 }), "TLS-01 TLS-41 TLS-56 TLS-58", nil},
	{"a session is taken up again", good(func(t *report.TLS) { t.Features.Resumed = yes() }), "TLS-01 TLS-41 TLS-57 TLS-58", nil},
	{"tickets that lead nowhere", good(func(t *report.TLS) { t.Features.Tickets, t.Features.Resumed = yes(), no() }), "TLS-01 TLS-41 TLS-57 TLS-58", nil},
	{"tickets that live for seven days", good(func(t *report.TLS) { t.Features.Tickets, t.TicketLifetime = yes(), 604800 }), "TLS-01 TLS-41 TLS-57 TLS-58", nil},
	{"and longer", good(func(t *report.TLS) { t.Features.Tickets, t.TicketLifetime = yes(), 604801 }), "TLS-01 TLS-41 TLS-57 TLS-58",
		map[string]verdict{"TLS-57": {report.Warn, nil}}},
	{"the heartbeat extension is answered", good(func(t *report.TLS) { t.Features.Heartbeat = yes() }), "TLS-01 TLS-41 TLS-58 TLS-65", nil},
	{"a needless step down goes unnoticed", good(func(t *report.TLS) { t.Features.FallbackSCSV = no() }), "TLS-01 TLS-41 TLS-58 TLS-66", nil},
	{"and is noticed", good(func(t *report.TLS) { t.Features.FallbackSCSV = yes() }), "TLS-01 TLS-41 TLS-58", nil},
	{"CBC chosen, with encrypt-then-MAC", good(func(t *report.TLS) { only12(0, ecdheCBC, ecdheGCM)(t); t.Features.EncryptThenMAC = yes() }),
		"TLS-02 TLS-38 TLS-39 TLS-41 TLS-58", map[string]verdict{"TLS-38": {report.Info, nil}}},
	{"CBC as a last resort", good(also(ecdheCBC)), "TLS-01 TLS-38 TLS-41 TLS-58", map[string]verdict{"TLS-38": {report.Info, nil}}},
	{"suites that were not asked for", good(func(t *report.TLS) {
		t.Versions = append(t.Versions, "TLS1.1")
		t.NotAsked = []report.Suite{{Version: "TLS1.1", Name: ecdheCBC}}
	}), "TLS-01 TLS-03 TLS-41 TLS-58 TLS-69", nil},
	{"truncated HMAC", good(func(t *report.TLS) { t.Features.TruncatedHMAC = yes() }), "TLS-01 TLS-41 TLS-58 TLS-62", nil},
}

// tried adds these tries of a handshake, each with what it ended in, or nothing where it worked.
func tried(a *report.Address, tries ...string) *report.Address {
	a.SMTP = &report.SMTP{STARTTLS: "ok"}
	for _, try := range tries {
		name, kind, _ := strings.Cut(try, " ")
		a.SMTP.Ladder = append(a.SMTP.Ladder, report.Rung{Hello: report.Hello(name), OK: kind == "", Kind: report.Kind(kind)})
	}
	return a
}

func hybridless() *report.Address {
	return good(func(t *report.TLS) { t.Features.HybridIntolerant, t.Groups = yes(), []string{"X25519"} })
}

func only12And13Refused() *report.Address {
	return good(func(t *report.TLS) { only12(0, ecdheGCM)(t); t.Groups = []string{"X25519"} })
}

// Only what came through elsewhere shows that our own path carries large hellos.
func TestLargeHellos(t *testing.T) {
	refused := func() *report.Address { return tried(hybridless(), "modern reset", "no-hybrid", "modern reset") }
	for _, c := range []struct {
		why     string
		a       *report.Address
		other   *report.Address // of another host
		control bool
		want    report.Verdict // of TLS-08; empty for none
	}{
		{"nowhere", refused(), tried(hybridless(), "modern reset", "no-hybrid"), false, report.Untested},
		{"at a control host", refused(), nil, true, report.Warn},
		{"at another server of the domain", refused(), tried(good(func(*report.TLS) {}), "modern"), false, report.Warn},
		{"failed only once", tried(hybridless(), "modern reset", "no-hybrid"), nil, true, report.Untested},
		{"no answer twice", tried(hybridless(), "modern timeout", "modern timeout", "no-hybrid"), nil, true, report.Warn},
		{"a report of before, in which TLS 1.3 went too", withLadder(hybridless(), "small-tls12"), nil, true, report.Untested},
		{"worked at the second try", tried(hybridless(), "modern reset", "no-hybrid", "modern"), nil, true, ""},
	} {
		r := &report.Report{Meta: report.Meta{LargeHellos: c.control}, Evidence: report.Evidence{Hosts: []*report.Host{{Name: "mx.example.test", Addresses: []*report.Address{c.a}}}}}
		if c.other != nil {
			r.Hosts = append(r.Hosts, &report.Host{Name: "other.example.test", Addresses: []*report.Address{c.other}})
		}
		var got report.Verdict
		for _, f := range Judge(r.Observed()) {
			if f.Rule == "TLS-08" && f.Host == "mx.example.test" {
				got = f.Verdict
			}
		}
		if got != c.want {
			t.Errorf("%s: TLS-08 is %q, want %q", c.why, got, c.want)
		}
	}
}

func withLadder(a *report.Address, rung report.Hello) *report.Address {
	a.SMTP = &report.SMTP{STARTTLS: "ok", Ladder: []report.Rung{{Hello: "modern"}, {Hello: rung, OK: true}}}
	return a
}

func judged(a *report.Address) []report.Finding { return Judge(reportOf(a).Observed()) }

func reportOf(a *report.Address) *report.Report {
	return &report.Report{Meta: report.Meta{Domain: "example.test"}, Evidence: report.Evidence{Hosts: []*report.Host{{Name: "mx.example.test", Addresses: []*report.Address{{}, a}}}}}
}

func TestJudge(t *testing.T) {
	for _, c := range cases {
		var got []string
		for _, f := range judged(c.address) {
			got = append(got, f.Rule)
			want := verdict{Rules.Find(f.Rule).Verdict, Rules.Find(f.Rule).Effects}
			if special, ok := c.special[f.Rule]; ok {
				want = special
			}
			if f.Verdict != want.verdict || !slices.Equal(f.Effects, want.effects) {
				t.Errorf("%s: %s is %s with %v, want %s with %v", c.why, f.Rule, f.Verdict, f.Effects, want.verdict, want.effects)
			}
			if f.Host != "mx.example.test" || f.Address != c.address.IP || f.Check != "tls" {
				t.Errorf("%s: %s is about %s, %s", c.why, f.Rule, f.Host, f.Address)
			}
		}
		want := strings.Fields(c.rules)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", c.why, got, want)
		}
	}
}

// Every rule applies in some case and not in another, and is told in whole sentences.
func TestEveryRuleIsCovered(t *testing.T) {
	var reports []*report.Report
	for _, c := range cases {
		reports = append(reports, reportOf(c.address))
	}
	checktest.Rules(t, Check, reports)
}

func TestClasses(t *testing.T) {
	for name, want := range map[string]report.Class{
		"TLS_AES_256_GCM_SHA384":                        "good",
		"TLS_CHACHA20_POLY1305_SHA256":                  "good",
		"TLS_AES_128_GCM_SHA256":                        "sufficient",
		"TLS_AES_128_CCM_SHA256":                        "sufficient",
		"TLS_AES_128_CCM_8_SHA256":                      "phase-out",
		"TLS_SHA256_SHA256":                             "readable",
		ecdheGCM:                                        "sufficient",
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "sufficient",
		"TLS_ECDHE_ECDSA_WITH_AES_256_CCM":              "sufficient",
		ecdheCBC:                                        "dated",
		camellia:                                        "dated",
		dheGCM:                                          "dated",
		"TLS_DHE_DSS_WITH_AES_128_GCM_SHA256":           "phase-out",
		dheCBC:                                          "phase-out",
		rsaCBC:                                          "phase-out",
		"TLS_RSA_WITH_AES_256_GCM_SHA384":               "phase-out",
		"TLS_RSA_WITH_IDEA_CBC_SHA":                     "phase-out",
		ecdhe3DES:                                       "phase-out",
		"TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8":            "phase-out",
		anonGCM:                                         "anonymous",
		"TLS_ECDH_anon_WITH_3DES_EDE_CBC_SHA":           "anonymous",
		"TLS_DH_anon_WITH_RC4_128_MD5":                  "bad",
		ecdheRC4:                                        "bad",
		"TLS_DH_anon_EXPORT_WITH_RC4_40_MD5":            "readable",
		"TLS_ECDHE_RSA_WITH_NULL_SHA":                   "readable",
		export:                                          "readable",
		rsaDES:                                          "readable",
	} {
		s, ok := hello.SuiteNamed(name)
		if got := class.Of(s, 0); got != want || !ok {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	dhe, _ := hello.SuiteNamed(dheGCM)
	for bits, want := range map[int]report.Class{767: "readable", 768: "dated", 4096: "dated"} {
		if got := class.Of(dhe, bits); got != want {
			t.Errorf("DHE with %d bits is %s, want %s", bits, got, want)
		}
	}
}
