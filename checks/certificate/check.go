package certificate

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
	Title:    "Certificate and host name",
	Doc:      Doc,
	Rules:    Rules,
	Derive:   Derive,
	Judge:    Judge,
	Compare:  Compare,
	Forecast: Forecast,
	Early:    check.Host,
	Show:     Show,
	Column:   &Column,
}
