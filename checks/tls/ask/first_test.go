package ask

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"mxseal/checks/report"
)

func TestStaple(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(serial int64, extensions ...pkix.Extension) *x509.Certificate {
		c := &x509.Certificate{SerialNumber: big.NewInt(serial), ExtraExtensions: extensions, BasicConstraintsValid: true, IsCA: serial == 1,
			Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		out, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	feature := func(value []byte) pkix.Extension {
		return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: value}
	}
	issuer, leaf := issue(1), issue(2)
	response := func(status int, serial int64) []byte {
		der, err := ocsp.CreateResponse(issuer, issuer, ocsp.Response{Status: status, SerialNumber: big.NewInt(serial), ThisUpdate: time.Now(), RevokedAt: time.Now()}, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	for _, test := range []struct {
		why    string
		staple []byte
		want   report.StapleStatus
	}{
		{"none", nil, "absent"},
		{"good", response(ocsp.Good, 2), "good"},
		{"revoked", response(ocsp.Revoked, 2), "revoked"},
		{"the authority does not know it", response(ocsp.Unknown, 2), "unknown"},
		{"about another certificate", response(ocsp.Good, 3), "unreadable"},
		{"no OCSP response", []byte("no"), "unreadable"},
		{"signed by nobody", append(response(ocsp.Good, 2)[:60:60], make([]byte, 40)...), "unreadable"},
	} {
		got := staple(&tls.ConnectionState{OCSPResponse: test.staple, PeerCertificates: []*x509.Certificate{leaf, issuer}})
		if got.Status != test.want {
			t.Errorf("%s: %s, want %s", test.why, got.Status, test.want)
		}
	}
	if got := staple(&tls.ConnectionState{OCSPResponse: response(ocsp.Good, 2)}); got.Status != "good" {
		t.Errorf("without the chain: %s", got.Status)
	}

	for _, test := range []struct {
		why  string
		cert *x509.Certificate
		want bool
	}{
		{"no such extension", leaf, false},
		{"status_request", issue(4, feature([]byte{0x30, 3, 2, 1, 5})), true},
		{"another feature", issue(5, feature([]byte{0x30, 3, 2, 1, 17})), false},
		{"no list", issue(6, feature([]byte("??"))), false},
	} {
		if got := mustStaple(test.cert); got != test.want {
			t.Errorf("must-staple, %s: %v", test.why, got)
		}
	}
}
