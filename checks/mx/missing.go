package mx

import (
	"context"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// missing looks for the reason why a host has no address, where that is an answer.
func missing(ctx context.Context, res *resolve.Resolver, host *report.Host, answers ...*resolve.Answer) {
	for _, a := range answers {
		if a.Failure != nil {
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, asideTime)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { host.Undotted = undotted(ctx, res, last(host)) })
	all.Go(func() { host.Shadow = shadow(ctx, res, host.Name, answers) })
	all.Wait()
}

// last is the name at the end of a host's aliases.
func last(h *report.Host) string {
	if h.Canonical != "" {
		return h.Canonical
	}
	return h.Name
}

// mostOrigins bounds the names of zones that are taken off the end of a name.
const mostOrigins = 4

// undotted returns the longest beginning of a name that is a host by itself: in a zone file
// a name without its final dot gets that of the zone behind it (RFC 1035 §5.1).
func undotted(ctx context.Context, res *resolve.Resolver, name string) string {
	var heads []string
	for origin := resolve.Registrable(name); origin != "" && len(heads) < mostOrigins; {
		head := strings.TrimSuffix(strings.TrimSuffix(name, origin), ".")
		if strings.Count(head, ".") < 1 {
			break
		}
		heads = append(heads, head)
		origin = head[strings.LastIndex(head, ".")+1:] + "." + origin
	}
	there := make([]bool, len(heads))
	var all sync.WaitGroup
	for i, head := range heads {
		all.Go(func() { there[i] = addressed(ctx, res, head) })
	}
	all.Wait()
	for i, head := range heads {
		if there[i] {
			return report.Clean(head, 255)
		}
	}
	return ""
}

// addressed reports whether a name has an address.
func addressed(ctx context.Context, res *resolve.Resolver, name string) bool {
	a, aaaa := addresses(ctx, res, name)
	return len(a.Addresses())+len(aaaa.Addresses()) > 0
}

// below are records that stand below the name of a mail host, those of its own the last.
var below = []struct {
	prefix string
	qtype  uint16
}{
	{"_25._tcp.", dns.TypeTLSA}, {"_smtp._tls.", dns.TypeTXT}, {"_submission._tcp.", dns.TypeSRV}, {"_submissions._tcp.", dns.TypeSRV},
	{"_imaps._tcp.", dns.TypeSRV}, {"_443._tcp.", dns.TypeTLSA}, {"_dmarc.", dns.TypeTXT}, {"_acme-challenge.", dns.TypeTXT}, {"", dns.TypeTXT}, {"", dns.TypeCAA}, {"", dns.TypeMX},
}

// shadow finds out whether a wildcard would give the host an address if nothing stood at or
// below its name. A server that denies a name with records below it outright, against
// RFC 8020, ends the wildcard no less.
func shadow(ctx context.Context, res *resolve.Resolver, host string, answers []*resolve.Answer) *report.Shadow {
	wild := wildcard(ctx, res, host)
	if wild == "" {
		return nil
	}
	found := make([]bool, len(below))
	var all sync.WaitGroup
	for i, b := range below {
		all.Go(func() {
			a := res.Lookup(ctx, dns.Fqdn(b.prefix+host), b.qtype)
			found[i] = a.Exists() && len(a.Trust.Steps) == 0
		})
	}
	all.Wait()
	for i, b := range below {
		if found[i] {
			return &report.Shadow{Wildcard: wild, By: b.prefix + host, Type: dns.TypeToString[b.qtype]}
		}
	}
	if answers[0].NXDOMAIN() {
		return nil // nothing is known to stand in its way
	}
	return &report.Shadow{Wildcard: wild}
}

// wildcard returns the closest wildcard above a host that has an address, up to the zone
// that a registry hands out.
func wildcard(ctx context.Context, res *resolve.Resolver, host string) string {
	top := resolve.Registrable(host)
	for name := parent(host); top != "" && len(name) >= len(top); name = parent(name) {
		if strings.Count(strings.TrimSuffix(name, top), ".") > mostOrigins {
			continue
		}
		if addressed(ctx, res, "*."+name) {
			return report.Clean("*."+name, 255)
		}
	}
	return ""
}
