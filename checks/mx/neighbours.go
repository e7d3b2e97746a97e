package mx

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// unregistered returns the registrable domains of MX targets that do not exist although
// their top-level domain does: whoever registers one receives the mail (MX-16).
func unregistered(ctx context.Context, res *resolve.Resolver, domain string, hosts []*report.Host) []string {
	var names, gone []string
	for _, h := range hosts {
		names = append(names, h.Name)
	}
	for _, v := range res.Vacant(ctx, domain, names...) {
		gone = append(gone, v.Domain)
	}
	slices.Sort(gone)
	return slices.Compact(gone)
}

// senderPolicies looks for the SPF record of the domain and the DMARC record that covers
// it, its own or that of its organisation (RFC 9989 §4.10).
func senderPolicies(ctx context.Context, res *resolve.Resolver, domain string) (spf, dmarc string) {
	var own, organisation string
	var all sync.WaitGroup
	all.Go(func() { spf = tagged(res.Lookup(ctx, dns.Fqdn(domain), dns.TypeTXT).Texts(), "v=spf1") })
	all.Go(func() { own = tagged(res.Lookup(ctx, dns.Fqdn("_dmarc."+domain), dns.TypeTXT).Texts(), "v=DMARC1") })
	if org, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil && org != domain {
		all.Go(func() {
			organisation = tagged(res.Lookup(ctx, dns.Fqdn("_dmarc."+org), dns.TypeTXT).Texts(), "v=DMARC1")
		})
	}
	all.Wait()
	if own == "" {
		own = organisation
	}
	return spf, own
}

// tagged returns the first text that begins with a version tag, in any case.
func tagged(texts []string, version string) string {
	for _, s := range texts {
		if len(s) >= len(version) && strings.EqualFold(s[:len(version)], version) {
			return s
		}
	}
	return ""
}
