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

// Gather looks at the zone of the domain and at that of every mail host that is tested, each once: how far
// the chain of trust reaches, whether there are keys, and how absence is denied. Where an
// answer failed, the name servers are asked one by one which of them is to blame.
func Gather(ctx context.Context, res *resolve.Resolver, domain string, hosts []*report.Host) *report.DNSSEC {
	var authorities []report.Authority
	var aside sync.WaitGroup
	aside.Go(func() { authorities = blame(ctx, res, failed(ctx, res, domain, hosts)) })
	zones := zonesOf(ctx, res, domain, hosts)
	aside.Wait()
	return &report.DNSSEC{Zones: zones, Authorities: authorities}
}

func zonesOf(ctx context.Context, res *resolve.Resolver, domain string, hosts []*report.Host) []report.Zone {
	names := []string{domain}
	for _, h := range hosts {
		if h.NotTested != report.NotTestedLimit {
			names = append(names, h.Name)
		}
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
	return zones
}

// most is for how many failed answers the servers are asked.
const most = 3

// failed returns the questions on the way to a delivery that came to nothing, or to nothing
// that can be believed: of a host that for its addresses, or that for its TLSA records.
func failed(ctx context.Context, res *resolve.Resolver, domain string, hosts []*report.Host) []dns.Question {
	var list []dns.Question
	add := func(name string, qtype uint16) {
		q := dns.Question{Name: dns.Fqdn(name), Qtype: qtype}
		if len(list) < most && !slices.Contains(list, q) {
			list = append(list, q)
		}
	}
	if a := res.Lookup(ctx, dns.Fqdn(domain), dns.TypeMX); blameable(a) {
		add(a.Canonical, dns.TypeMX)
	}
	for _, h := range hosts {
		if h.Doubtful() {
			for _, t := range []uint16{dns.TypeA, dns.TypeAAAA} {
				if a := res.Lookup(ctx, dns.Fqdn(h.Name), t); blameable(a) {
					add(a.Canonical, t)
					break
				}
			}
		}
		if unanswered(h.TLSA.DNSSEC) {
			add("_25._tcp."+h.TLSA.Base, dns.TypeTLSA)
		}
	}
	return list
}

// unanswered reports whether the question for TLSA records failed. The state of the records
// is not looked at: it is being found out beside, from what the servers serve.
func unanswered(t *report.Trust) bool {
	return t != nil && (t.State == report.Bogus || t.State == report.Indeterminate || t.Contested())
}

// blameable reports whether a name server may be to blame for an answer, if only for that
// some get none.
func blameable(a *resolve.Answer) bool { return a.Blameable() || a.Trust.Contested() }

// blame asks the name servers about failed answers, those of each zone once.
func blame(ctx context.Context, res *resolve.Resolver, questions []dns.Question) []report.Authority {
	found := make([]*report.Authority, len(questions))
	var all sync.WaitGroup
	for i, q := range questions {
		all.Go(func() { found[i] = res.Authority(ctx, q.Name, q.Qtype) })
	}
	all.Wait()
	var list []report.Authority
	for _, a := range found {
		if a != nil && !slices.ContainsFunc(list, func(b report.Authority) bool { return b.Zone == a.Zone && faults(b) >= faults(*a) }) {
			list = slices.DeleteFunc(list, func(b report.Authority) bool { return b.Zone == a.Zone })
			list = append(list, *a)
		}
	}
	return list
}

// faults counts the servers to blame.
func faults(a report.Authority) int { return len(guilty(a)) }

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

// mostServers is how many names of a zone's name servers are looked at.
const mostServers = 16

// kept is how many of them are kept as evidence: enough to say who runs them.
const kept = 4

// servers returns the names of a zone's name servers.
func servers(ctx context.Context, res *resolve.Resolver, apex string) (names []string) {
	for _, rr := range res.Lookup(ctx, apex, dns.TypeNS).Records {
		if ns, ok := rr.(*dns.NS); ok && len(names) < mostServers {
			names = append(names, strings.ToLower(strings.TrimSuffix(ns.Ns, ".")))
		}
	}
	slices.Sort(names)
	return names
}

// mostCDS is how many CDS records of a zone are kept.
const mostCDS = 8

// cds reads CDS records and holds them against the keys of their zone.
func cds(records, keys []dns.RR) []report.CDS {
	var list []report.CDS
	for _, rr := range records {
		c, ok := rr.(*dns.CDS)
		if !ok || len(list) == mostCDS {
			continue
		}
		list = append(list, report.CDS{DS: report.DS{Tag: c.KeyTag, Algorithm: c.Algorithm, Digest: c.DigestType},
			Delete: c.Algorithm == 0, Fits: slices.ContainsFunc(keys, func(rr dns.RR) bool {
				key, ok := rr.(*dns.DNSKEY)
				if !ok || key.Algorithm != c.Algorithm {
					return false
				}
				ds := key.ToDS(c.DigestType)
				return ds != nil && strings.EqualFold(ds.Digest, c.Digest)
			})})
	}
	return list
}

// look gathers what is to be known of one zone.
func look(ctx context.Context, res *resolve.Resolver, apex string) report.Zone {
	zone := report.Zone{Name: apex}
	if apex != "." {
		zone.Name = report.Clean(strings.TrimSuffix(apex, "."), 255)
	}
	var keys, params, wanted *resolve.Answer
	var all sync.WaitGroup
	if !registry(zone.Name) {
		all.Go(func() {
			names := servers(ctx, res, apex)
			zone.Vacant = res.Vacant(ctx, apex, names...)
			for _, name := range names[:min(len(names), kept)] {
				zone.Servers = append(zone.Servers, report.Clean(name, 255))
			}
		})
	}
	all.Go(func() { zone.Trust = res.Lookup(ctx, apex, dns.TypeSOA).Trust })
	all.Go(func() { keys = res.Lookup(ctx, apex, dns.TypeDNSKEY) })
	all.Go(func() { params = res.Lookup(ctx, apex, dns.TypeNSEC3PARAM) })
	all.Go(func() { wanted = res.Lookup(ctx, apex, dns.TypeCDS) })
	all.Wait()
	zone.DNSKEY = keys.Exists()
	if zone.DNSKEY && keys.Trust.State != report.Bogus && wanted.Trust.State != report.Bogus {
		zone.CDS = cds(wanted.Records, keys.Records)
	}
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
