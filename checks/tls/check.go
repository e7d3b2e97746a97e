package tls

import (
	_ "embed"

	"mxseal/checks/check"
)

// Doc says what the check asks and why.
//
//go:embed doc.md
var Doc string

// Check is the check.
var Check = check.Check{
	ID:     ID,
	Title:  "TLS versions and ciphers",
	Doc:    Doc,
	Rules:  Rules,
	Derive: Derive,
	Judge:  Judge,
	Early:  check.Host,
	Show:   Show,
	Column: &Column,
}
