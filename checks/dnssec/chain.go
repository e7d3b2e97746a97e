package dnssec

import (
	"strings"

	"golang.org/x/net/publicsuffix"

	"mxseal/checks/report"
)

// trusts returns the trust of every answer that mail to the domain depends on.
func trusts(r report.Observed) []report.Trust {
	var all []report.Trust
	if r.MX != nil {
		all = append(all, r.MX.DNSSEC)
	}
	for _, h := range r.Hosts {
		all = append(all, h.DNSSEC)
		for _, f := range h.Families {
			all = append(all, f.DNSSEC)
		}
		if h.TLSA.DNSSEC != nil {
			all = append(all, *h.TLSA.DNSSEC)
		}
	}
	if r.DNSSEC != nil {
		for _, z := range r.DNSSEC.Zones {
			all = append(all, z.Trust)
		}
	}
	return all
}

// last returns the link at which a chain ends.
func last(t report.Trust) report.Link {
	if len(t.Chain) == 0 {
		return report.Link{}
	}
	return t.Chain[len(t.Chain)-1]
}

// culprit names the zone at which a chain turns into what it is; where every link is
// secure, the zone of the answer. Empty without a chain.
func culprit(t report.Trust) string {
	for _, l := range t.Chain {
		if l.State != report.Secure {
			return l.Zone
		}
	}
	return last(t).Zone
}

// registry reports whether a zone is the root or one under which the public registers
// names: how it is signed is not the owner's to change.
func registry(zone string) bool {
	suffix, icann := publicsuffix.PublicSuffix(zone)
	return zone == "." || suffix == zone && (icann || !strings.Contains(zone, "."))
}

// within reports whether a zone is the domain's own or one above it that it lies in.
func within(zone, domain string) bool {
	return zone == domain || strings.HasSuffix(zone, "."+domain) || strings.HasSuffix(domain, "."+zone) && !registry(zone)
}

// shortest returns the size of the shortest RSA key of a zone, 0 where it has none.
func shortest(l report.Link) int {
	least := 0
	for _, k := range l.Keys {
		rsa := k.Algorithm == 5 || k.Algorithm == 7 || k.Algorithm == 8 || k.Algorithm == 10
		if rsa && k.Bits > 0 && (least == 0 || k.Bits < least) {
			least = k.Bits
		}
	}
	return least
}
