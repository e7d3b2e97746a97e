// Package mtasts reads the MTA-STS policy of a mail domain and says whom it protects
// (RFC 8461).
package mtasts

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
	Title: "MTA-STS",
	Doc:   Doc,
	Rules: Rules,
	Gather: func(ctx context.Context, s *check.Scan) {
		s.Evidence.MTASTS = Gather(ctx, s.Resolver, Config{Dialer: s.Dialer, Roots: s.Roots, Port: s.Port, Depth: s.Depth, Spared: s.Spared}, s.Domain)
	},
	Derive:   Derive,
	Judge:    Judge,
	Compare:  Compare,
	Forecast: Forecast,
	Show:     Show,
	Column:   &Column,
}
