package dane

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/big"
	"testing"
	"time"

	"mxseal/checks/report"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// cert is a certificate made for a test, with its key.
type cert struct {
	*x509.Certificate
	key crypto.Signer
}

var serial int64

// mint makes a certificate for a name, signed by issuer or by itself, valid for a year
// around now unless change says otherwise.
func mint(t testing.TB, name string, issuer *cert, change func(*x509.Certificate)) *cert {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    now.AddDate(0, -6, 0),
		NotAfter:     now.AddDate(0, 6, 0),
	}
	if change != nil {
		change(template)
	}
	parent, signer := template, crypto.Signer(key)
	if issuer != nil {
		parent, signer = issuer.Certificate, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &cert{parsed, key}
}

func authority(c *x509.Certificate) {
	c.DNSNames, c.IsCA, c.BasicConstraintsValid, c.KeyUsage = nil, true, true, x509.KeyUsageCertSign
}

func expired(c *x509.Certificate) { c.NotAfter = now.AddDate(0, -1, 0) }

// describe is the evidence of a chain, leaf first.
func describe(chain ...*cert) *report.Certificate {
	var all []*report.Certificate
	for _, c := range chain {
		sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
		all = append(all, &report.Certificate{DER: c.Raw, SPKISHA256: hex.EncodeToString(sum[:]), Key: "ECDSA P-256",
			NotBefore: c.NotBefore, NotAfter: c.NotAfter, Issuer: c.Issuer.String(), Via: "first", NameMatch: true})
	}
	all[0].Chain = all[1:]
	return all[0]
}

// tlsa is a record of that kind for a certificate.
func tlsa(usage, selector, matching uint8, c *cert) report.TLSARecord {
	r := report.TLSARecord{Usage: usage, Selector: selector, Matching: matching, Matches: []string{}}
	r.Data = hex.EncodeToString(associated(r, c.Raw))
	r.Unusable = fault(r)
	r.Usable = r.Unusable == ""
	return r
}

const ip, ip2 = "198.41.0.4", "2001:503::1"

// serving is a host with signed addresses, published records, and certificates by address.
func serving(records []report.TLSARecord, certificates ...*report.Certificate) *report.Host {
	secure := report.Trust{State: report.Secure}
	h := &report.Host{Name: "mx.example.org", DNSSEC: secure}
	h.TLSA = report.TLSA{State: "unusable", Base: h.Name, DNSSEC: &secure, Records: records}
	for _, r := range records {
		if r.Usable {
			h.TLSA.State = "untested"
		}
	}
	if len(records) == 0 {
		h.TLSA.State, h.TLSA.Base = "none", ""
	}
	a := &report.Address{IP: ip, Reachable: true, SMTP: &report.SMTP{STARTTLS: "ok"}, Certificates: certificates}
	h.Addresses = []*report.Address{a}
	return h
}

// by is a report that reaches a host by a signed MX record of example.org.
func by(h *report.Host) *report.Report {
	return &report.Report{Meta: report.Meta{Domain: "example.org", CheckedAt: now}, Evidence: report.Evidence{Hosts: []*report.Host{h}, MX: &report.MX{State: "ok", DNSSEC: report.Trust{State: report.Secure}}}}
}

func records(rs ...report.TLSARecord) []report.TLSARecord { return rs }

func show(rs []report.TLSARecord) string {
	s := ""
	for _, r := range rs {
		s += fmt.Sprintf("%d %d %d (%s) ", r.Usage, r.Selector, r.Matching, r.Unusable)
	}
	return s
}

// reissue makes another certificate for the key and the name of an authority.
func reissue(t testing.TB, of, issuer *cert, change func(*x509.Certificate)) *cert {
	t.Helper()
	serial++
	template := *of.Certificate
	template.SerialNumber, template.Raw = big.NewInt(serial), nil
	template.AuthorityKeyId = nil
	change(&template)
	der, err := x509.CreateCertificate(rand.Reader, &template, issuer.Certificate, of.Certificate.PublicKey, issuer.key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &cert{parsed, of.key}
}

// spoil makes the serial number of a certificate negative, which Go's library does not read, and
// signs it anew.
func spoil(t testing.TB, der []byte, issuer *cert) []byte {
	t.Helper()
	var outer struct {
		TBS, Algorithm asn1.RawValue
		Signature      asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		t.Fatal(err)
	}
	tbs := bytes.Clone(outer.TBS.FullBytes)
	i := bytes.Index(tbs, []byte{0xa0, 3, 2, 1, 2, 2}) // version 3, then the serial number
	if i < 0 {
		t.Fatal("no serial number")
	}
	tbs[i+7] |= 0x80
	sum := sha256.Sum256(tbs)
	signature, err := issuer.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	outer.TBS.FullBytes, outer.Signature = tbs, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	out, err := asn1.Marshal(outer)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// match derives what follows from the evidence of one host of a report.
func match(r *report.Report, h *report.Host) {
	o := r.Observed()
	o.Hosts = []*report.Host{h}
	Derive(o)
}
