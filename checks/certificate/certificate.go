package certificate

import _ "embed"

// Doc says what the check asks and why.
//
//go:embed doc.md
var Doc string
