package pkix

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// extension makes a certificate with one more extension, as octets.
func extension(id asn1.ObjectIdentifier, critical bool, value []byte) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: id, Critical: critical, Value: value})
	}
}

// all makes several changes.
func all(changes ...func(*x509.Certificate)) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		for _, change := range changes {
			change(c)
		}
	}
}

// again makes another certificate for the name and key of an authority.
func again(t *testing.T, of, issuer *cert, change func(*x509.Certificate)) *cert {
	t.Helper()
	return mintKey(t, of.Subject.CommonName, of.PublicKey, of.key, issuer, all(authority, change))
}

// rewritten changes octets of what is signed, and signs it anew.
func rewritten(t *testing.T, der []byte, issuer *cert, old, now []byte) []byte {
	t.Helper()
	outer, _ := parse(der, tagSequence)
	tbs, algorithm := outer.any(), outer.any()
	if len(old) != len(now) || !bytes.Contains(tbs.raw, old) {
		t.Fatalf("%x is not there", old)
	}
	changed := bytes.Replace(bytes.Clone(tbs.raw), old, now, 1)
	sum := sha256.Sum256(changed)
	signature, err := issuer.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	out, err := asn1.Marshal(struct {
		TBS, Algorithm asn1.RawValue
		Signature      asn1.BitString
	}{asn1.RawValue{FullBytes: changed}, asn1.RawValue{FullBytes: algorithm.raw}, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// under writes a nameConstraints extension that permits names of one kind.
func under(t *testing.T, tag byte, body []byte) []byte {
	t.Helper()
	name := append([]byte{tag, byte(len(body))}, body...)
	tree := append([]byte{0x30, byte(len(name))}, name...)
	list := append([]byte{0xa0, byte(len(tree))}, tree...)
	return append([]byte{0x30, byte(len(list))}, list...)
}

// The last column is what openssl verify 3.0.22 says: see ask.
func TestChains(t *testing.T) {
	root := mint(t, "root", nil, authority)
	middle := mint(t, "middle", root, authority)
	good := serving("mx.example")
	leaf := mint(t, "leaf", middle, good)
	odd := mint(t, "a@b", middle, good) // a UTF8String, made a PrintableString below
	young := mint(t, "young", root, all(authority, func(c *x509.Certificate) { c.NotBefore = now.AddDate(0, 0, -1) }))
	early := mint(t, "early", root, all(authority, func(c *x509.Certificate) { c.NotBefore = now.AddDate(0, 0, 1) }))
	over := func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, -1, 0) }
	constraint := asn1.ObjectIdentifier{2, 5, 29, 30}
	organisation, err := asn1.Marshal(pkix.Name{Organization: []string{"Acme"}}.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	folder := mint(t, "folder", root, all(authority, extension(constraint, true, under(t, 0xa4, organisation))))
	otherName := mint(t, "other", root, all(authority, extension(constraint, true, under(t, 0xa0, []byte{6, 3, 42, 3, 4, 0xa0, 2, 5, 0}))))
	acme := func(c *x509.Certificate) { c.Subject.Organization = []string{"ACME "} }
	other := mint(t, "other root", nil, authority)
	sha1Cross := replaceAlgorithm(t, again(t, root, other, over).Raw, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 1})
	impostor := mint(t, "middle", root, authority) // the same name and another key
	own := mint(t, "own", root, all(authority, func(c *x509.Certificate) { c.SubjectKeyId = []byte{1, 2, 3} }))
	shallow := mint(t, "shallow", root, all(authority, func(c *x509.Certificate) { c.MaxPathLenZero = true }))
	deep := mint(t, "deep", shallow, authority)

	var stuffed, crowded [][]byte
	for i := range 139 {
		stuffed = append(stuffed, mint(t, fmt.Sprintf("stranger %d", i), nil, nil).Raw)
	}
	crowded = slices.Concat(chain(leaf), stuffed[:14], chain(middle), stuffed[14:24])
	stuffed = slices.Concat(chain(leaf, middle), stuffed)
	large := mint(t, "leaf", middle, all(good, extension(asn1.ObjectIdentifier{1, 2, 3, 4, 5}, false, make([]byte, 155<<10))))

	for _, c := range []struct {
		why     string
		list    [][]byte
		pkix    report.PKIX
		public  bool
		openssl string
	}{
		{"good", chain(leaf, middle), "ok", true, "OK"},
		{"the issuer at place 16 of 26", crowded, "ok", true, "OK"},
		{"141 certificates", stuffed, "ok", true, "OK"},
		{"155 KB", chain(large, middle), "untested", false, "OK"},
		{"@ in a PrintableString", [][]byte{rewritten(t, odd.Raw, middle, []byte("\x0c\x03a@b"), []byte("\x13\x03a@b")), middle.Raw}, "ok", true, "OK"},
		{"a negative serial number", [][]byte{rewritten(t, mint(t, "leaf", middle, all(good, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(0x7102030405060708) })).Raw, middle,
			[]byte{2, 8, 0x71}, []byte{2, 8, 0xf1}), middle.Raw}, "ok", true, "OK"},
		{"a critical authority key identifier", chain(mint(t, "leaf", middle, all(good, extension(asn1.ObjectIdentifier{2, 5, 29, 35}, true, []byte{0x30, 0}))), middle), "untrusted", true, "34"},
		{"a critical subject key identifier", chain(mint(t, "leaf", middle, all(good, extension(asn1.ObjectIdentifier{2, 5, 29, 14}, true, []byte{4, 1, 1}))), middle), "untrusted", true, "34"},
		{"a critical extension that nobody knows", chain(mint(t, "leaf", middle, all(good, extension(asn1.ObjectIdentifier{1, 2, 3}, true, []byte{5, 0}))), middle), "untrusted", true, "34"},
		{"an extension twice", chain(mint(t, "leaf", middle, all(good, extension(asn1.ObjectIdentifier{2, 5, 29, 15}, false, []byte{3, 2, 7, 0x80}), extension(asn1.ObjectIdentifier{2, 5, 29, 15}, false, []byte{3, 2, 7, 0x80}))), middle), "untrusted", true, "20"},
		{"basicConstraints that cannot be read", chain(mint(t, "leaf", middle, all(good, extension(asn1.ObjectIdentifier{2, 5, 29, 19}, false, []byte{1}))), middle), "untrusted", true, "20"},
		{"expired, under a younger authority", chain(mint(t, "leaf", young, all(good, over)), young), "expired", true, "10"},
		{"expired, under one that is not yet valid", chain(mint(t, "leaf", early, all(good, over)), early), "expired", true, "9"},
		{"under one that is not yet valid", chain(mint(t, "leaf", early, good), early), "not-yet-valid", true, "9"},
		{"expired, and for clients", chain(mint(t, "leaf", young, all(good, over, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })), young), "untrusted", true, "26"},
		{"a directoryName that fits", chain(mint(t, "leaf", folder, all(good, acme)), folder), "ok", true, "OK"},
		{"a directoryName that does not fit", chain(mint(t, "leaf", folder, good), folder), "untrusted", true, "47"},
		{"an otherName constraint without such a name", chain(mint(t, "leaf", otherName, good), otherName), "ok", true, "OK"},
		{"an unneeded cross-certificate that is expired", slices.Concat(chain(leaf, middle), [][]byte{sha1Cross}), "ok", true, "OK"},
		{"an issuer of the same name beside the right one", chain(leaf, middle, impostor), "ok", true, "OK"},
		{"an issuer of the same name and another key", chain(leaf, impostor), "untrusted", false, "20"},
		{"another key identifier than the issuer's", chain(mint(t, "leaf", own, all(good, extension(asn1.ObjectIdentifier{2, 5, 29, 35}, false, []byte{0x30, 5, 0x80, 3, 3, 2, 1}))), own), "untrusted", true, "20"},
		{"more authorities than allowed", chain(mint(t, "leaf", deep, good), deep, shallow), "untrusted", true, "25"},
		{"a leaf as issuer", chain(mint(t, "below", leaf, good), leaf, middle), "untrusted", true, "79"},
		{"keyEncipherment alone", chain(mint(t, "leaf", middle, all(good, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })), middle), "ok", true, "OK"},
		{"keyCertSign alone", chain(mint(t, "leaf", middle, all(good, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign })), middle), "untrusted", true, "26"},
		{"nonRepudiation alone", chain(mint(t, "leaf", middle, all(good, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageContentCommitment })), middle), "untrusted", true, "26"},
		{"anyExtendedKeyUsage alone", chain(mint(t, "leaf", middle, all(good, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} })), middle), "untrusted", true, "26"},
		{"no extended key usage", chain(mint(t, "leaf", middle, all(good, func(c *x509.Certificate) { c.ExtKeyUsage = nil })), middle), "ok", true, "OK"},
		{"the issuer is not sent", chain(leaf), "incomplete", false, "20"},
	} {
		d := store(root).Describe(c.list, "mx.example", now)
		if d.PKIX != c.pkix || d.PublicCA != c.public {
			t.Errorf("%s: %s, public %v; %s %v", c.why, d.PKIX, d.PublicCA, view.Say(d.PKIXWhy), d.PathFaults)
		}
		if d.NotAfter.IsZero() || len(d.SPKISHA256) != 64 || d.Key == "unknown" || d.Kept() && !slices.Equal(d.Names, []string{"mx.example"}) {
			t.Errorf("%s: not described: %+v", c.why, d)
		}
		octets := len(d.DER)
		for _, other := range d.Chain {
			octets += len(other.DER)
			if other.Kept() != (len(other.DER) > 0) || !other.Kept() && (len(other.SHA256) != 64 || other.NotAfter.IsZero() || other.PKIX != "") {
				t.Errorf("%s: %+v", c.why, other)
			}
			if onPath := other.Subject == d.Issuer; d.PKIX == "ok" && other.OnPath != (onPath && other.SHA256 != sum(impostor.Raw) || other.Subject == "CN=middle" && other.SHA256 != sum(impostor.Raw)) {
				t.Errorf("%s: %s on the path: %v", c.why, other.Subject, other.OnPath)
			}
		}
		if octets > maxOctets || len(d.Chain)+d.Omitted != len(c.list)-1 || d.OmittedIssuers > 0 {
			t.Errorf("%s: %d kept, %d left out of %d, %d octets", c.why, len(d.Chain), d.Omitted, len(c.list), octets)
		}
		ask(t, c.why, c.list, chain(root), now, c.openssl)
	}
}

func sum(der []byte) string { s := sha256.Sum256(der); return fmt.Sprintf("%x", s) }

// A thousand authorities of one name are our trouble, and bounded.
func TestTooManyWays(t *testing.T) {
	root := mint(t, "root", nil, authority)
	leaf := mint(t, "leaf", mint(t, "crowd", root, authority), serving("mx.example"))
	list := chain(leaf)
	for range 150 {
		list = append(list, mint(t, "crowd", root, authority).Raw)
	}
	d := store(root).Describe(list, "mx.example", now)
	kept := 1
	for _, c := range d.Chain {
		if c.Kept() {
			kept++
		}
	}
	if d.PKIX != "untested" || d.Trusted || d.PublicCA || kept != maxKept || len(d.Chain) != maxKept-1+maxBriefs || len(d.Chain)+d.Omitted != len(list)-1 || d.OmittedIssuers != len(list)-maxKept {
		t.Errorf("%s %v, %d of %d kept, %d told of", d.PKIX, d.PathFaults, kept, len(list), len(d.Chain))
	}
}
