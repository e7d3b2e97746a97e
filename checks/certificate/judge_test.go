package certificate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/checks/check/checktest"
	"mxseal/checks/report"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// good is a public certificate without fault; change makes it another.
func good(change func(*report.Certificate)) *report.Certificate {
	c := &report.Certificate{
		Subject: "CN=mx.example.com", CommonName: "mx.example.com", Names: []string{"mx.example.com"}, Issuer: "CN=R1,O=CA",
		NotBefore: now.AddDate(0, 0, -30), NotAfter: now.AddDate(0, 0, 60), Key: "ECDSA P-256", Signature: "SHA256-RSA",
		SHA256: "aa", SPKISHA256: "bb", SCT: true, PKIX: "ok", Trusted: true, PublicCA: true, NameMatch: true, Via: "first",
		Chain: []*report.Certificate{{Subject: "CN=R1,O=CA", Issuer: "CN=Root,O=CA", Signature: "SHA256-RSA", CA: true}},
	}
	if change != nil {
		change(c)
	}
	return c
}

// own is a self-signed certificate.
func own(change func(*report.Certificate)) *report.Certificate {
	return good(func(c *report.Certificate) {
		c.Issuer, c.SelfSigned, c.PKIX, c.Trusted, c.PublicCA, c.SCT, c.Chain = c.Subject, true, "self-signed", false, false, false, nil
		if change != nil {
			change(c)
		}
	})
}

func of(certificates ...*report.Certificate) *report.Report {
	return &report.Report{Meta: report.Meta{Domain: "example.com", CheckedAt: now}, Evidence: report.Evidence{Hosts: []*report.Host{{
		Name:      "mx.example.com",
		Addresses: []*report.Address{{IP: "192.0.2.1", Certificates: certificates}},
	}}}}
}

// pinned is of with a TLSA record of that usage that matches.
func pinned(usage uint8, c *report.Certificate) *report.Report {
	r := of(c)
	r.Hosts[0].TLSA.Records = []report.TLSARecord{{Usage: usage, Matches: []string{"192.0.2.1"}}}
	return r
}

// beside is a good server with another host beside it.
func beside(name string, c *report.Certificate) *report.Report {
	r := of(good(nil))
	r.Hosts = append(r.Hosts, &report.Host{Name: name, Addresses: []*report.Address{{IP: "192.0.2.2", Certificates: []*report.Certificate{c}}}})
	return r
}

func expired(c *report.Certificate) { c.NotAfter, c.PKIX = now.Add(-time.Hour), "expired" }

// named makes a certificate that does not cover the host but these names.
func named(names ...string) func(*report.Certificate) {
	return func(c *report.Certificate) { c.Names, c.NameMatch, c.PKIX = names, false, "name-mismatch" }
}

func unsent(c *report.Certificate) {
	c.PKIX, c.Trusted, c.PublicCA, c.Chain = "incomplete", false, false, nil
}

func from(notBefore, notAfter time.Time) func(*report.Certificate) {
	return func(c *report.Certificate) { c.NotBefore, c.NotAfter = notBefore, notAfter }
}

func key(name string, weak report.WeakKey, pkix report.PKIX) func(*report.Certificate) {
	return func(c *report.Certificate) { c.Key, c.WeakKey, c.PKIX = name, weak, pkix }
}

func sized(name string, bits int) func(*report.Certificate) {
	return func(c *report.Certificate) { c.Key, c.KeyBits = name, bits }
}

func weaklySigned(c *report.Certificate) {
	c.Signature, c.PKIX, c.Trusted, c.PublicCA = "SHA1-RSA", "weak", false, false
}

func private(c *report.Certificate) { c.SelfSigned, c.PKIX, c.Issuer = false, "untrusted", "CN=Our CA" }

// Each case names what must be found, as rule, verdict and effects, and what must not.
var cases = []struct {
	why    string
	report *report.Report
	found  []string
	absent string
}{
	{"good", of(good(nil)),
		[]string{"CRT-01 pass", "CRT-02 pass M.pkix=true", "CRT-05 pass", "CRT-09 pass"},
		"CRT-03 CRT-04 CRT-06 CRT-07 CRT-08 CRT-10 CRT-11 CRT-12 CRT-13 CRT-14 CRT-15 CRT-16 CRT-17 CRT-18 CRT-19 CRT-20 CRT-21 CRT-22 CRT-23 CRT-25"},
	{"unparsable", of(&report.Certificate{PKIX: "unparsable", PKIXDetail: "x509: malformed"}),
		[]string{"CRT-01 fail M.pkix=false"}, "CRT-02 CRT-05 CRT-09 CRT-12 CRT-14"},
	{"no certificate", of(), nil, "CRT-01"},

	{"issuer not sent", of(good(unsent)), []string{"CRT-03 fail M.pkix=false"}, "CRT-02 CRT-14 CRT-15"},
	{"issuer not sent, DANE-EE", pinned(3, good(unsent)), []string{"CRT-03 info M.pkix=false"}, ""},
	{"root sent too", of(good(func(c *report.Certificate) {
		c.Chain = append(c.Chain, &report.Certificate{Subject: "CN=Root,O=CA", Issuer: "CN=Root,O=CA", SelfSigned: true, Signature: "SHA1-RSA"})
	})), nil, "CRT-04 CRT-19"},
	{"wrong order", of(good(func(c *report.Certificate) {
		c.Chain = append([]*report.Certificate{{Subject: "CN=Root,O=CA", Issuer: "CN=Root,O=CA", SelfSigned: true}}, c.Chain...)
	})), []string{"CRT-04 warn"}, ""},
	{"a stranger in the chain", of(good(func(c *report.Certificate) {
		c.Chain = append(c.Chain, &report.Certificate{Subject: "CN=Other", Issuer: "CN=Other"})
	})), []string{"CRT-04 warn"}, ""},

	{"expired", of(good(expired)), []string{"CRT-02 pass", "CRT-06 fail M.pkix=false"}, "CRT-05 CRT-07"},
	{"expired, DANE-EE", pinned(3, good(expired)), []string{"CRT-06 info M.pkix=false"}, ""},
	{"expired, DANE-TA", pinned(2, good(expired)), []string{"CRT-06 fail M.pkix=false"}, ""},
	{"not yet valid", of(good(func(c *report.Certificate) { c.NotBefore, c.PKIX = now.Add(time.Hour), "not-yet-valid" })), []string{"CRT-06 fail M.pkix=false"}, "CRT-05"},
	{"issuer expired", of(good(func(c *report.Certificate) { c.PKIX = "expired" })), []string{"CRT-06 fail M.pkix=false"}, "CRT-05"},
	{"ends at this very second", of(good(func(c *report.Certificate) { c.NotAfter = now })), []string{"CRT-05 pass", "CRT-07 warn"}, "CRT-06"},
	{"14 days left of 90", of(good(from(now.AddDate(0, 0, -76), now.AddDate(0, 0, 14)))), nil, "CRT-07"},
	{"13 days left of 90", of(good(from(now.AddDate(0, 0, -77), now.AddDate(0, 0, 13)))), []string{"CRT-07 warn"}, ""},
	{"2 days left of 6", of(good(from(now.AddDate(0, 0, -4), now.AddDate(0, 0, 2)))), nil, "CRT-07"},
	{"a year, issued under the limit of 200 days", of(good(from(now.AddDate(0, -1, 0), now.AddDate(0, 11, 0)))), []string{"CRT-08 warn"}, ""},
	{"a year, issued before it", of(good(from(now.AddDate(0, -9, 0), now.AddDate(0, 3, 0)))), nil, "CRT-08"},
	{"ten years, of nobody's authority", of(own(func(c *report.Certificate) { c.NotAfter = now.AddDate(10, 0, 0) })), nil, "CRT-08"},

	{"wildcard", of(good(func(c *report.Certificate) { c.Names = []string{"*.example.com"} })), []string{"CRT-09 pass", "CRT-10 pass", "CRT-23 info"}, "CRT-12"},
	{"wildcard beside the name", of(good(func(c *report.Certificate) { c.Names = []string{"*.example.com", "mx.example.com"} })), []string{"CRT-09 pass"}, "CRT-10 CRT-23"},
	{"wildcard further up", of(good(named("*.com"))), []string{"CRT-10 fail", "CRT-12 fail M.pkix=false"}, "CRT-09 CRT-23"},
	{"wildcard below", of(good(named("*.mx.example.com"))), []string{"CRT-10 fail", "CRT-12 fail M.pkix=false"}, ""},
	{"star as part of a label", of(good(named("m*.example.com"))), []string{"CRT-10 fail", "CRT-12 fail M.pkix=false"}, ""},
	{"wildcard elsewhere", of(good(named("*.example.net"))), []string{"CRT-12 fail M.pkix=false"}, "CRT-10"},
	{"only CN", of(good(named())), []string{"CRT-11 fail M.pkix=false"}, "CRT-09 CRT-12"},
	{"only CN, DANE-EE", pinned(3, good(named())), []string{"CRT-11 info M.pkix=false"}, ""},
	{"no SAN and another CN", of(good(func(c *report.Certificate) { named()(c); c.CommonName = "x" })), []string{"CRT-12 fail M.pkix=false"}, "CRT-11"},
	{"another name", of(good(named("www.example.com"))), []string{"CRT-02 pass", "CRT-12 fail M.pkix=false"}, "CRT-09"},
	{"another name, DANE-EE", pinned(3, good(named("www.example.com"))), []string{"CRT-12 info M.pkix=false"}, ""},
	{"the mail domain only", of(good(named("example.com"))), []string{"CRT-12 fail M.pkix=false", "CRT-13 info"}, ""},
	{"the mail domain too", of(good(func(c *report.Certificate) { c.Names = append(c.Names, "example.com") })), []string{"CRT-09 pass", "CRT-13 info"}, ""},
	{"many other names", of(good(named("a.test", "b.test", "c.test", "d.test", "e.test", "f.test"))), []string{"CRT-12 fail M.pkix=false"}, ""},
	{"met by address", func() *report.Report {
		r := of(good(named("www.example.com")))
		r.Hosts[0].Name = "192.0.2.1"
		return r
	}(), nil, "CRT-09 CRT-12"},

	{"self-signed", of(own(nil)), []string{"CRT-14 warn M.pkix=false"}, "CRT-02 CRT-03 CRT-15 CRT-25"},
	{"self-signed, DANE-EE", pinned(3, own(nil)), []string{"CRT-14 info M.pkix=false"}, ""},
	{"private authority", of(own(private)), []string{"CRT-14 warn M.pkix=false"}, ""},
	{"private authority, DANE-TA", pinned(2, own(private)), []string{"CRT-14 info M.pkix=false"}, ""},
	{"self-signed, expired, another name: one new certificate fixes all", of(own(func(c *report.Certificate) {
		expired(c)
		named("x.test")(c)
		c.PKIX = "self-signed"
	})), []string{"CRT-14 warn M.pkix=false", "CRT-06 fail", "CRT-12 fail"}, ""},
	{"for clients only", of(good(func(c *report.Certificate) { c.PKIX, c.Trusted = "untrusted", false })), []string{"CRT-15 fail M.pkix=false"}, "CRT-02 CRT-14"},

	{"RSA 1024", of(good(key("RSA 1024", "", "ok"))), []string{"CRT-16 fail cap B"}, "CRT-17 CRT-18"},
	{"RSA 2047", of(good(key("RSA 2047", "", "ok"))), []string{"CRT-16 fail cap B"}, ""},
	{"P-224", of(good(key("ECDSA P-224", "", "ok"))), []string{"CRT-16 warn noA+"}, "CRT-17"},
	{"RSA 512", of(good(key("RSA 512", "short", "weak"))), []string{"CRT-17 fail M.pkix=false"}, "CRT-16"},
	{"ROCA", of(good(key("RSA 2048", "roca", "weak"))), []string{"CRT-17 fail M.pkix=false", "CRT-02 pass"}, "CRT-18"},
	{"RSA 2048", of(good(key("RSA 2048", "", "ok"))), []string{"CRT-18 info"}, "CRT-16"},
	{"RSA 3072", of(good(key("RSA 3072", "", "ok"))), nil, "CRT-16 CRT-18"},
	{"SHA-1", of(good(weaklySigned)), []string{"CRT-19 fail M.pkix=false"}, "CRT-02 CRT-14 CRT-20"},
	{"SHA-1, DANE-EE", pinned(3, good(weaklySigned)), []string{"CRT-19 info M.pkix=false"}, ""},
	{"MD5 in an intermediate", of(good(func(c *report.Certificate) {
		weaklySigned(c)
		c.Signature, c.Chain[0].Signature = "SHA256-RSA", "MD5-RSA"
	})), []string{"CRT-19 fail M.pkix=false"}, ""},
	{"SHA-1 of a self-signed one", of(own(func(c *report.Certificate) { c.Signature = "SHA1-RSA" })), []string{"CRT-14 warn M.pkix=false"}, "CRT-19"},
	{"SHA-224", of(good(func(c *report.Certificate) { c.Signature = "SHA224-RSA" })), []string{"CRT-20 warn noA+"}, "CRT-19"},
	{"RSA-PSS 1024", of(good(sized("RSA-PSS 1024", 1024))), []string{"CRT-16 fail cap B"}, "CRT-17 CRT-18"},
	{"RSA-PSS 2048", of(good(sized("RSA-PSS 2048", 2048))), []string{"CRT-18 info"}, "CRT-16"},
	{"brainpoolP256r1", of(good(sized("ECDSA brainpoolP256r1", 256))), nil, "CRT-16 CRT-17 CRT-18"},
	{"P-192", of(good(sized("ECDSA P-192", 192))), []string{"CRT-16 fail cap B"}, "CRT-17"},
	{"Ed448", of(good(sized("Ed448", 446))), nil, "CRT-16 CRT-17 CRT-18"},
	{"Ed25519", of(good(sized("Ed25519", 253))), nil, "CRT-16 CRT-17 CRT-18"},
	{"DSA", of(good(sized("DSA 2048", 2048))), []string{"CRT-16 fail cap B"}, ""},
	{"DSA 512", of(good(func(c *report.Certificate) { sized("DSA 512", 512)(c); c.WeakKey, c.PKIX = "short", "weak" })), []string{"CRT-17 fail M.pkix=false"}, "CRT-16 CRT-15"},
	{"an issuer's key that is too short", of(good(func(c *report.Certificate) {
		c.PKIX, c.Trusted, c.PathFaults = "weak", false, []report.FaultCode{"weak-key"}
	})), []string{"CRT-15 fail M.pkix=false"}, "CRT-17 CRT-19"},
	{"SHA-1 in a certificate that nobody needs", of(good(func(c *report.Certificate) {
		c.OnPath, c.Chain[0].OnPath = true, true
		c.Chain = append(c.Chain, &report.Certificate{Subject: "CN=Root", Issuer: "CN=Old", Signature: "SHA1-RSA", NotAfter: now.AddDate(1, 0, 0)})
	})), []string{"CRT-30 info", "CRT-02 pass M.pkix=true"}, "CRT-19"},
	{"an expired certificate that nobody needs", of(good(func(c *report.Certificate) {
		c.OnPath, c.Chain[0].OnPath = true, true
		c.Chain = append(c.Chain, &report.Certificate{Subject: "CN=Root", Issuer: "CN=Old", Signature: "SHA256-RSA", NotAfter: now.AddDate(-1, 0, 0)})
	})), []string{"CRT-30 info", "CRT-05 pass"}, "CRT-06"},
	{"SHA-1 on the path", of(good(func(c *report.Certificate) {
		c.OnPath, c.Chain[0].OnPath, c.Chain[0].Signature = true, true, "SHA1-RSA"
		c.PKIX, c.Trusted, c.PathFaults = "weak", false, []report.FaultCode{"weak-signature"}
	})), []string{"CRT-19 fail M.pkix=false"}, "CRT-15 CRT-30"},
	{"keyUsage without digitalSignature", of(good(func(c *report.Certificate) { c.KeyUsage = []string{"keyEncipherment"} })),
		[]string{"CRT-26 fail cap C", "CRT-02 pass M.pkix=true"}, ""},
	{"keyUsage that allows nothing for TLS", of(good(func(c *report.Certificate) {
		c.KeyUsage, c.PKIX, c.Trusted = []string{"keyCertSign", "cRLSign"}, "untrusted", false
	})), []string{"CRT-26 fail cap C", "CRT-15 fail M.pkix=false"}, ""},
	{"keyUsage as it should be", of(good(func(c *report.Certificate) { c.KeyUsage = []string{"digitalSignature", "keyEncipherment"} })), nil, "CRT-26"},
	{"not read by Go", of(good(func(c *report.Certificate) { c.GoRefuses = "x509: negative serial number" })),
		[]string{"CRT-01 pass", "CRT-02 pass M.pkix=true", "CRT-27 warn noA+"}, ""},
	{"a path that we could not verify", of(good(func(c *report.Certificate) {
		c.PKIX, c.Trusted, c.PathFaults = "untested", false, []report.FaultCode{"unchecked"}
	})),
		[]string{"CRT-28 untested prov"}, "CRT-02 CRT-14 CRT-15"},
	{"a certificate that was not kept", of(good(func(c *report.Certificate) { c.Cut() })), []string{"CRT-28 untested prov"}, "CRT-01 CRT-02 CRT-09 CRT-12 CRT-14 CRT-15"},
	{"a list of 101 KB", of(good(func(c *report.Certificate) { c.ListOctets = 101 << 10 })), []string{"CRT-29 warn noA+"}, ""},
	{"a list of 99 KB", of(good(func(c *report.Certificate) { c.ListOctets = 99 << 10 })), nil, "CRT-29"},
	{"a list of which not all is kept", of(good(func(c *report.Certificate) { c.Omitted = 130 })), []string{"CRT-04 warn", "CRT-02 pass M.pkix=true"}, ""},
	{"signed by another key than the issuer's", of(own(func(c *report.Certificate) { private(c); c.PathFaults = []report.FaultCode{"signature"} })), []string{"CRT-14 warn M.pkix=false"}, "CRT-03"},
	{"an issuer that is not yet valid", of(good(func(c *report.Certificate) { c.PKIX = "not-yet-valid" })), []string{"CRT-06 fail M.pkix=false"}, "CRT-05"},
	{"shipped with a product", of(own(func(c *report.Certificate) { c.Subject = "CN=mx,O=Internet Widgits Pty Ltd" })), []string{"CRT-21 warn"}, ""},
	{"called localhost", of(own(func(c *report.Certificate) { c.CommonName = "localhost" })), []string{"CRT-21 warn"}, ""},
	{"a host called after a product", of(own(func(c *report.Certificate) { c.Subject = "CN=plesk.example.com" })), nil, "CRT-21"},
	{"a key that a host of another owner has", beside("mx.example.net", good(named("mx.example.net"))), []string{"CRT-21 warn"}, ""},
	{"a key that another host of the same owner has", beside("mx2.example.com", good(named("mx2.example.com"))), nil, "CRT-21"},
	{"a host of another owner with a key of its own", beside("mx.example.net", good(func(c *report.Certificate) { c.SPKISHA256 = "cc" })), nil, "CRT-21"},
	{"one certificate for hosts under several domains is of one owner", beside("mx.example.net", good(func(c *report.Certificate) { c.Names = append(c.Names, "mx.example.net") })), nil, "CRT-21"},
	{"RSA and ECDSA", of(good(nil), good(func(c *report.Certificate) { c.Key, c.Via = "RSA 3072", "other-key-type" })), []string{"CRT-22 info"}, ""},
	{"Ed25519 alone", of(good(func(c *report.Certificate) { c.Key = "Ed25519" })), []string{"CRT-31 warn"}, "CRT-16"},
	{"Ed448 alone", of(own(func(c *report.Certificate) { c.Key = "Ed448" })), []string{"CRT-31 warn"}, "CRT-16"},
	{"P-521 alone", of(good(func(c *report.Certificate) { c.Key, c.KeyBits = "ECDSA P-521", 521 })), []string{"CRT-31 warn"}, "CRT-16"},
	{"Ed25519 beside P-256", of(good(func(c *report.Certificate) { c.Key = "Ed25519" }), good(func(c *report.Certificate) { c.Via = "other-key-type" })), nil, "CRT-31"},
	{"P-384", of(good(func(c *report.Certificate) { c.Key, c.KeyBits = "ECDSA P-384", 384 })), nil, "CRT-31"},
	{"valid for 199 days", of(good(from(now.AddDate(0, 0, -30), now.AddDate(0, 0, 169)))), []string{"CRT-32 info"}, "CRT-08"},
	{"valid for 100 days", of(good(from(now.AddDate(0, 0, -30), now.AddDate(0, 0, 70)))), nil, "CRT-32"},
	{"a self-made one for ten years", of(own(from(now.AddDate(0, 0, -30), now.AddDate(10, 0, 0)))), nil, "CRT-32"},
	{"no timestamps", of(good(func(c *report.Certificate) { c.SCT = false })), []string{"CRT-25 info"}, ""},
}

func TestJudge(t *testing.T) {
	for _, test := range cases {
		t.Run(test.why, func(t *testing.T) {
			var got []string
			seen := map[string]bool{}
			for _, f := range Judge(test.report.Observed()) {
				words := []string{f.Rule, string(f.Verdict)}
				for _, e := range f.Effects {
					words = append(words, string(e))
				}
				got = append(got, strings.Join(words, " "))
				seen[f.Rule] = true
			}
			for _, want := range test.found {
				if !slices.Contains(got, want) {
					t.Errorf("not found: %s; but\n%s", want, strings.Join(got, "\n"))
				}
			}
			for id := range strings.FieldsSeq(test.absent) {
				if seen[id] {
					t.Errorf("found %s in\n%s", id, strings.Join(got, "\n"))
				}
			}
		})
	}
}

// Every rule applies in some case and not in another, and is told in whole sentences.
func TestEveryRuleIsCovered(t *testing.T) {
	var reports []*report.Report
	for _, c := range cases {
		reports = append(reports, c.report)
	}
	checktest.Rules(t, Check, reports)
}

func TestRules(t *testing.T) {
	ids := map[string]bool{}
	for _, r := range Rules {
		if ids[r.ID] || r.Title == "" || r.Text == "" || r.Reference == "" || r.Verdict == "" {
			t.Errorf("%s is there twice, or lacks a text", r.ID)
		}
		ids[r.ID] = true
	}
	if Doc == "" {
		t.Error("no documentation")
	}
}

func TestMaxLife(t *testing.T) {
	for issued, want := range map[string]int{"2026-03-14": 398, "2026-03-15": 200, "2027-03-14": 200, "2027-03-15": 100, "2029-03-15": 47} {
		at, err := time.Parse(time.DateOnly, issued)
		if err != nil {
			t.Fatal(err)
		}
		if got := maxLife(at); got != want {
			t.Errorf("issued on %s: %d days, want %d", issued, got, want)
		}
	}
}
