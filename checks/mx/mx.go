// Package mx finds the servers that receive mail for a domain, as RFC 5321 §5.1 tells
// senders to, and says what is wrong with the way to them.
package mx

import _ "embed"

// Doc says what the check asks and why.
//
//go:embed doc.md
var Doc string
