package pkix

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

var now = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// cert is a certificate minted for a test, with its key.
type cert struct {
	*x509.Certificate
	key crypto.Signer
}

var serial int64

// mint makes a certificate signed by issuer, or by itself if issuer is nil, valid for a
// year around now unless change says otherwise.
func mint(t testing.TB, subject string, issuer *cert, change func(*x509.Certificate)) *cert {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return mintKey(t, subject, key.Public(), key, issuer, change)
}

func mintKey(t testing.TB, subject string, public crypto.PublicKey, key crypto.Signer, issuer *cert, change func(*x509.Certificate)) *cert {
	t.Helper()
	serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: subject},
		NotBefore:    now.AddDate(0, -6, 0),
		NotAfter:     now.AddDate(0, 6, 0),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.Certificate, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		parsed = &x509.Certificate{Raw: der} // which other libraries may read
	}
	return &cert{parsed, key}
}

func authority(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid, c.ExtKeyUsage = true, true, nil
	c.KeyUsage = x509.KeyUsageCertSign
}

func serving(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames = names }
}

func store(roots ...*cert) Store {
	s, err := NewStore("test", chain(roots...)...)
	if err != nil {
		panic(err)
	}
	return s
}

func chain(certs ...*cert) [][]byte {
	var der [][]byte
	for _, c := range certs {
		der = append(der, c.Raw)
	}
	return der
}

func TestDescribe(t *testing.T) {
	root := mint(t, "root", nil, authority)
	other := mint(t, "other root", nil, authority)
	middle := mint(t, "middle", root, authority)
	stale := mint(t, "stale", root, func(c *x509.Certificate) { authority(c); c.NotAfter = now.AddDate(0, -1, 0) })
	limited := mint(t, "limited", root, func(c *x509.Certificate) { authority(c); c.PermittedDNSDomains = []string{"elsewhere.example"} })
	leaf := mint(t, "leaf", middle, serving("mx.example"))
	given := mint(t, "given", nil, nil)

	distrusting := store(root)
	distrusting.roots[0].constraint = func([]*x509.Certificate) error {
		return errors.New(`certificate issued after distrust-after date "2020"`)
	}

	for _, test := range []struct {
		why     string
		chain   [][]byte
		store   Store
		pkix    report.PKIX
		trusted bool
		public  bool
		match   bool
		detail  string
	}{
		{"good", chain(leaf, middle), store(root), "ok", true, true, true, ""},
		{"root sent too", chain(leaf, middle, root), store(root), "ok", true, true, true, ""},
		{"wrong order is put right", chain(leaf, root, middle), store(root), "ok", true, true, true, ""},
		{"unparsable extra is passed over", append(chain(leaf, middle), []byte("x")), store(root), "ok", true, true, true, ""},
		{"intermediate not sent", chain(leaf), store(root), "incomplete", false, false, true, "unknown authority"},
		{"intermediate sent, root unknown and not sent", chain(leaf, middle), store(other), "incomplete", false, false, true, "unknown authority"},
		{"private root, sent", chain(leaf, middle, root), store(other), "untrusted", false, false, true, "unknown authority"},
		{"expired", chain(mint(t, "leaf", middle, func(c *x509.Certificate) { serving("mx.example")(c); c.NotAfter = now.Add(-time.Hour) }), middle),
			store(root), "expired", true, true, true, "expired"},
		{"not yet valid", chain(mint(t, "leaf", middle, func(c *x509.Certificate) { serving("mx.example")(c); c.NotBefore = now.Add(time.Hour) }), middle),
			store(root), "not-yet-valid", true, true, true, "not yet valid"},
		{"intermediate expired", chain(mint(t, "leaf", stale, serving("mx.example")), stale), store(root), "expired", true, true, true, "expired"},
		{"another name", chain(mint(t, "leaf", middle, serving("www.example")), middle), store(root), "name-mismatch", true, true, false, "mx.example"},
		{"the name only in CN", chain(mint(t, "mx.example", middle, nil), middle), store(root), "name-mismatch", true, true, false, ""},
		{"expired and another name", chain(mint(t, "leaf", middle, func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) }), middle),
			store(root), "expired", true, true, false, ""},
		{"self-signed", chain(mint(t, "mx", nil, serving("mx.example"))), store(root), "self-signed", false, false, true, ""},
		{"self-signed and expired", chain(mint(t, "mx", nil, func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) })), store(root), "self-signed", false, false, false, ""},
		{"self-signed and given as root", chain(given), store(given), "name-mismatch", true, true, false, ""},
		{"self-signed and given as root, for signing certificates only", chain(root), store(root), "untrusted", false, true, false, "incompatible key usage"},
		{"for clients only", chain(mint(t, "leaf", middle, func(c *x509.Certificate) {
			serving("mx.example")(c)
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}), middle), store(root), "untrusted", false, true, true, "incompatible key usage"},
		{"for clients only, and expired", chain(mint(t, "leaf", middle, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
			c.NotAfter = now.Add(-time.Hour)
		}), middle), store(root), "untrusted", false, true, false, "incompatible key usage"},
		{"outside the name constraints", chain(mint(t, "leaf", limited, serving("mx.example")), limited), store(root), "untrusted", false, true, true, "forbid a name of"},
		{"distrusted root", chain(leaf, middle), distrusting, "untrusted", false, true, true, "distrust-after"},
		{"no roots at all", chain(leaf, middle), Store{}, "incomplete", false, false, true, ""},
		{"unparsable", [][]byte{[]byte("hello")}, store(root), "unparsable", false, false, false, "not the structure"},
	} {
		t.Run(test.why, func(t *testing.T) {
			c := test.store.Describe(test.chain, "mx.example", now)
			if c.PKIX != test.pkix || c.Trusted != test.trusted || c.PublicCA != test.public || c.NameMatch != test.match {
				t.Errorf("pkix %s, trusted %v, public %v, match %v; detail %q", c.PKIX, c.Trusted, c.PublicCA, c.NameMatch, view.Say(c.PKIXWhy))
			}
			if !strings.Contains(view.Say(c.PKIXWhy), test.detail) {
				t.Errorf("detail %q", view.Say(c.PKIXWhy))
			}
			if !bytes.Equal(c.DER, test.chain[0]) || len(c.Chain) != len(test.chain)-1 {
				t.Error("not the chain that was sent")
			}
		})
	}

	c := store(root).Describe(chain(leaf, middle), "192.0.2.1", now)
	if c.PKIX != "ok" || c.NameMatch {
		t.Errorf("met by address: %s, match %v", c.PKIX, c.NameMatch)
	}
	if store(root).Describe(nil, "mx.example", now) != nil {
		t.Error("a description of nothing")
	}
}

func TestFields(t *testing.T) {
	evil := mint(t, "evil\u202e\x07name", nil, func(c *x509.Certificate) {
		c.DNSNames = []string{"a.example", "b.example"}
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: []byte{4, 0}}}
	})
	c := store().Describe(chain(evil), "a.example", now)
	if strings.ContainsAny(c.Subject+c.CommonName, "\u202e\x07") || !strings.Contains(c.CommonName, "name") {
		t.Errorf("subject %q, common name %q", c.Subject, c.CommonName)
	}
	if len(c.Names) != 2 || c.Key != "ECDSA P-256" || c.Signature != "ECDSA-SHA256" || !c.SCT || !c.SelfSigned || c.CA {
		t.Errorf("%+v", c)
	}
	if len(c.SHA256) != 64 || len(c.SPKISHA256) != 64 || c.SHA256 == c.SPKISHA256 {
		t.Errorf("digests %s, %s", c.SHA256, c.SPKISHA256)
	}
}

// A modulus needs no factors to be certified.
func modulus(bits int, change func(n *big.Int)) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	n.Add(n, big.NewInt(12345678901))
	if change != nil {
		change(n)
	}
	return &rsa.PublicKey{N: n, E: 65537}
}

func TestKeys(t *testing.T) {
	root := mint(t, "root", nil, authority)
	primorial := big.NewInt(1)
	for _, p := range rocaPrimes {
		primorial.Mul(primorial, big.NewInt(p))
	}
	infineon := modulus(2048, func(n *big.Int) {
		n.Sub(n, new(big.Int).Mod(n, primorial))
		n.Add(n, new(big.Int).Exp(big.NewInt(65537), big.NewInt(1234), primorial))
		if n.Bit(0) == 0 {
			n.Add(n, primorial)
		}
	})
	for _, test := range []struct {
		why  string
		key  *rsa.PublicKey
		name string
		weak report.WeakKey
		pkix report.PKIX
	}{
		{"ordinary", modulus(2048, nil), "RSA 2048", "", "ok"},
		{"short", modulus(1016, nil), "RSA 1016", "short", "weak"},
		{"at the limit", modulus(1024, nil), "RSA 1024", "", "ok"},
		{"Infineon's", infineon, "RSA 2048", "roca", "weak"},
	} {
		leaf := mintKey(t, "leaf", test.key, nil, root, serving("mx.example"))
		c := store(root).Describe(chain(leaf), "mx.example", now)
		if c.Key != test.name || c.WeakKey != test.weak || c.PKIX != test.pkix {
			t.Errorf("%s: %s, %q, %s (%s)", test.why, c.Key, c.WeakKey, c.PKIX, view.Say(c.PKIXWhy))
		}
	}
}

// replaceAlgorithm rewrites the algorithm of a signature; the signature is wrong then.
func replaceAlgorithm(t *testing.T, der []byte, old, new asn1.ObjectIdentifier) []byte {
	t.Helper()
	a, err := asn1.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	b, err := asn1.Marshal(new)
	if err != nil {
		t.Fatal(err)
	}
	if len(a) != len(b) || !bytes.Contains(der, a) {
		t.Fatalf("%v does not fit in place of %v", new, old)
	}
	return bytes.ReplaceAll(der, a, b)
}

func TestSignatures(t *testing.T) {
	root := mint(t, "root", nil, authority)
	leaf := mint(t, "leaf", root, serving("mx.example"))
	sha256 := asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	for _, test := range []struct {
		id   asn1.ObjectIdentifier
		name string
		pkix report.PKIX
	}{
		{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 1}, "ECDSA-SHA224", "untrusted"},
		{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 9}, "1.2.840.10045.4.3.9", "untrusted"},
	} {
		c := store(root).Describe([][]byte{replaceAlgorithm(t, leaf.Raw, sha256, test.id), root.Raw}, "mx.example", now)
		if c.Signature != test.name || c.PKIX != test.pkix {
			t.Errorf("%s: %s, %s (%s)", test.name, c.Signature, c.PKIX, view.Say(c.PKIXWhy))
		}
	}
}

func TestNameMatches(t *testing.T) {
	for _, test := range []struct {
		why   string
		names []string
		name  string
		want  bool
	}{
		{"exact", []string{"mx.example.com"}, "mx.example.com", true},
		{"case does not matter", []string{"MX.Example.COM"}, "mx.example.com", true},
		{"one of several", []string{"a.example", "mx.example.com"}, "mx.example.com", true},
		{"final dot of the reference", []string{"mx.example.com"}, "mx.example.com.", true},
		{"wildcard for one label", []string{"*.example.com"}, "mx.example.com", true},
		{"wildcard over an A-label", []string{"*.example.com"}, "xn--bcher-kva.example.com", true},
		{"A-labels", []string{"xn--bcher-kva.example"}, "xn--bcher-kva.example", true},
		{"wildcard does not cover its parent", []string{"*.example.com"}, "example.com", false},
		{"wildcard does not cover two labels", []string{"*.example.com"}, "a.mx.example.com", false},
		{"part of a label", []string{"mx*.example.com"}, "mx1.example.com", false},
		{"wildcard in the middle", []string{"mx.*.com"}, "mx.example.com", false},
		{"two wildcards", []string{"*.*.com"}, "mx.example.com", false},
		{"bare wildcard", []string{"*"}, "example", false},
		{"U-label presented", []string{"bücher.example"}, "xn--bcher-kva.example", false},
		{"Kelvin sign folds to k in Unicode only", []string{"m\u212a.example"}, "mk.example", false},
		{"NUL and more", []string{"mx.example.com\x00.evil.example"}, "mx.example.com", false},
		{"other name", []string{"www.example.com"}, "mx.example.com", false},
		{"none presented", nil, "mx.example.com", false},
		{"address", []string{"192.0.2.1"}, "192.0.2.1", false},
		{"IPv6 address", []string{"2001:db8::1"}, "2001:db8::1", false},
		{"empty", []string{""}, "", false},
		{"wildcard as the reference", []string{"*.example.com"}, "*.example.com", false},
		{"empty label", []string{"*.example.com"}, ".example.com", false},
	} {
		if got := NameMatches(test.names, test.name); got != test.want {
			t.Errorf("%s: %v", test.why, got)
		}
	}
}

func TestFromPEM(t *testing.T) {
	root := mint(t, "root", nil, authority)
	good := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})
	s, err := FromPEM(append(key, good...))
	if err != nil || s.Name != "given roots (1)" {
		t.Fatal(s.Name, err)
	}
	leaf := mint(t, "leaf", root, serving("mx.example"))
	if c := s.Describe(chain(leaf), "mx.example", now); c.PKIX != "ok" {
		t.Errorf("under a given root: %s, %s", c.PKIX, view.Say(c.PKIXWhy))
	}
	for why, data := range map[string][]byte{
		"empty":          nil,
		"no certificate": key,
		"not PEM":        root.Raw,
		"broken":         pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}),
	} {
		if _, err := FromPEM(data); err == nil || !strings.HasPrefix(err.Error(), "roots: ") {
			t.Errorf("%s: %v", why, err)
		}
	}
}

func TestBuiltIn(t *testing.T) {
	s := BuiltIn()
	if !strings.HasPrefix(s.Name, "Mozilla's roots") || len(s.roots) < 100 {
		t.Errorf("%q", s.Name)
	}
	if day, ok := versionDate("v0.0.0-20261030153154-30a33513ff6d"); day != "2026-10-30" || !ok {
		t.Error(day, ok)
	}
	if _, ok := versionDate("v1.2.3"); ok {
		t.Error("a version without a date has one")
	}
}

func FuzzDescribe(f *testing.F) {
	root := mint(f, "root", nil, authority)
	leaf := mint(f, "leaf", root, serving("mx.example", "*.example"))
	s := store(root)
	f.Add(leaf.Raw, root.Raw, "mx.example")
	f.Add(root.Raw, leaf.Raw, "\x00")
	f.Add([]byte{0x30, 0x80}, []byte{}, "")
	f.Fuzz(func(t *testing.T, a, b []byte, name string) {
		c := s.Describe([][]byte{a, b}, name, now)
		if !bytes.Equal(c.DER, a) || len(c.SHA256) != 64 {
			t.Error("the certificate is not kept")
		}
		if c.PKIX == "" || c.PKIX == "ok" && !c.Trusted {
			t.Errorf("pkix %q", c.PKIX)
		}
		for _, text := range append(c.Names, c.Subject, c.Issuer, c.CommonName, view.Say(c.PKIXWhy)) {
			if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\x1b\x00") {
				t.Errorf("text %q", text)
			}
		}
	})
}
