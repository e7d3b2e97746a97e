package tls

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ocsp"

	"mxseal/checks/report"
	"mxseal/checks/tls/probe"
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
		want   string
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

// A server that is silent after our hello is asked twice and then left alone.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		p := newLook(probe.New(t.Context(), budgetStandard, func(context.Context, int) (net.Conn, error) {
			asked++
			client, server := net.Pipe()
			go io.Copy(io.Discard, server)
			return client, nil
		}), report.Standard, "")
		start := time.Now()
		p.run(Target{})
		if took := time.Since(start); asked != 2 || took != 2*probe.Patience {
			t.Errorf("asked %d times in %v", asked, took)
		}
		if last := p.Probes[len(p.Probes)-1]; last.Result != "untested" || !strings.Contains(last.Text, "within 10s") {
			t.Errorf("%+v", last)
		}
	})
}

// The budget is kept whatever the server makes of it.
func TestBudget(t *testing.T) {
	p := newLook(probe.New(t.Context(), 3, func(context.Context, int) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			s := &script{versions: tls10to12, suites: []string{ecdheGCM, rsaCBC, rsaRC4}, groups: p256, schemes: byHash, certs: rsaOnly}
			s.serve(server, 0)
			server.Close()
		}()
		return client, nil
	}), report.Standard, "")
	p.run(Target{})
	spent := 0
	for _, asked := range p.Probes {
		if asked.Result != "untested" {
			spent++
		}
	}
	if spent != 3 || !strings.Contains(p.Stopped(), "spent") {
		t.Errorf("%d connections, stopped: %s\n%s", spent, p.Stopped(), trace(&report.TLS{Probes: p.Probes}))
	}
}
