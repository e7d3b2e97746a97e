package tlsrpt

import (
	"context"
	"strings"

	"github.com/miekg/dns"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

const (
	maxAtBase    = 4   // records of one host that are kept
	maxAtBaseLen = 512 // octets of each
)

// AtBase looks for the TLS reporting record of the operator of a host that senders deliver to
// by DANE: to them the policy domain is the TLSA base domain (RFC 8460 §1.1). It is shown and
// never graded, for the mail domain's own record is what its owner hears by.
func AtBase(ctx context.Context, res *resolve.Resolver, h *report.Host, domain string) {
	base := h.TLSA.Base
	if base == "" || base == domain || h.TLSA.DNSSEC.State == report.Insecure {
		return
	}
	for _, txt := range res.Lookup(ctx, dns.Fqdn("_smtp._tls."+base), dns.TypeTXT).Texts() {
		if strings.HasPrefix(txt, version) && len(h.TLSA.Reports) < maxAtBase {
			h.TLSA.Reports = append(h.TLSA.Reports, report.Clean(txt, maxAtBaseLen))
		}
	}
}

// judgeBases tells of the records at TLSA base domains, each name once.
func judgeBases(j *report.Judgement, r report.Observed) {
	told := make(map[string]bool)
	for _, h := range r.Hosts {
		base := h.TLSA.Base
		if len(h.TLSA.Reports) == 0 || told[base] {
			continue
		}
		told[base] = true
		j.Add("RPT-13").At(h.Name, "").With("base", base).Showing(h.TLSA.Reports...)
	}
}
