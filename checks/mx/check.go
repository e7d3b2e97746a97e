// Package mx finds the servers that receive mail for a domain, as RFC 5321 §5.1 tells
// senders to, and says what is wrong with the way to them.
package mx

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
	ID:      ID,
	Title:   "Mail exchangers",
	Doc:     Doc,
	Rules:   Rules,
	Judge:   Judge,
	Compare: Compare,
	Show:    Show,
}
