package tls

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
	"mxseal/checks/view"
)

// gather gathers, and derives what follows.
func gather(ctx context.Context, t Target) (*report.TLS, []Seen) {
	got, seen := Gather(ctx, t)
	class.Derive(got)
	return got, seen
}

func certificate(t *testing.T, key crypto.Signer, serial int64) tls.Certificate {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"mx.example.test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func ecdsaCert(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return certificate(t, key, 1)
}

func rsaCert(t *testing.T) tls.Certificate {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return certificate(t, key, 2)
}

// goServer serves crypto/tls behind the front.
func goServer(cfg *tls.Config) func(net.Conn, int) {
	return func(c net.Conn, _ int) { tls.Server(c, cfg).Handshake() }
}

// first makes the ordinary handshake that comes before all else.
func first(t *testing.T, f *front, cfg *tls.Config) *tls.ConnectionState {
	t.Helper()
	c, err := net.Dial("tcp", f.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 512)
	for _, line := range []string{"", "EHLO test\r\n", "STARTTLS\r\n"} {
		c.Write([]byte(line))
		c.Read(buf)
	}
	if cfg == nil {
		cfg = &tls.Config{}
	}
	cfg.InsecureSkipVerify, cfg.ServerName = true, "mx.example.test"
	client := tls.Client(c, cfg)
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	state := client.ConnectionState()
	return &state
}

func list(tls *report.TLS) string {
	var s []string
	for _, c := range tls.Ciphers {
		text := c.String() + " " + string(c.Class)
		if c.Chosen {
			text += " chosen"
		}
		s = append(s, text)
	}
	return strings.Join(s, "\n")
}

func trace(tls *report.TLS) string {
	var s []string
	for _, p := range tls.Probes {
		s = append(s, fmt.Sprintf("%-18s %-9s %s", p.Name, p.Result, view.Say(p.Statement)))
	}
	return strings.Join(s, "\n")
}

// The price of a modern server: a regression here is felt by every mail server we look at.
func TestConnectionsSpentOnModernServers(t *testing.T) {
	for _, test := range []struct {
		why  string
		cfg  *tls.Config
		most int
	}{
		{"one certificate", &tls.Config{Certificates: []tls.Certificate{rsaCert(t)}}, 11},
		{"two certificates", &tls.Config{Certificates: []tls.Certificate{rsaCert(t), ecdsaCert(t)}}, 13},
		{"TLS 1.3 alone", &tls.Config{Certificates: []tls.Certificate{ecdsaCert(t)}, MinVersion: tls.VersionTLS13}, 5},
		{"TLS 1.2 alone", &tls.Config{Certificates: []tls.Certificate{ecdsaCert(t)}, MaxVersion: tls.VersionTLS12}, 14},
		{"no post-quantum group", &tls.Config{Certificates: []tls.Certificate{ecdsaCert(t)}, CurvePreferences: []tls.CurveID{tls.CurveP384}}, 14},
	} {
		f := newFront(t, 0, goServer(test.cfg))
		target := f.target()
		target.Depth, target.Rung = report.Standard, "modern"
		target.First = first(t, f, nil)
		got, _ := gather(t.Context(), target)
		if n := f.connections() - 1; n > test.most || n != target.Peer.Connections() {
			t.Errorf("%s: %d connections (%d counted), want at most %d:\n%s", test.why, n, target.Peer.Connections(), test.most, trace(got))
		}
		for _, p := range got.Probes {
			if p.Result == "untested" {
				t.Errorf("%s: %s is untested: %s", test.why, p.Name, view.Say(p.Statement))
			}
		}
	}
}

func TestModernServer(t *testing.T) {
	f := newFront(t, 0, goServer(&tls.Config{Certificates: []tls.Certificate{rsaCert(t), ecdsaCert(t)}}))
	target := f.target()
	target.Depth, target.Rung = report.Full, "modern"
	target.First = first(t, f, nil)
	got, seen := gather(t.Context(), target)

	if want := []report.Version{"TLS1.3", "TLS1.2"}; !slices.Equal(got.Versions, want) {
		t.Errorf("versions %v, want %v", got.Versions, want)
	}
	if want := []report.Version{"TLS1.1", "TLS1.0", "SSL3", "SSL2"}; !slices.Equal(got.Refused, want) {
		t.Errorf("refused %v, want %v", got.Refused, want)
	}
	for _, c := range tls.CipherSuites() {
		if !strings.Contains(list(got), " "+c.Name+" ") {
			t.Errorf("%s is missing in\n%s\n%s", c.Name, list(got), trace(got))
		}
	}
	if !strings.Contains(list(got), "TLS1.3 "+tls.CipherSuiteName(target.First.CipherSuite)+" ") || got.Preference != "server" {
		t.Errorf("preference %s\n%s", got.Preference, list(got))
	}
	for _, g := range []string{"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024", "X25519", "P-256", "P-384", "P-521"} {
		if !slices.Contains(got.Groups, g) {
			t.Errorf("%s is missing in %v", g, got.Groups)
		}
	}
	ft := got.Features
	for name, ok := range map[string]bool{
		"extended master secret": isTrue(ft.ExtendedMasterSecret), "renegotiation info": isTrue(ft.SecureRenegotiation),
		"no compression": isFalse(ft.Compression), "serves without SNI": isFalse(ft.NeedsSNI), "GREASE": isFalse(ft.GREASEIntolerant),
		"no weak hash": isFalse(ft.WeakHash), "hash": ft.KeyExchangeHash == "SHA-256", "tickets": isTrue(ft.Tickets), "hybrid": isFalse(ft.HybridIntolerant),
	} {
		if !ok {
			t.Errorf("%s: %+v", name, ft)
		}
	}
	if len(seen) != 1 || seen[0].Via != "other-key-type" || got.Staple.Status != "absent" {
		t.Errorf("seen %d chains, staple %+v", len(seen), got.Staple)
	}
}

func TestQuickAsksNothing(t *testing.T) {
	f := newFront(t, 0, goServer(&tls.Config{Certificates: []tls.Certificate{ecdsaCert(t)}}))
	target := f.target()
	target.Depth, target.Rung = report.Quick, "modern"
	for _, test := range []struct {
		why   string
		cfg   *tls.Config
		ems   bool
		group string
	}{
		{"TLS 1.3", nil, false, "X25519MLKEM768"},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12, CurvePreferences: []tls.CurveID{tls.CurveP256}}, true, "P-256"},
	} {
		target.First = first(t, f, test.cfg)
		got, seen := gather(t.Context(), target)
		if target.Peer.Connections() != 0 || len(got.Probes) > 0 || len(got.Ciphers) > 0 || len(seen) > 0 || got.Group != test.group {
			t.Errorf("%s: %d connections, %+v", test.why, target.Peer.Connections(), got)
		}
		if isTrue(got.Features.ExtendedMasterSecret) != test.ems {
			t.Errorf("%s: extended master secret %v", test.why, got.Features.ExtendedMasterSecret)
		}
	}
}

const (
	ecdheGCM = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
	ecdheCBC = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
	rsaCBC   = "TLS_RSA_WITH_AES_128_CBC_SHA"
	rsaRC4   = "TLS_RSA_WITH_RC4_128_SHA"
	export   = "TLS_RSA_EXPORT_WITH_RC4_40_MD5"
	dheGCM   = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"
	dheCBC   = "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"
)

var (
	tls10to12 = []uint16{hello.TLS10, hello.TLS11, hello.TLS12}
	p256      = []uint16{23}
	rsaOnly   = map[string][]byte{"RSA": []byte("not even DER")}
	byHash    = []uint16{0x0401}
)

// oakley2 is the second Oakley group (RFC 2409 §6.2).
var oakley2, _ = new(big.Int).SetString("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF", 16)

func prime(bits int) []byte { return new(big.Int).Lsh(big.NewInt(1), uint(bits-1)).Bytes() }

func TestOldServers(t *testing.T) {
	usual := func(change func(*script)) *script {
		s := &script{versions: []uint16{hello.TLS12}, suites: []string{ecdheGCM, ecdheCBC}, groups: p256, schemes: byHash, certs: rsaOnly}
		change(s)
		return s
	}
	for _, test := range []struct {
		why    string
		server *script
		want   func(*report.TLS) bool
	}{
		{"fragments, warnings and a body of its own", usual(func(s *script) { s.fragment, s.warns = 9, true }), func(r *report.TLS) bool {
			return r.Version == "" && slices.Contains(r.Groups, "P-256") && strings.Contains(list(r), ecdheGCM+" sufficient chosen") && len(r.Ciphers) == 2
		}},
		{"export accepted as a last resort", usual(func(s *script) { s.versions, s.suites = tls10to12, []string{ecdheGCM, export} }), func(r *report.TLS) bool {
			return strings.Contains(list(r), "TLS1.2 "+export+" readable") && strings.Contains(list(r), ecdheGCM+" sufficient chosen") &&
				slices.Equal(r.Versions, []report.Version{"TLS1.2", "TLS1.1", "TLS1.0"}) && slices.Equal(r.Refused, []report.Version{"TLS1.3", "SSL3", "SSL2"})
		}},
		{"export preferred", usual(func(s *script) { s.suites, s.serverOrder = []string{export, ecdheGCM}, true }), func(r *report.TLS) bool {
			return r.Preference == "server" && strings.Contains(list(r), export+" readable chosen")
		}},
		{"the client's order counts", usual(func(s *script) {}), func(r *report.TLS) bool { return r.Preference == "client" }},
		{"a suite that only an old version has", usual(func(s *script) {
			s.versions, s.suites = tls10to12, []string{ecdheGCM, rsaRC4}
		}), func(r *report.TLS) bool { return strings.Contains(list(r), rsaRC4+" bad") }},
		{"SSL 3.0 and SSL 2.0", usual(func(s *script) {
			s.versions, s.suites = []uint16{hello.SSL3, hello.TLS12}, []string{ecdheGCM, export, rsaCBC}
			s.ssl2 = []uint32{0x010080, 0x020080}
		}), func(r *report.TLS) bool {
			return slices.Equal(r.Versions, []report.Version{"TLS1.2", "SSL3", "SSL2"}) && slices.Equal(r.Refused, []report.Version{"TLS1.3", "TLS1.1", "TLS1.0"}) &&
				strings.Contains(list(r), "SSL2 SSL_CK_RC4_128_EXPORT40_WITH_MD5 readable")
		}},
		{"SSL 3.0 alone", usual(func(s *script) { s.versions, s.suites = []uint16{hello.SSL3}, []string{rsaCBC} }), func(r *report.TLS) bool {
			return slices.Equal(r.Versions, []report.Version{"SSL3"})
		}},
		{"SSL 2.0 without a cipher is none", usual(func(s *script) { s.ssl2 = []uint32{} }), func(r *report.TLS) bool { return slices.Contains(r.Refused, "SSL2") }},
		{"it reads 64 suites and no further", usual(func(s *script) { s.limit, s.suites = 64, []string{ecdheGCM, rsaCBC, rsaRC4} }), func(r *report.TLS) bool {
			l := list(r)
			return strings.Contains(l, ecdheGCM) && strings.Contains(l, rsaCBC) && strings.Contains(l, rsaRC4)
		}},
		{"it closes where others send an alert", usual(func(s *script) { s.eof, s.versions = true, tls10to12 }), func(r *report.TLS) bool {
			return len(r.Versions) == 3 && slices.Contains(r.Refused, "SSL3") && len(r.Ciphers) == 4
		}},
		{"DHE with 512 bits", usual(func(s *script) { s.suites, s.prime = []string{dheGCM}, prime(512) }), func(r *report.TLS) bool {
			return r.DHBits == 512 && slices.Equal(r.DHGroups, []string{"own-512"}) && strings.Contains(list(r), dheGCM+" readable chosen")
		}},
		{"a group of RFC 2409 goes by its name", usual(func(s *script) { s.suites, s.prime = []string{dheGCM}, oakley2.Bytes() }), func(r *report.TLS) bool {
			return slices.Equal(r.DHGroups, []string{"MODP-1024"}) && r.KeyExchange[len(r.KeyExchange)-1].Class == "phase-out"
		}},
		{"DHE with 1024 bits", usual(func(s *script) { s.suites, s.prime = []string{dheCBC, ecdheGCM}, prime(1024) }), func(r *report.TLS) bool {
			return r.DHBits == 1024 && strings.Contains(list(r), dheCBC+" phase-out")
		}},
		{"compression", usual(func(s *script) { s.compress = true }), func(r *report.TLS) bool { return isTrue(r.Features.Compression) }},
		{"no extension is answered", usual(func(s *script) { s.bare = true }), func(r *report.TLS) bool {
			return isFalse(r.Features.SecureRenegotiation) && isFalse(r.Features.ExtendedMasterSecret)
		}},
		{"it signs with SHA-1 though it could do better", usual(func(s *script) { s.schemes = []uint16{0x0201, 0x0401} }), func(r *report.TLS) bool {
			return r.Features.KeyExchangeHash == "SHA-1" && isTrue(r.Features.WeakHash)
		}},
		{"it signs with SHA-1 when asked to", usual(func(s *script) { s.schemes = []uint16{0x0401, 0x0201} }), func(r *report.TLS) bool {
			return r.Features.KeyExchangeHash == "SHA-256" && isTrue(r.Features.WeakHash)
		}},
		{"it sends a ServerHello before it finds that it cannot sign", usual(func(s *script) {}), func(r *report.TLS) bool { return isFalse(r.Features.WeakHash) }},
		{"it serves no one without SNI", usual(func(s *script) { s.needsSNI = true }), func(r *report.TLS) bool { return isTrue(r.Features.NeedsSNI) }},
		{"it serves no one who names another host", usual(func(s *script) { s.noUnknown = true }), func(r *report.TLS) bool {
			return isTrue(r.Features.RefusesUnknownName) && isFalse(r.Features.NeedsSNI) && isFalse(r.Features.GREASEIntolerant)
		}},
		{"it answers the heartbeat extension", usual(func(s *script) { s.heartbeat = true }), func(r *report.TLS) bool { return isTrue(r.Features.Heartbeat) }},
		{"it notices a needless step down", usual(func(s *script) { s.versions, s.scsv = tls10to12, true }), func(r *report.TLS) bool { return isTrue(r.Features.FallbackSCSV) }},
		{"it does not", usual(func(s *script) { s.versions = tls10to12 }), func(r *report.TLS) bool { return isFalse(r.Features.FallbackSCSV) }},
		{"nothing to step down to", usual(func(s *script) {}), func(r *report.TLS) bool { return r.Features.FallbackSCSV == nil }},
		{"groups of TLS 1.3 and curves of TLS 1.2 are kept apart", usual(func(s *script) {
			s.versions, s.suites13, s.groups = []uint16{hello.TLS12, hello.TLS13}, []string{"TLS_AES_128_GCM_SHA256"}, []uint16{0x11EC, 23}
		}), func(r *report.TLS) bool {
			return slices.ContainsFunc(r.KeyExchange, func(x report.Exchange) bool {
				return x.Name == "X25519MLKEM768" && x.Class == "good" && x.NCSC == "good" && slices.Equal(x.Versions, []report.Version{"TLS1.3"})
			}) && slices.ContainsFunc(r.KeyExchange, func(x report.Exchange) bool { return x.Name == "P-256" && slices.Contains(x.Versions, "TLS1.2") })
		}},
		{"it breaks off on what it does not know", usual(func(s *script) { s.noGREASE = true }), func(r *report.TLS) bool { return isTrue(r.Features.GREASEIntolerant) }},
		{"a weak curve", usual(func(s *script) { s.groups = []uint16{23, 19} }), func(r *report.TLS) bool {
			return slices.Contains(r.Groups, "P-192") && slices.Contains(r.Groups, "P-256")
		}},
		{"a curve of its own", usual(func(s *script) { s.groups = []uint16{24} }), func(r *report.TLS) bool { return slices.Equal(r.Groups, []string{"P-384"}) }},
		{"TLS 1.3 by HelloRetryRequest", usual(func(s *script) {
			s.versions, s.suites13, s.groups = []uint16{hello.TLS12, hello.TLS13}, []string{"TLS_AES_128_GCM_SHA256"}, []uint16{0x11EC, 23}
		}), func(r *report.TLS) bool {
			return slices.Contains(r.Groups, "X25519MLKEM768") && strings.Contains(list(r), "TLS1.3 TLS_AES_128_GCM_SHA256 sufficient chosen")
		}},
	} {
		f := newFront(t, 0, test.server.serve)
		target := f.target()
		target.Depth = report.Standard
		got, _ := gather(t.Context(), target)
		if !test.want(got) {
			t.Errorf("%s:\n%v, refused %v, groups %v, %d bits %v, prefers %s, %+v\n%s\n%s", test.why, got.Versions, got.Refused, got.Groups,
				got.DHBits, got.DHGroups, got.Preference, got.Features, list(got), trace(got))
		}
		if n := f.connections(); n > budgetStandard {
			t.Errorf("%s: %d connections", test.why, n)
		}
	}
}

// With every suite there is, standard depth finds one of each family and full depth all.
func TestFamilies(t *testing.T) {
	var all []string
	families := make(map[int]bool)
	for _, s := range hello.Offers(hello.TLS12) {
		if s.Auth != "DSS" {
			all = append(all, s.Name)
			families[class.Family(s)] = true
		}
	}
	for depth, want := range map[report.Depth]int{report.Standard: len(families), report.Full: 90} {
		s := &script{versions: []uint16{hello.TLS12}, suites: all, groups: p256, schemes: byHash, certs: rsaOnly, prime: prime(2048)}
		f := newFront(t, 0, s.serve)
		target := f.target()
		target.Depth = depth
		got, _ := gather(t.Context(), target)
		found := make(map[int]bool)
		for _, c := range got.Ciphers {
			is, _ := hello.SuiteNamed(c.Name)
			found[class.Family(is)] = true
		}
		if len(got.Ciphers) < want || depth == report.Standard && len(found) != len(families) {
			t.Errorf("%s: %d suites of %d families, want %d\n%s", depth, len(got.Ciphers), len(found), want, trace(got))
		}
		if worst := got.Ciphers[len(got.Ciphers)-1].Class; worst != "readable" {
			t.Errorf("%s: the list ends with %s", depth, worst)
		}
	}
}

func TestNothingIsHeldAgainstAServerThatOnlyCloses(t *testing.T) {
	f := newFront(t, 0, func(net.Conn, int) {})
	target := f.target()
	target.Depth = report.Standard
	got, _ := gather(t.Context(), target)
	if len(got.Versions) > 0 || len(got.Refused) > 0 || f.connections() > 2 {
		t.Errorf("%+v after %d connections", got, f.connections())
	}
}

func TestOtherCertificateWithoutSNI(t *testing.T) {
	s := &script{versions: []uint16{hello.TLS12}, suites: []string{ecdheGCM}, groups: p256, schemes: byHash, certs: rsaOnly, noSNI: []byte("another")}
	f := newFront(t, 0, s.serve)
	target := f.target()
	target.Depth = report.Standard
	_, seen := gather(t.Context(), target)
	if len(seen) != 2 || seen[0].Via != "first" || seen[1].Via != "no-sni" || string(seen[1].Chain[0]) != "another" {
		t.Errorf("%+v", seen)
	}
}

func TestGatherEndsWithItsContext(t *testing.T) {
	f := newFront(t, 0, goServer(&tls.Config{}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	target := f.target()
	target.Depth = report.Standard
	got, _ := gather(ctx, target)
	if len(got.Probes) == 0 || slices.ContainsFunc(got.Probes, func(p report.Probe) bool { return p.Result != "untested" }) || f.connections() > 0 {
		t.Errorf("%d connections\n%s", f.connections(), trace(got))
	}
}

func TestServerName(t *testing.T) {
	for _, test := range []struct{ host, rung, want, why string }{
		{"mx.example.test", "modern", "mx.example.test", "the name of the MX record"},
		{"mx.example.test.", "", "mx.example.test", "without the dot of the DNS"},
		{"192.0.2.1", "modern", "", "an address is no name (RFC 6066 §3)"},
		{"2001:db8::1", "modern", "", "of neither family"},
		{"mx.example.test", "no-sni", "", "the server only works without"},
	} {
		if got := serverName(test.host, report.Hello(test.rung)); got != test.want {
			t.Errorf("%s, rung %s: %q, want %q: %s", test.host, test.rung, got, test.want, test.why)
		}
	}
}
