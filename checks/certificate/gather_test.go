package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
)

func TestGather(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"mx.example.com"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	state := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, SignedCertificateTimestamps: [][]byte{{1}}}
	c := Gather(pkix.Store{}, state, "first", "mx.example.com", now)
	if c.Via != "first" || !c.NameMatch || c.PKIX != "self-signed" || !c.SCT {
		t.Errorf("%+v", c)
	}
	if Gather(pkix.Store{}, &tls.ConnectionState{}, "first", "mx.example.com", now) != nil {
		t.Error("a certificate out of nothing")
	}
	if f := Judge(of(c).Observed()); f[0].Rule != "CRT-01" || f[0].Verdict != report.Pass {
		t.Errorf("%+v", f[0])
	}
}
