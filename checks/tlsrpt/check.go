// Package tlsrpt says whether a mail domain hears of the failures that senders meet on the
// way to it (RFC 8460).
package tlsrpt

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
	Title: "TLS reporting",
	Doc:   Doc,
	Rules: Rules,
	Gather: func(ctx context.Context, s *check.Scan) {
		s.Evidence.TLSRPT = Gather(ctx, s.Resolver, s.Dialer.Vet, s.Domain)
	},
	Derive:  Derive,
	Judge:   Judge,
	Compare: Compare,
	Show:    Show,
}
