// Package dane compares the TLSA records of a mail server with the certificates it serves,
// as a sender does that checks DANE (RFC 7672).
package dane

import (
	"context"
	_ "embed"

	"mxseal/checks/check"
)

// Doc says what the check asks and why.
//
//go:embed doc.md
var Doc string

// Check is the check.
var Check = check.Check{
	ID:    ID,
	Title: "DANE",
	Doc:   Doc,
	Rules: Rules,
	Gather: func(ctx context.Context, s *check.Scan) {
		s.Evidence.MisplacedTLSA = Misplaced(ctx, s.Resolver, s.Domain)
	},
	Derive:   Derive,
	Judge:    Judge,
	Compare:  Compare,
	Forecast: Forecast,
	Early:    check.Host,
	Show:     Show,
	Column:   &Column,
}
