package dnssec

import (
	"iter"
	"strings"

	"golang.org/x/net/publicsuffix"

	"mxseal/checks/report"
)

// trusts yields the trust of every answer that mail to the domain depends on.
func trusts(r report.Observed) iter.Seq[*report.Trust] {
	return func(yield func(*report.Trust) bool) {
		if r.MX != nil && !yield(&r.MX.DNSSEC) {
			return
		}
		for _, h := range r.Hosts {
			if !trustsOf(h, yield) {
				return
			}
		}
		if r.DNSSEC == nil {
			return
		}
		for i := range r.DNSSEC.Zones {
			if !yield(&r.DNSSEC.Zones[i].Trust) {
				return
			}
		}
	}
}

// trustsOf yields those of a mail server; false where no more are wanted.
func trustsOf(h *report.Host, yield func(*report.Trust) bool) bool {
	if !yield(&h.DNSSEC) {
		return false
	}
	for i := range h.Families {
		if !yield(&h.Families[i].DNSSEC) {
			return false
		}
	}
	return h.TLSA.DNSSEC == nil || yield(h.TLSA.DNSSEC)
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
