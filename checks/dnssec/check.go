// Package dnssec says whether the names that mail to a domain depends on are signed, from
// the root down to the addresses of its mail servers (RFC 4033 to 4035).
package dnssec

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
	ID:       ID,
	Title:    "DNSSEC",
	Doc:      Doc,
	Rules:    Rules,
	Reported: []string{"dnssec-invalid", "tlsa-invalid", "dane-required"},
	Gather: check.Gathering{
		Zones: func(ctx context.Context, s *check.Scan) {
			s.Evidence.DNSSEC = Gather(ctx, s.Resolver, s.Domain, s.Evidence.Hosts)
			s.Evidence.DNSSEC.Fit()
		},
	},
	Judge:    Judge,
	Words:    vocabulary,
	Compare:  Compare,
	Forecast: Forecast,
	Early:    check.Domain | check.Host,
	Show:     Show,
	Column:   &Column,
}

// vocabulary are the words of reports that the check explains, and what its changes are called.
var vocabulary = check.Words{
	Terms: []view.Term{
		{ID: "word-dnssec", Name: "DNSSEC", Text: "Signatures over the records of a domain. A sender that checks them notices forged records. Without them a forger can name other mail servers."},
	},
	Changes: map[report.Aspect]string{report.AspectDNSSEC: "DNSSEC"},
}
