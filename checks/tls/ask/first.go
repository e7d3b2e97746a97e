package ask

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/ocsp"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/probe"
)

// ordinary notes what the ordinary handshake showed.
func (l *look) ordinary(s Server) {
	c, t := s.First, l.tls
	if c == nil {
		return
	}
	group := hello.GroupOf(uint16(c.CurveID))
	t.Version = named(c.Version)
	t.Cipher = hello.SuiteOf(c.CipherSuite).Name
	if c.CurveID != 0 {
		t.Group = group.Name
		l.group(group.ID, c.Version)
	}
	l.speaks(c.Version)
	t.Staple = staple(c)
	f := l.feature()
	if c.Version == tls.VersionTLS12 && c.HandshakeComplete {
		// Without the extension the keys are not bound to the handshake, and the library
		// refuses to export any (RFC 7627 §5.4).
		_, err := c.ExportKeyingMaterial("EXPERIMENTAL mxseal", nil, 16)
		bound := err == nil
		f.ExtendedMasterSecret = &bound
	}
	switch s.Rung {
	case report.HelloModern:
		tolerant := false
		f.HybridIntolerant = &tolerant
		if c.Version < tls.VersionTLS13 { // it was offered
			l.refuse(hello.TLS13)
		}
	case report.HelloNoHybrid: // differs from the modern hello in nothing but its size
		intolerant := true
		f.HybridIntolerant = &intolerant
	}
	if len(c.PeerCertificates) > 0 {
		l.known(c.PeerCertificates[0])
		t.MustStaple = mustStaple(c.PeerCertificates[0])
	}
}

// best finds out what the server chooses from all there is. One whose first handshake was
// TLS 1.3 has said so already.
func (l *look) best(first *tls.ConnectionState) *hello.Hello {
	if first != nil && first.Version == tls.VersionTLS13 {
		l.suite(first.Version, first.CipherSuite, 0).Chosen = true
		return nil
	}
	return l.everything()
}

func (l *look) chose(first *tls.ConnectionState, a probe.Answer) {
	if f := a.Flight; a.Accepted() {
		l.suite(f.Version, f.Suite, 0).Chosen = true
		if first == nil && a.Completed {
			l.tls.Version, l.tls.Cipher = named(f.Version), hello.SuiteOf(f.Suite).Name
			if f.Group != 0 {
				l.tls.Group = hello.GroupOf(f.Group).Name
			}
		}
	}
	if first != nil { // the best it shares with us, though not with the whole of this hello
		l.suite(first.Version, first.CipherSuite, 0)
	}
}

// anotherKey asks for a certificate of another key type than those known, in one hello of
// both versions that senders use.
func (l *look) anotherKey() *hello.Hello {
	h := l.usual()
	h.Suites = slices.DeleteFunc(h.Suites, func(id uint16) bool {
		s := hello.SuiteOf(id)
		return !s.TLS13 && l.auths[s.Auth]
	})
	h.Schemes = l.otherAuth()
	return h
}

// staple reads the stapled OCSP response. Its signature is checked when the issuer is in
// the chain; whether it is recent is left to those who rely on it.
func staple(c *tls.ConnectionState) *report.Staple {
	if len(c.OCSPResponse) == 0 {
		return &report.Staple{Status: report.StapleAbsent}
	}
	var leaf, issuer *x509.Certificate
	if len(c.PeerCertificates) > 0 {
		leaf = c.PeerCertificates[0]
	}
	if len(c.PeerCertificates) > 1 {
		issuer = c.PeerCertificates[1]
	}
	r, err := ocsp.ParseResponseForCert(c.OCSPResponse, leaf, issuer)
	if err != nil {
		return &report.Staple{Status: report.StapleUnreadable}
	}
	return &report.Staple{Status: map[int]report.StapleStatus{ocsp.Good: report.StapleGood, ocsp.Revoked: report.StapleRevoked, ocsp.Unknown: report.StapleUnknown}[r.Status]}
}

// mustStaple reports whether a certificate demands status_request (RFC 7633 §4).
func mustStaple(leaf *x509.Certificate) bool {
	for _, e := range leaf.Extensions {
		if !e.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}) {
			continue
		}
		var features []int
		if _, err := asn1.Unmarshal(e.Value, &features); err == nil {
			return slices.Contains(features, int(hello.ExtStatusRequest))
		}
	}
	return false
}
