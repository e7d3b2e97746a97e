// Package mtasts reads the MTA-STS policy of a mail domain and says whom it protects
// (RFC 8461).
package mtasts

import _ "embed"

// Doc says what the check asks and why.
//
//go:embed doc.md
var Doc string
