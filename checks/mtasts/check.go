// Package mtasts reads the MTA-STS policy of a mail domain and says whom it protects
// (RFC 8461).
package mtasts

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
	Title:    "MTA-STS",
	Doc:      Doc,
	Rules:    Rules,
	Reported: []string{"sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"},
	Gather:   check.Gathering{Domain: gather},
	Rehearse: check.Gathering{Domain: gather},
	Derive:   Derive,
	Judge:    Judge,
	Words:    vocabulary,
	Compare:  Compare,
	Forecast: Forecast,
	Show:     Show,
	Column:   &Column,
}

func gather(ctx context.Context, s *check.Scan) {
	s.Evidence.MTASTS = Gather(ctx, s.Resolver, Config{Dialer: s.Dialer, Roots: s.Roots, Port: s.Port, Depth: s.Depth, OptedOut: s.OptedOut}, s.Domain)
}

// vocabulary are the words of reports that the check explains, and what its changes are called.
var vocabulary = check.Words{
	Terms: []view.Term{
		{ID: "word-mta-sts", Name: "MTA-STS", Text: "A policy on a web server of the domain: these are my mail servers, and each has a valid certificate. Senders that check it remember it, and in the mode enforce deliver to nobody else."},
	},
	Changes: map[report.Aspect]string{report.AspectMTASTS: "MTA-STS", report.AspectPolicyID: "MTA-STS id", report.AspectPolicy: "MTA-STS policy"},
}
