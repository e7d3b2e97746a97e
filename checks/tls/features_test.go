package tls

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mxseal/checks/internal/hello"
	"mxseal/checks/internal/smtp/smtptest"
	"mxseal/checks/report"
)

// looked runs the whole check against Go's own server, the ordinary handshake included.
func looked(t *testing.T, cfg *tls.Config, depth report.Depth) (got *report.TLS, seen []Seen, visits int) {
	t.Helper()
	s := &smtptest.Server{Serve: mannered(cfg)}
	got, seen = after(t, s, depth)
	return got, seen, s.Visits()
}

// What only a finished handshake shows.
func TestInsideTheHandshake(t *testing.T) {
	rsa, ecdsa := rsaCert(t), ecdsaCert(t)
	for _, test := range []struct {
		why  string
		cfg  *tls.Config
		want func(*report.TLS, []Seen) bool
	}{
		{"TLS 1.3: tickets, resumption, no 0-RTT, the signature", &tls.Config{Certificates: []tls.Certificate{ecdsa}}, func(r *report.TLS, _ []Seen) bool {
			f := r.Features
			return isTrue(f.Tickets) && isTrue(f.Resumed) && isFalse(f.EarlyData) && f.CertificateVerify == "ecdsa_secp256r1_sha256" && r.TicketLifetime == week
		}},
		{"TLS 1.2: the same by its own means", &tls.Config{Certificates: []tls.Certificate{rsa}, MaxVersion: tls.VersionTLS12}, func(r *report.TLS, _ []Seen) bool {
			f := r.Features
			return isTrue(f.Tickets) && isTrue(f.Resumed) && f.EarlyData == nil && f.KeyExchangeScheme == "rsa_pss_rsae_sha256" && f.CertificateVerify == ""
		}},
		{"no tickets, nothing to take up", &tls.Config{Certificates: []tls.Certificate{ecdsa}, SessionTicketsDisabled: true}, func(r *report.TLS, _ []Seen) bool {
			return isFalse(r.Features.Tickets) && r.Features.Resumed == nil && isFalse(r.Features.EarlyData)
		}},
		{"Go refuses to renegotiate", &tls.Config{Certificates: []tls.Certificate{ecdsa}}, func(r *report.TLS, _ []Seen) bool { return isFalse(r.Features.Renegotiation) }},
		{"where there is no TLS 1.2 nobody renegotiates", &tls.Config{Certificates: []tls.Certificate{ecdsa}, MinVersion: tls.VersionTLS13}, func(r *report.TLS, _ []Seen) bool {
			return r.Features.Renegotiation == nil
		}},
		{"the second certificate of a server with TLS 1.3 alone", &tls.Config{Certificates: []tls.Certificate{ecdsa, rsa}, MinVersion: tls.VersionTLS13}, func(_ *report.TLS, seen []Seen) bool {
			return len(seen) == 1 && seen[0].Via == "other-key-type" && slices.Equal(seen[0].Chain[0], rsa.Certificate[0])
		}},
		{"there is none", &tls.Config{Certificates: []tls.Certificate{ecdsa}, MinVersion: tls.VersionTLS13}, func(_ *report.TLS, seen []Seen) bool { return len(seen) == 0 }},
		{"the second certificate is asked for without a name first, and is no other for that", &tls.Config{Certificates: []tls.Certificate{ecdsa, rsa}}, func(_ *report.TLS, seen []Seen) bool {
			return len(seen) == 1 && seen[0].Via == "other-key-type"
		}},
		{"strangers get another certificate", &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if h.ServerName == "mx.example.test" {
				return &ecdsa, nil
			}
			return &rsa, nil
		}}, func(_ *report.TLS, seen []Seen) bool { return len(seen) == 1 && seen[0].Via == "no-sni" }},
		{"the hybrid group of ML-KEM is seen", &tls.Config{Certificates: []tls.Certificate{ecdsa}, CurvePreferences: []tls.CurveID{tls.SecP384r1MLKEM1024, tls.X25519}}, func(r *report.TLS, _ []Seen) bool {
			return slices.Contains(r.Groups, "SecP384r1MLKEM1024") && slices.Contains(r.Groups, "X25519")
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			got, seen, _ := looked(t, test.cfg, report.Standard)
			if !test.want(got, seen) {
				t.Errorf("%s: %+v, %d chains\n%s", test.why, got.Features, len(seen), trace(got))
			}
		})
	}
}

// The price at full depth, ordinary handshake included. Two chains and what is opened ahead for
// them cost two more than one chain would.
func TestConnectionsAtFullDepth(t *testing.T) {
	rsa, ecdsa := rsaCert(t), ecdsaCert(t)
	old := &tls.Config{Certificates: []tls.Certificate{rsa}, MinVersion: tls.VersionTLS10}
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		old.CipherSuites = append(old.CipherSuites, s.ID)
	}
	for _, test := range []struct {
		why  string
		cfg  *tls.Config
		most int
	}{
		{"two certificates", &tls.Config{Certificates: []tls.Certificate{rsa, ecdsa}}, 28},
		{"TLS 1.3 alone", &tls.Config{Certificates: []tls.Certificate{ecdsa}, MinVersion: tls.VersionTLS13}, 14},
		{"all that Go has, from TLS 1.0 on, each group in TLS 1.3 itself, each version by itself", old, 54},
	} {
		synctest.Test(t, func(t *testing.T) {
			got, _, visits := looked(t, test.cfg, report.Full)
			if visits > test.most || len(untested(got)) > 0 {
				t.Errorf("%s: %d connections, want at most %d; untested %v\n%s", test.why, visits, test.most, untested(got), trace(got))
			}
		})
	}
}

// A server that is out of order in two ways is told of both.
func TestRidersAreToldApart(t *testing.T) {
	for _, test := range []struct {
		why                   string
		change                func(*script)
		grease, nameless, odd bool
		suites                []string
	}{
		{"in order", func(*script) {}, false, false, false, nil},
		{"it wants a name, and no unknown values", func(s *script) { s.needsSNI, s.noGREASE = true, true }, true, true, false, nil},
		{"it wants a name that it knows", func(s *script) { s.needsSNI, s.noUnknown = true, true }, false, true, true, nil},
		{"the same, with so many suites that riders go along", func(s *script) { s.needsSNI, s.noUnknown = true, true }, false, true, true,
			[]string{rsaRC4, rsaCBC, dheCBC, ecdheCBC, ecdheGCM, ecdhe3DES}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := plain12()
			s.prime = prime(2048)
			if test.suites != nil {
				s.suites = test.suites
			}
			test.change(s)
			got, _ := visited(t, over(s.serve))
			f := got.Features
			for name, is := range map[string][2]bool{
				"unknown values": {isTrue(f.GREASEIntolerant), test.grease}, "no name": {isTrue(f.NeedsSNI), test.nameless}, "unknown name": {isTrue(f.RefusesUnknownName), test.odd},
			} {
				if is[0] != is[1] {
					t.Errorf("%s: fails on %s %v, want %v\n%s", test.why, name, is[0], is[1], trace(got))
				}
			}
			if f.GREASEIntolerant == nil || f.NeedsSNI == nil || f.RefusesUnknownName == nil {
				t.Errorf("%s: something was not asked\n%s", test.why, trace(got))
			}
			if test.suites != nil && !strings.Contains(trace(got), "TLS1.2+") {
				t.Errorf("%s: nothing went along\n%s", test.why, trace(got))
			}
		})
	}
}

// At full depth every version is listed by itself, also what a newer one has shown; what the
// connections do not suffice for is said to be left out.
func TestEveryVersionByItself(t *testing.T) {
	all := func(version uint16) (names []string) {
		for _, s := range hello.Offers(version) {
			if s.KeyExchange == "RSA" || s.KeyExchange == "ECDHE" && s.Auth == "RSA" || s.Auth == "anon" {
				names = append(names, s.Name)
			}
		}
		return names
	}
	for _, c := range []struct {
		why      string
		suites   []string
		notAsked bool
	}{
		{"a few", []string{"TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA", "TLS_RSA_WITH_RC4_128_SHA"}, false},
		{"more than the connections suffice for", all(hello.TLS12), true},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := plain12()
			s.versions, s.suites, s.prime = []uint16{hello.TLS12, hello.TLS11, hello.TLS10}, c.suites, prime(2048)
			server := over(s.serve)
			var got *report.TLS
			got, _ = gather(t.Context(), Target{Peer: server.Peer(), Host: "mx.example", Depth: report.Full})
			server.Wait()
			if server.Visits() > budgetFull {
				t.Errorf("%s: %d connections", c.why, server.Visits())
			}
			if len(got.NotAsked) > 0 != c.notAsked || len(untested(got)) > 0 {
				t.Errorf("%s: %d not asked, untested %v", c.why, len(got.NotAsked), untested(got))
			}
			for _, v := range []report.Version{"TLS1.2", "TLS1.1", "TLS1.0"} {
				for _, name := range c.suites {
					suite, _ := hello.SuiteNamed(name)
					if v != "TLS1.2" && suite.FromTLS12() {
						continue
					}
					is := func(x report.Suite) bool { return x.Version == v && x.Name == name }
					if listed, left := slices.ContainsFunc(got.Ciphers, is), slices.ContainsFunc(got.NotAsked, is); listed == left {
						t.Errorf("%s: %s %s is listed: %v, is said to be left out: %v", c.why, v, name, listed, left)
					}
				}
			}
		})
	}
}
