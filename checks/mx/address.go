package mx

import (
	"context"
	"net/netip"
	"slices"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

const (
	maxAddresses = 10 // of each family, kept in the report
	maxTested    = 2  // of each family, contacted (MX-21)
)

// Addresses fills in the addresses of a host with the trust of the two answers, and marks
// those that are not to be contacted. vet returns an error for an address that is never
// contacted. Where there is none it looks for what may have gone wrong.
func Addresses(ctx context.Context, res *resolve.Resolver, vet func(netip.Addr) error, host *report.Host) {
	a, aaaa := addresses(ctx, res, host.Name)
	fill(host, vet, a, aaaa)
	if len(host.Addresses) == 0 {
		missing(ctx, res, host, a, aaaa)
	}
}

// Named fills in what tells whether a host is there and signed, for those who do not call on it: its
// IPv4 addresses, and those of IPv6 only where it has none, since both stand at one name in one zone.
func Named(ctx context.Context, res *resolve.Resolver, host *report.Host) {
	anybody := func(netip.Addr) error { return nil }
	answers := []*resolve.Answer{res.Lookup(ctx, dns.Fqdn(host.Name), dns.TypeA)}
	if len(answers[0].Addresses()) == 0 {
		answers = append(answers, res.Lookup(ctx, dns.Fqdn(host.Name), dns.TypeAAAA))
	}
	fill(host, anybody, answers...)
}

// fill puts the two answers into the host.
func fill(host *report.Host, vet func(netip.Addr) error, answers ...*resolve.Answer) {
	var all []netip.Addr
	for _, answer := range answers {
		addresses := answer.Addresses()
		all = append(all, addresses[:min(len(addresses), maxAddresses)]...)
		host.Families = append(host.Families, report.Family{Type: dns.TypeToString[answer.Type], Addresses: len(addresses),
			DNSSEC: answer.Trust, Failure: failureOf(answer)})
	}
	host.DNSSEC = trustOf(host)
	if steps := host.DNSSEC.Steps; len(steps) > 0 {
		host.Canonical = hostName(steps[len(steps)-1].Target)
	}
	host.Addresses = chosen(all, vet)
	host.Failure = addressFailure(host.Name, len(all), answers)
	switch {
	case len(all) == 0:
		host.NotTested = report.NotTestedNoAddress
	case !slices.ContainsFunc(host.Addresses, func(a *report.Address) bool { return a.NotTested == "" || a.NotTested == report.NotTestedLimit }):
		host.NotTested = report.NotTestedForbidden
	}
}

// trustOf is the trust of the addresses of a host: the worse of the families that can be used,
// or of all where none can.
func trustOf(host *report.Host) report.Trust {
	families := host.Usable()
	if len(families) == 0 {
		families = host.Families
	}
	var trust report.Trust
	for _, f := range families {
		if trust.State == "" || trust.State.Worse(f.DNSSEC.State) != trust.State {
			trust = f.DNSSEC
		}
	}
	return trust
}

// chosen says for each address whether it is contacted: two of each family are, the
// special-purpose and IPv4-mapped ones never.
func chosen(all []netip.Addr, vet func(netip.Addr) error) []*report.Address {
	addresses := []*report.Address{}
	tested := make(map[bool]int)
	for _, a := range all {
		address := &report.Address{IP: a.String()}
		addresses = append(addresses, address)
		if a.Is4In6() {
			address.NotTested = report.NotTestedMapped
			continue
		}
		if err := vet(a); err != nil {
			address.NotTested = report.NotTestedForbidden
			address.Failure = report.Failed(report.PhaseConnect, report.KindForbidden, egress.Say(err))
			continue
		}
		if tested[a.Is4()] >= maxTested {
			address.NotTested = report.NotTestedLimit
			continue
		}
		tested[a.Is4()]++
	}
	return addresses
}

// failureOf says why a question for addresses got no answer; nil where it got one.
func failureOf(answer *resolve.Answer) *report.Failure {
	if answer.Failure == nil {
		return nil
	}
	f := *answer.Failure
	f.Phase = report.PhaseAddress
	return &f
}

// addressFailure says why a host has no addresses, or that one of the two questions got no
// answer.
func addressFailure(host string, found int, answers []*resolve.Answer) *report.Failure {
	for _, answer := range answers {
		if f := failureOf(answer); f != nil {
			return f
		}
	}
	if found > 0 {
		return nil
	}
	for _, answer := range answers {
		if answer.Rcode == dns.RcodeNameError {
			return report.Failed(report.PhaseAddress, report.KindNoDomain, report.Say(report.SaysNoSuchHost, "host", host))
		}
	}
	return report.Failed(report.PhaseAddress, report.KindNoData, report.Say(report.SaysHostHomeless, "host", host))
}

// Pointers looks up the names of the tested addresses (PTR). No finding depends on them, so
// they may be asked for beside everything else.
func Pointers(ctx context.Context, res *resolve.Resolver, host *report.Host) {
	var all sync.WaitGroup
	for _, address := range host.Addresses {
		addr, err := netip.ParseAddr(address.IP)
		if err != nil || address.NotTested != "" {
			continue
		}
		all.Go(func() { address.PTR = res.Pointers(ctx, addr) })
	}
	all.Wait()
}
