// Package mx finds the servers that receive mail for a domain, as RFC 5321 §5.1 tells
// senders to, and says what is wrong with the way to them.
package mx

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
	Title: "Mail exchangers",
	Doc:   Doc,
	Rules: Rules,
	Gather: check.Gathering{
		Exchangers: func(ctx context.Context, s *check.Scan) {
			s.Evidence.MX, s.Evidence.Hosts = Gather(ctx, s.Resolver, s.Domain)
		},
		Addresses: func(ctx context.Context, s *check.Scan, h *report.Host) { Addresses(ctx, s.Resolver, s.Dialer.Vet, h) },
		Beside:    func(ctx context.Context, s *check.Scan, h *report.Host) { Pointers(ctx, s.Resolver, h) },
	},
	Rehearse: check.Gathering{
		// A list of MX records stands for “these servers are used”: nobody asked for one.
		Exchangers: func(_ context.Context, s *check.Scan) { s.Evidence.MX = &report.MX{State: report.MXFound} },
		Addresses:  func(ctx context.Context, s *check.Scan, h *report.Host) { Named(ctx, s.Resolver, h) },
		Beside: func(ctx context.Context, s *check.Scan, h *report.Host) {
			h.CAA, h.CAAName, h.CAAKnown = s.Resolver.CAA(ctx, h.Name)
		},
	},
	Renewal: map[string]report.Renewal{"NBR-06": report.NextOne},
	Judge:   Judge,
	Words:   vocabulary,
	Compare: Compare,
	Show:    Show,
}

// vocabulary are the words of reports that the check explains, and what its changes are called.
var vocabulary = check.Words{
	Terms: []view.Term{
		{ID: "word-mx", Name: "Mail server, MX", Text: "The machine that takes the mail for a domain. The domain's MX records name it; senders try the lowest preference first."},
	},
	Changes: map[report.Aspect]string{report.AspectMXState: "MX records", report.AspectMX: "Mail server"},
}
