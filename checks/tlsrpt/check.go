// Package tlsrpt says whether a mail domain hears of the failures that senders meet on the
// way to it (RFC 8460).
package tlsrpt

import (
	"context"
	_ "embed"

	"mxseal/checks/check"
	"mxseal/checks/report"
	"mxseal/checks/view"
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
	Gather: check.Gathering{
		Domain: func(ctx context.Context, s *check.Scan) {
			s.Evidence.TLSRPT = Gather(ctx, s.Resolver, s.Dialer.Vet, s.Domain)
		},
		Beside: func(ctx context.Context, s *check.Scan, h *report.Host) { AtBase(ctx, s.Resolver, h, s.Domain) },
	},
	Derive:  Derive,
	Judge:   Judge,
	Words:   vocabulary,
	Compare: Compare,
	Show:    Show,
}

// vocabulary are the words of reports that the check explains, and what its changes are called.
var vocabulary = check.Words{
	Terms: []view.Term{
		{ID: "word-tls-rpt", Name: "TLS reports, TLS-RPT", Text: "A record with the address to which senders report that TLS has failed, once a day."},
	},
	Changes: map[report.Aspect]string{report.AspectTLSRPT: "TLS reports"},
}
