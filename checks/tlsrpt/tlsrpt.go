// Package tlsrpt says whether a mail domain hears of the failures that senders meet on the
// way to it (RFC 8460).
package tlsrpt

import _ "embed"

// Doc says what the check asks and why.
//
//go:embed doc.md
var Doc string
