package dnssec

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// Gather looks at the zone of the domain and at that of every mail host, each once: how far
// the chain of trust reaches, whether there are keys, and how absence is denied.
func Gather(ctx context.Context, res *resolve.Resolver, domain string, hosts []*report.Host) *report.DNSSEC {
	names := []string{domain}
	for _, h := range hosts {
		names = append(names, h.Name)
	}
	apexes := make([]string, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { apexes[i] = apex(ctx, res, dns.Fqdn(name)) })
	}
	all.Wait()
	var distinct []string
	for _, a := range apexes {
		if a != "" && !slices.Contains(distinct, a) {
			distinct = append(distinct, a)
		}
	}
	zones := make([]report.Zone, len(distinct))
	for i, a := range distinct {
		all.Go(func() { zones[i] = look(ctx, res, a) })
	}
	all.Wait()
	return &report.DNSSEC{Zones: zones}
}

// farthest is how many names are asked for a SOA on the way up to the apex of a zone.
const farthest = 6

// apex returns the top of the zone that a name lies in, empty where it cannot be found.
func apex(ctx context.Context, res *resolve.Resolver, name string) string {
	for range farthest {
		if dns.CountLabel(name) == 0 {
			return ""
		}
		answer := res.Lookup(ctx, name, dns.TypeSOA)
		switch {
		case len(answer.Trust.Steps) > 0: // an alias is no apex, and what it leads to another zone
		case answer.Exists():
			return answer.Canonical
		case answer.Zone != "" && answer.Zone != answer.Name && dns.IsSubDomain(answer.Zone, answer.Name):
			return answer.Zone
		}
		next, end := dns.NextLabel(name, 0)
		if end || ctx.Err() != nil {
			return ""
		}
		name = name[next:]
	}
	return ""
}

// look gathers what is to be known of one zone.
func look(ctx context.Context, res *resolve.Resolver, apex string) report.Zone {
	zone := report.Zone{Name: apex}
	if apex != "." {
		zone.Name = report.Clean(strings.TrimSuffix(apex, "."), 255)
	}
	var keys, params *resolve.Answer
	var all sync.WaitGroup
	all.Go(func() { zone.Trust = res.Lookup(ctx, apex, dns.TypeSOA).Trust })
	all.Go(func() { keys = res.Lookup(ctx, apex, dns.TypeDNSKEY) })
	all.Go(func() { params = res.Lookup(ctx, apex, dns.TypeNSEC3PARAM) })
	all.Wait()
	zone.DNSKEY = keys.Exists()
	for _, rr := range params.Records {
		p, ok := rr.(*dns.NSEC3PARAM)
		if !ok || p.Hash != dns.SHA1 || p.Flags != 0 {
			continue // not in use (RFC 5155 §4.1.2)
		}
		if iterations := int(p.Iterations); zone.Iterations == nil || iterations > *zone.Iterations {
			zone.Iterations = &iterations
		}
		zone.Salted = zone.Salted || p.SaltLength > 0
	}
	return zone
}
