package tlsrpt

import (
	"context"
	"net/netip"
	"slices"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// Gather looks for the TLS reporting record of the domain and whether its addresses can be
// reached. vet returns an error for an address that is never contacted; none is.
func Gather(ctx context.Context, res *resolve.Resolver, vet func(netip.Addr) error, domain string) *report.TLSRPT {
	answer := res.Lookup(ctx, "_smtp._tls."+domain+".", dns.TypeTXT)
	t := &report.TLSRPT{TXT: answer.Texts(), DNSSEC: &answer.Trust}
	if answer.Failure != nil {
		f := *answer.Failure
		f.Phase = report.PhaseTXT
		t.Failure = &f
	}
	record := parse(t.TXT)
	t.Targets = record.named()
	var all sync.WaitGroup
	for i := range t.Targets {
		all.Go(func() { find(ctx, res, vet, &t.Targets[i]) })
	}
	if record.count == 0 && record.meant == "" && t.Failure == nil {
		all.Go(func() { t.Misplaced = misplaced(ctx, res, domain) })
	}
	all.Go(func() { t.Vacant = vacant(ctx, res, domain, t) })
	all.Wait()
	return t
}

// vacant returns the end of the record's alias, and the hosts of report addresses, that stand
// in a domain which does not exist.
func vacant(ctx context.Context, res *resolve.Resolver, domain string, t *report.TLSRPT) []report.Vacant {
	var hosts []string
	for i := range t.Targets { // of which find writes the rest meanwhile
		host := t.Targets[i].Domain
		if _, err := netip.ParseAddr(host); err != nil && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return append(res.VacantEnd(ctx, domain, "_smtp._tls."+domain, t.DNSSEC.Steps), res.Vacant(ctx, domain, hosts...)...)
}

// find looks a report address up.
func find(ctx context.Context, res *resolve.Resolver, vet func(netip.Addr) error, t *report.Target) {
	if ip, err := netip.ParseAddr(t.Domain); err == nil {
		t.HTTPS = report.EndpointFound
		if vet(ip) != nil {
			t.HTTPS = report.EndpointForbidden
		}
		return
	}
	if !mail(*t) {
		a, aaaa := addresses(ctx, res, t.Domain)
		t.HTTPS = reachable(vet, a, aaaa)
		return
	}
	t.Mail = receives(res.Lookup(ctx, t.Domain+".", dns.TypeMX), func() (a, aaaa *resolve.Answer) { return addresses(ctx, res, t.Domain) })
}

// receives says whether a domain takes mail. Its addresses matter only where
// it has no MX record.
func receives(mx *resolve.Answer, addresses func() (a, aaaa *resolve.Answer)) report.TakesMail {
	switch {
	case mx.Failure != nil:
		return report.MailUnknown
	case len(mx.Records) > 0:
		for _, rr := range mx.Records {
			if r, ok := rr.(*dns.MX); ok && r.Mx != "." {
				return report.MailTaken
			}
		}
		return report.MailRefused // null MX (RFC 7505)
	}
	switch a, aaaa := addresses(); {
	case len(a.Records)+len(aaaa.Records) > 0:
		return report.MailTaken
	case a.Failure != nil || aaaa.Failure != nil:
		return report.MailUnknown
	}
	return report.MailRefused
}

func addresses(ctx context.Context, res *resolve.Resolver, name string) (a, aaaa *resolve.Answer) {
	var both sync.WaitGroup
	both.Go(func() { a = res.Lookup(ctx, name+".", dns.TypeA) })
	both.Go(func() { aaaa = res.Lookup(ctx, name+".", dns.TypeAAAA) })
	both.Wait()
	return a, aaaa
}

// reachable says whether a host may be contacted.
func reachable(vet func(netip.Addr) error, answers ...*resolve.Answer) report.Endpoint {
	found, failed := false, false
	for _, answer := range answers {
		failed = failed || answer.Failure != nil
		for _, ip := range answer.Addresses() {
			found = true
			if vet(ip) == nil {
				return report.EndpointFound
			}
		}
	}
	switch {
	case found:
		return report.EndpointForbidden
	case failed:
		return report.EndpointUnknown
	}
	return report.EndpointUnresolvable
}

// misplaced looks at the names that drafts and mistakes have used.
func misplaced(ctx context.Context, res *resolve.Resolver, domain string) []string {
	names := []string{"_smtp-tlsrpt." + domain, "_tls." + domain, domain}
	there := make([]bool, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			there[i] = slices.ContainsFunc(res.Lookup(ctx, name+".", dns.TypeTXT).Texts(), almost.MatchString)
		})
	}
	all.Wait()
	var found []string
	for i, name := range names {
		if there[i] {
			found = append(found, name)
		}
	}
	return found
}
