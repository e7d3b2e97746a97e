// Package dnssec says whether the names that mail to a domain depends on are signed, from
// the root down to the addresses of its mail servers (RFC 4033 to 4035).
package dnssec

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
	ID:       ID,
	Title:    "DNSSEC",
	Doc:      Doc,
	Rules:    Rules,
	Judge:    Judge,
	Compare:  Compare,
	Forecast: Forecast,
	Early:    check.Domain | check.Host,
	Show:     Show,
	Column:   &Column,
}
