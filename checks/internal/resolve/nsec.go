package resolve

import (
	"slices"

	"github.com/miekg/dns"
)

// byNSEC is the proof by plain NSEC (RFC 4035 §5.4).
func (d *denial) byNSEC(q question, rcode int) (proof, *fault) {
	for _, rr := range d.nsec {
		if rr.Hdr.Name != q.name {
			continue
		}
		if f := d.absent(rr.TypeBitMap, q); f != nil {
			return proof{}, f
		}
		p := existing(rcode)
		p.delegation = slices.Contains(rr.TypeBitMap, dns.TypeNS)
		return p, nil
	}
	for _, rr := range d.nsec {
		if !d.covers(rr, q.name) {
			continue
		}
		if next := dns.CanonicalName(rr.NextDomain); dns.IsSubDomain(q.name, next) {
			return existing(rcode), nil // an empty non-terminal
		}
		star := wildcard(closestEncloser(rr, q.name))
		for _, w := range d.nsec {
			switch {
			case w.Hdr.Name == star:
				return existing(rcode), d.absent(w.TypeBitMap, question{star, q.qtype})
			case !d.covers(w, star):
			case dns.IsSubDomain(star, dns.CanonicalName(w.NextDomain)):
				return existing(rcode), nil // the wildcard is itself an empty non-terminal
			case rcode == dns.RcodeSuccess:
				return proof{}, contradicted(q, rcode, d.zone)
			default:
				return proof{noName: true}, nil
			}
		}
	}
	return proof{}, d.missing(q)
}

// covers reports whether the record proves that nothing exists at name: name lies between
// owner and next in canonical order, where the last record of the zone leads to the apex.
func (d *denial) covers(rr *dns.NSEC, name string) bool {
	owner, next := rr.Hdr.Name, rr.NextDomain
	if owner == name || !dns.IsSubDomain(d.zone, name) || dns.IsSubDomain(owner, name) && leads(rr.TypeBitMap) {
		return false
	}
	if compareNames(owner, name) >= 0 {
		return false
	}
	return compareNames(name, next) < 0 || compareNames(next, d.zone) == 0
}

// closestEncloser returns the longest existing ancestor of a name that the record covers:
// it shares most labels with one of the record's two names.
func closestEncloser(rr *dns.NSEC, name string) string {
	return suffix(name, max(dns.CompareDomainName(name, rr.Hdr.Name), dns.CompareDomainName(name, rr.NextDomain)))
}
