package mx

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

const (
	maxAddresses = 10 // of each family, kept in the report
	maxTested    = 2  // of each family, contacted (MX-21)
)

// Addresses fills in the addresses of a host, with the trust of the two answers merged to
// the worse, and marks those that are not to be contacted. vet returns an error for an
// address that is never contacted.
func Addresses(ctx context.Context, res *resolve.Resolver, vet func(netip.Addr) error, host *report.Host) {
	a, aaaa := addresses(ctx, res, host.Name)
	fill(host, vet, a, aaaa)
}

func addresses(ctx context.Context, res *resolve.Resolver, name string) (a, aaaa *resolve.Answer) {
	var both sync.WaitGroup
	both.Go(func() { a = res.Lookup(ctx, dns.Fqdn(name), dns.TypeA) })
	both.Go(func() { aaaa = res.Lookup(ctx, dns.Fqdn(name), dns.TypeAAAA) })
	both.Wait()
	return a, aaaa
}

// fill puts the two answers into the host.
func fill(host *report.Host, vet func(netip.Addr) error, answers ...*resolve.Answer) {
	var all []netip.Addr
	for i, answer := range answers {
		if i == 0 || host.DNSSEC.State.Worse(answer.Trust.State) != host.DNSSEC.State {
			host.DNSSEC = answer.Trust
		}
		if answer.Canonical != "" && !strings.EqualFold(answer.Canonical, answer.Name) {
			host.Canonical = hostName(answer.Canonical)
		}
		addresses := answer.Addresses()
		all = append(all, addresses[:min(len(addresses), maxAddresses)]...)
	}
	host.Addresses = chosen(all, vet)
	host.Failure = addressFailure(host.Name, len(all), answers)
	switch {
	case len(all) == 0:
		host.NotTested = "no-address"
	case !slices.ContainsFunc(host.Addresses, func(a *report.Address) bool { return a.NotTested == "" || a.NotTested == "limit" }):
		host.NotTested = "forbidden"
	}
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
			address.NotTested = "mapped"
			continue
		}
		if err := vet(a); err != nil {
			address.NotTested = "forbidden"
			address.Failure = &report.Failure{Phase: "connect", Kind: "forbidden", Text: err.Error()}
			continue
		}
		if tested[a.Is4()] >= maxTested {
			address.NotTested = "limit"
			continue
		}
		tested[a.Is4()]++
	}
	return addresses
}

// addressFailure says why a host has no addresses, or that one of the two questions got no
// answer.
func addressFailure(host string, found int, answers []*resolve.Answer) *report.Failure {
	for _, answer := range answers {
		if answer.Failure != nil {
			f := *answer.Failure
			f.Phase = "address"
			return &f
		}
	}
	if found > 0 {
		return nil
	}
	for _, answer := range answers {
		if answer.Rcode == dns.RcodeNameError {
			return &report.Failure{Phase: "address", Kind: "nxdomain", Text: fmt.Sprintf("The name %s does not exist.", host)}
		}
	}
	return &report.Failure{Phase: "address", Kind: "no-data", Text: fmt.Sprintf("%s has neither an A nor an AAAA record.", host)}
}

// Pointers looks up the names of the tested addresses (PTR). Nothing depends on them, so
// they may be asked for beside everything else.
func Pointers(ctx context.Context, res *resolve.Resolver, host *report.Host) {
	var all sync.WaitGroup
	for _, address := range host.Addresses {
		reverse, err := dns.ReverseAddr(address.IP)
		if err != nil || address.NotTested != "" {
			continue
		}
		all.Go(func() { address.PTR = namesOf(res.Lookup(ctx, reverse, dns.TypePTR).Records) })
	}
	all.Wait()
}

// namesOf returns at most five names of a PTR RRset.
func namesOf(rrs []dns.RR) []string {
	var names []string
	for _, rr := range rrs {
		if ptr, ok := rr.(*dns.PTR); ok && len(names) < 5 {
			names = append(names, hostName(ptr.Ptr))
		}
	}
	slices.Sort(names)
	return names
}
