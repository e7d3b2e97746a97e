package egress

import (
	"fmt"
	"net/netip"
)

// ForbiddenError says that an address is never contacted.
type ForbiddenError struct {
	Addr netip.Addr
	Why  string
}

func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("%v is not contacted: %s", e.Addr, e.Why)
}

// The blocks are those of IANA's two special-purpose registries (RFC 6890) and multicast,
// entries inside another left out. Some of them are globally reachable (anycast of PCP and
// TURN, AS112, AMT, ORCHIDv2, drone identifiers): no mail, policy or name server for
// anybody's domain lives there, so they are refused like the rest. So is all of IPv6 beyond
// 2000::/3, with SRv6, NAT64 and the mapped forms of IPv4: what such an address leads to is
// for the network around us to decide, and not for a stranger's record.
//
// A public address of this machine itself is not refused. The ports are fixed by the operator
// (25, 443 and 53 unless flags say other) and never taken from a record, so nothing is found
// there that other hosts do not see too, and the owner of a mail server may check it from
// where it stands. Neither the site nor the admin listener can be reached on loopback.

// block is one special-purpose network.
type block struct {
	prefix netip.Prefix
	why    string
}

func must(prefix, why string) block { return block{netip.MustParsePrefix(prefix), why} }

var special4 = []block{
	must("0.0.0.0/8", "this network (RFC 791)"),
	must("10.0.0.0/8", "private use (RFC 1918)"),
	must("100.64.0.0/10", "carrier-grade NAT (RFC 6598)"),
	must("127.0.0.0/8", "loopback (RFC 1122)"),
	must("169.254.0.0/16", "link local (RFC 3927)"),
	must("172.16.0.0/12", "private use (RFC 1918)"),
	must("192.0.0.0/24", "IETF protocol assignments (RFC 6890)"),
	must("192.0.2.0/24", "documentation (RFC 5737)"),
	must("192.31.196.0/24", "AS112 (RFC 7535)"),
	must("192.52.193.0/24", "AMT (RFC 7450)"),
	must("192.88.99.0/24", "6to4 relay anycast (RFC 7526)"),
	must("192.168.0.0/16", "private use (RFC 1918)"),
	must("192.175.48.0/24", "AS112 (RFC 7534)"),
	must("198.18.0.0/15", "benchmarking (RFC 2544)"),
	must("198.51.100.0/24", "documentation (RFC 5737)"),
	must("203.0.113.0/24", "documentation (RFC 5737)"),
	must("224.0.0.0/4", "multicast (RFC 5771)"),
	must("240.0.0.0/4", "reserved (RFC 1112)"),
}

// global6 is the only part of IPv6 that is handed out for use on the internet.
var global6 = netip.MustParsePrefix("2000::/3")

var special6 = []block{
	must("2001::/23", "IETF protocol assignments (RFC 2928)"),
	must("2001:db8::/32", "documentation (RFC 3849)"),
	must("2002::/16", "6to4 (RFC 3056)"),
	must("2620:4f:8000::/48", "AS112 (RFC 7534)"),
	must("3fff::/20", "documentation (RFC 9637)"),
}

// Special says why an address is special purpose (RULES appendix E); empty when it is an
// ordinary public one.
func Special(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "not an address"
	case a.Zone() != "":
		return "scoped address"
	case a.Is4In6():
		return "IPv4-mapped (RFC 4291)"
	case a.Is4():
		for _, b := range special4 {
			if b.prefix.Contains(a) {
				return b.why
			}
		}
		return ""
	case !global6.Contains(a):
		return "outside global unicast (RFC 4291)"
	}
	for _, b := range special6 {
		if b.prefix.Contains(a) {
			return b.why
		}
	}
	return ""
}

// Vet returns a *ForbiddenError when a may not be contacted. An allowed network opens the
// addresses in it and no other spelling of them: an IPv4-mapped address is in no IPv4 network.
// Peer and Authority take the mapping off before they ask.
func (d *wall) Vet(a netip.Addr) error {
	why := Special(a)
	if why == "" {
		return nil
	}
	for _, p := range d.cfg.Allow {
		if p.Contains(a) {
			return nil
		}
	}
	return &ForbiddenError{Addr: a, Why: why}
}
