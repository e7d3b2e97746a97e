package senders

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mxseal/checks/sender"
)

// at is where to listen for a role.
func (r Role) at(usual uint16) netip.AddrPort {
	if r.Here.IsValid() {
		return r.Here
	}
	return netip.AddrPortFrom(r.Addr, cmp.Or(r.Port, usual))
}

// What listens beside mail servers.
const (
	dnsRole    sender.Manner = "dns"
	policyRole sender.Manner = "policy"
	allRole    sender.Manner = "all"
)

// ParseRole reads ADDRESS=ROLE. The address may be a prefix of IPv6 for the role all, and have a port.
// ADDRESS=ROLE@HERE:PORT listens at another address, to which something leads what comes to the first one.
func ParseRole(text string) (r Role, err error) {
	at, rest, ok := strings.Cut(text, "=")
	as, here, elsewhere := strings.Cut(rest, "@")
	r.As = sender.Manner(as)
	if !ok || !slices.Contains(append([]sender.Manner{dnsRole, policyRole, allRole}, sender.Manners...), r.As) {
		return r, fmt.Errorf("%q is not ADDRESS=ROLE; the roles are dns, policy, all and %v", text, sender.Manners)
	}
	if elsewhere {
		if r.Here, err = netip.ParseAddrPort(here); err != nil || r.As == allRole {
			return r, fmt.Errorf("%q: behind @ there has to be ADDRESS:PORT, for another role than all", text)
		}
	}
	if r.As == allRole {
		p, err := netip.ParsePrefix(at)
		if err != nil || !p.Addr().Is6() || p.Bits() > 64 {
			return r, fmt.Errorf("%q: the role all needs an IPv6 network of /64 or more", text)
		}
		r.Net = p.Masked()
		return r, nil
	}
	if both, err := netip.ParseAddrPort(at); err == nil {
		r.Addr, r.Port = both.Addr(), both.Port()
		return r, nil
	}
	if r.Addr, err = netip.ParseAddr(at); err != nil {
		return r, fmt.Errorf("%q: %w", text, err)
	}
	return r, nil
}

// addresses are those of a role.
func (s *Senders) addresses(as sender.Manner) []netip.Addr {
	var all []netip.Addr
	for _, r := range s.Roles {
		if r.As == as && r.Addr.IsValid() {
			all = append(all, r.Addr)
		}
	}
	return all
}
