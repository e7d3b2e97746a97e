// Package dane compares the TLSA records of a mail server with the certificates it serves,
// as a sender does that checks DANE (RFC 7672).
package dane

import _ "embed"

// Doc says what the check asks and why.
//
//go:embed doc.md
var Doc string
