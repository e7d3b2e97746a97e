// Package outgoing is the other half of the lab: mail servers that send, one for each kind of sender that
// checks/sender tells apart.
//
// Each asks the DNS, fetches policies, connects and encrypts over real sockets. What it does follows
// from a row of data ([Kinds]) and from what it meets on its way; none of them knows of traps.
package outgoing

import "crypto/tls"

// Kind is how a mail server sends.
type Kind struct {
	ID    string
	Title string

	Never     bool   // encrypts
	Always    bool   // sends nothing in clear
	Trusted   Name   // every server has to show a trusted certificate for it
	DANE      bool   // RFC 7672
	Lenient   bool   // TLSA records count behind an unsigned MX record, too
	Alone     bool   // it sends nowhere else
	MTASTS    bool   // RFC 8461
	Validates bool   // its resolver does, by DNSSEC
	Oldest    uint16 // version of TLS; what crypto/tls takes if zero
}

// Name is the one that a certificate has to be for.
type Name int

const (
	NoName   Name = iota // certificates are not looked at
	OfServer             // as the MX record has it
	OfDomain             // of the recipient
)

// Kinds are all of them, in the order in which they are shown.
var Kinds = []Kind{
	{ID: "cleartext", Title: "never encrypts", Never: true},
	{ID: "ordinary", Title: "encrypts where it can, verifies nobody", Oldest: tls.VersionTLS10},
	{ID: "encrypts", Title: "encrypts always, verifies nobody", Always: true, Validates: true},
	{ID: "pkix", Title: "wants a trusted certificate for the mail server", Always: true, Trusted: OfServer, Validates: true},
	{ID: "pkix-domain", Title: "wants a trusted certificate for the mail domain", Always: true, Trusted: OfDomain, Validates: true},
	{ID: "mta-sts", Title: "checks MTA-STS", MTASTS: true, Validates: true},
	{ID: "dane", Title: "checks DANE, as the standard has it", DANE: true, Validates: true},
	{ID: "dane-lenient", Title: "checks DANE, also behind unsigned MX records", DANE: true, Lenient: true, Validates: true},
	{ID: "dane-only", Title: "sends only where there is DANE", DANE: true, Lenient: true, Alone: true, Validates: true},
	{ID: "dane-mta-sts", Title: "checks DANE and MTA-STS", DANE: true, MTASTS: true, Validates: true},
}
