// Package certificate looks at the certificates that mail servers present, as senders do
// that check them against public roots (RFC 8461 §4.2, RFC 9525).
package certificate

import (
	"crypto/tls"
	"time"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
)

// Gather describes the chain that a handshake with host showed, and notes which probe saw
// it. It is nil when the handshake showed none.
func Gather(store pkix.Store, state *tls.ConnectionState, via report.Via, host string, at time.Time) *report.Certificate {
	var chain [][]byte
	for _, c := range state.PeerCertificates {
		chain = append(chain, c.Raw)
	}
	c := store.Describe(chain, host, at)
	if c != nil {
		c.Via = via
		c.SCT = c.SCT || len(state.SignedCertificateTimestamps) > 0
	}
	return c
}
