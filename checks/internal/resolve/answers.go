package resolve

import (
	"context"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// Silence asks the upstream for the root, past everything that is remembered, and returns why
// there is no answer; nil where there is one. An upstream that does not know the root knows
// nothing, and no name server of a domain is to blame for it.
func (r *Resolver) Silence(ctx context.Context) *report.Failure {
	return r.upstream.ask(ctx, question{".", dns.TypeSOA}).failure
}
