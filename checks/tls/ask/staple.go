package ask

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/ocsp"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
)

// staple reads the stapled OCSP response. Its signature is checked when the issuer is in
// the chain; whether it is recent is left to those who rely on it.
func staple(c *tls.ConnectionState) *report.Staple {
	if len(c.OCSPResponse) == 0 {
		return &report.Staple{Status: "absent"}
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
		return &report.Staple{Status: "unreadable"}
	}
	return &report.Staple{Status: map[int]string{ocsp.Good: "good", ocsp.Revoked: "revoked", ocsp.Unknown: "unknown"}[r.Status]}
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
