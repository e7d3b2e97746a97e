package resolve

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"mxseal/checks/report"
)

// Vacant returns those of the names that stand in a registrable domain which does not exist
// although the registry above it does: who can register it owns every name in it. A domain
// that home lies in is passed over.
func (r *Resolver) Vacant(ctx context.Context, home string, names ...string) []report.Vacant {
	var domains []string
	for _, name := range names {
		if d := Registrable(name); d != "" && !dns.IsSubDomain(dns.Fqdn(d), dns.Fqdn(home)) && !slices.Contains(domains, d) {
			domains = append(domains, d)
		}
	}
	missing := make([]bool, len(domains))
	var all sync.WaitGroup
	for i, d := range domains {
		all.Go(func() {
			_, registry, _ := strings.Cut(d, ".")
			own := r.Lookup(ctx, dns.Fqdn(d), dns.TypeNS)
			missing[i] = denied(own) && exists(r.Lookup(ctx, dns.Fqdn(registry), dns.TypeNS))
			if own.LookupFailed() && slices.ContainsFunc(names, func(n string) bool { return Registrable(n) == d && r.stands(ctx, n) }) {
				r.lost.settled(r.check, own)
			}
		})
	}
	all.Wait()
	var vacant []report.Vacant
	for _, name := range names {
		if i := slices.Index(domains, Registrable(name)); i >= 0 && missing[i] {
			vacant = append(vacant, report.Vacant{Name: report.Clean(name, 255), Domain: report.Clean(domains[i], 255)})
		}
	}
	return vacant
}

// stands reports whether there is a name, and so every domain that it lies in.
func (r *Resolver) stands(ctx context.Context, name string) bool {
	return exists(r.Lookup(ctx, dns.Fqdn(name), dns.TypeA))
}

// VacantEnd returns the end of an alias that is reached by these steps, where it is vacant.
func (r *Resolver) VacantEnd(ctx context.Context, home, of string, steps []report.Alias) []report.Vacant {
	if len(steps) == 0 {
		return nil
	}
	found := r.Vacant(ctx, home, strings.ToLower(strings.TrimSuffix(steps[len(steps)-1].Target, ".")))
	for i := range found {
		found[i].Of = of
	}
	return found
}

// denied reports whether the name does not exist, on the word of an answer that may be believed.
func denied(a *Answer) bool {
	return a.NXDOMAIN() && !a.LookupFailed()
}

func exists(a *Answer) bool {
	return a.Failure == nil && a.Rcode == dns.RcodeSuccess
}

// Registrable returns the domain that a registry below a top-level domain hands out and
// that the host stands in; empty for a name without one. The private section of the public
// suffix list is passed over: its names are customers of somebody who exists.
func Registrable(host string) string {
	suffix, icann := publicsuffix.PublicSuffix(host)
	for !icann && strings.Contains(suffix, ".") {
		_, above, _ := strings.Cut(suffix, ".")
		suffix, icann = publicsuffix.PublicSuffix(above)
	}
	rest, ok := strings.CutSuffix(host, "."+suffix)
	if !ok {
		return ""
	}
	return rest[strings.LastIndex(rest, ".")+1:] + "." + suffix
}
