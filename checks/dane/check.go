// Package dane compares the TLSA records of a mail server with the certificates it serves,
// as a sender does that checks DANE (RFC 7672).
package dane

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
	Title:    "DANE",
	Doc:      Doc,
	Rules:    Rules,
	Reported: []string{"tlsa-invalid", "dane-required", "validation-failure", "dnssec-invalid"},
	Gather: check.Gathering{
		Domain: func(ctx context.Context, s *check.Scan) {
			s.Evidence.MisplacedTLSA = Misplaced(ctx, s.Resolver, s.Domain)
		},
		Names: func(ctx context.Context, s *check.Scan, h *report.Host) { Gather(ctx, s.Resolver, h) },
	},
	Rehearse: check.Gathering{
		Names: func(ctx context.Context, s *check.Scan, h *report.Host) { Records(ctx, s.Resolver, h) },
	},
	Renewal: map[string]report.Renewal{
		// That there is no DANE, and that it would be well to have a spare record.
		"DAN-02": report.Present, "DAN-03": report.Present, "DAN-04": report.Present, "DAN-25": report.Present,
	},
	AlsoCalled: Base,
	Derive:     Derive,
	Judge:      Judge,
	Words:      vocabulary,
	Compare:    Compare,
	Forecast:   Forecast,
	Early:      check.Host,
	Show:       Show,
	Column:     &Column,
}

// vocabulary are the words of reports that the check explains, and what its changes are called.
var vocabulary = check.Words{
	Terms: []view.Term{
		{ID: "word-dane", Name: "DANE, TLSA", Text: "TLSA records say, in the signed DNS, which key a mail server has. Senders that check DANE deliver to nobody else, and never unencrypted."},
	},
	Changes: map[report.Aspect]string{report.AspectTLSA: "TLSA"},
}
