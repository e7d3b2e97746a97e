package certificate

import (
	_ "embed"

	"mxseal/checks/check"
	"mxseal/checks/report"
)

// Doc says what the check asks and why.
//
//go:embed doc.md
var Doc string

// ID names the check.
const ID report.CheckID = "certificate"

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
