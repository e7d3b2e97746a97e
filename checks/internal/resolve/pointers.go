package resolve

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// Pointers returns the names that an address has (PTR), five at most.
func (r *Resolver) Pointers(ctx context.Context, addr netip.Addr) []string {
	reverse, err := dns.ReverseAddr(addr.String())
	if err != nil {
		return nil
	}
	return namesOf(r.Unproved(ctx, reverse, dns.TypePTR))
}

// maxPointers bounds the names of one address that are kept, in octets; of their number, five are.
const maxPointers = 512

// namesOf returns names of a PTR RRset.
func namesOf(rrs []dns.RR) []string {
	var names []string
	room := maxPointers
	for _, rr := range rrs {
		if ptr, ok := rr.(*dns.PTR); ok && len(names) < 5 && len(ptr.Ptr) <= room {
			room -= len(ptr.Ptr)
			names = append(names, report.Clean(strings.ToLower(strings.TrimSuffix(ptr.Ptr, ".")), 255))
		}
	}
	slices.Sort(names)
	return names
}
