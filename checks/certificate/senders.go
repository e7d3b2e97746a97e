package certificate

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// readers are the libraries of senders with the longest list of certificates that each reads, in
// octets. Measured on Debian 12 with lists of growing length: openssl s_client 3.0.22 (its max_cert_list,
// which Postfix leaves alone), gnutls-cli 3.7.9 (all handshake data together), crypto/tls of Go 1.26.
var readers = []struct {
	who   string
	limit int
}{
	{"OpenSSL (Postfix)", 100 << 10},
	{"GnuTLS (Exim on Debian)", 127 << 10},
	{"Go", 256 << 10},
}

// judgeSenders says which senders cannot use a certificate at all, whether they check it or not.
func (c one) judgeSenders() {
	// Measured on Debian 12: gnutls-cli 3.7.9 --insecure breaks off with “key usage violation” in
	// TLS 1.2 and 1.3 for keyEncipherment, keyAgreement, nonRepudiation, keyCertSign or cRLSign alone;
	// openssl s_client 3.0.22 goes on.
	if len(c.KeyUsage) > 0 && !slices.Contains(c.KeyUsage, "digitalSignature") {
		c.add("CRT-26").With("usage", strings.Join(c.KeyUsage, ", "))
	}
	if c.GoRefuses != "" {
		c.add("CRT-27").Showing(c.GoRefuses)
	}
	var stopped []string
	for _, reader := range readers {
		if c.ListOctets > reader.limit {
			stopped = append(stopped, fmt.Sprintf("%s stops at %d KB", reader.who, reader.limit>>10))
		}
	}
	if len(stopped) > 0 {
		c.add("CRT-29").With("size", (c.ListOctets+1023)>>10).With("who", strings.Join(stopped, ", "))
	}
}

// onPath reports whether a certificate that was sent is on the path that was built. Older
// evidence does not say so; there everything counts.
func (c one) onPath(link *report.Certificate) bool { return !c.OnPath || link.OnPath }

// judgeIdle notes faults of certificates that nobody needs.
func (c one) judgeIdle() {
	var lines []string
	for _, link := range c.Chain {
		if c.onPath(link) || link.PKIX == report.PKIXUnparsable {
			continue
		}
		switch {
		case c.r.CheckedAt.After(link.NotAfter):
			lines = append(lines, link.Subject+" has expired on "+day(link.NotAfter))
		case !link.SelfSigned && weakHash(link.Signature):
			lines = append(lines, link.Subject+" is signed with "+link.Signature)
		}
	}
	if len(lines) > 0 {
		c.add("CRT-30").Showing(lines[:min(len(lines), maxLines)]...)
	}
}

// weakHash reports whether the hash of a signature algorithm no longer holds.
func weakHash(signature string) bool {
	name := strings.ToUpper(signature)
	return strings.Contains(name, "SHA1") || strings.Contains(name, "MD5") || strings.Contains(name, "MD2")
}

// maxLines bounds the lines that one finding shows.
const maxLines = 12
