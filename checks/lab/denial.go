package lab

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// find returns what the zone says to a question about one of its names: the set asked for,
// or the alias that stands in its place, or neither with the proof that there is none.
func (z *zone) find(name string, rtype uint16) (set *rrset, rcode int, proof []*rrset) {
	sets := z.owners[name]
	if set := sets[rtype]; set != nil {
		return set, dns.RcodeSuccess, nil
	}
	if set := sets[dns.TypeCNAME]; set != nil {
		return set, dns.RcodeSuccess, nil
	}
	proof = []*rrset{z.owners[z.origin][dns.TypeSOA]}
	rcode = dns.RcodeNameError
	if z.nodes[name] {
		rcode = dns.RcodeSuccess
	}
	switch {
	case z.signing.none:
	case z.signing.hashed:
		proof = append(proof, z.denyNSEC3(name)...)
	default:
		proof = append(proof, z.denyNSEC(name)...)
	}
	return nil, rcode, proof
}

// denyNSEC proves that name has no such type, or does not exist, nor a wildcard in its
// place (RFC 4035 §3.1.3).
func (z *zone) denyNSEC(name string) []*rrset {
	at := z.upTo(name)
	proof := []*rrset{z.owners[at][dns.TypeNSEC]}
	if !z.nodes[name] {
		if wild := z.upTo("*." + strings.TrimPrefix(z.encloser(name), ".")); wild != at {
			proof = append(proof, z.owners[wild][dns.TypeNSEC])
		}
	}
	return proof
}

// upTo returns the last owner that is not behind name in canonical order.
func (z *zone) upTo(name string) string {
	i, found := slices.BinarySearchFunc(z.order, name, canonical)
	if !found {
		i-- // the apex is before every other name of the zone
	}
	return z.order[i]
}

// denyNSEC3 does the same with hashes (RFC 5155 §7.2).
func (z *zone) denyNSEC3(name string) []*rrset {
	if z.nodes[name] {
		return []*rrset{z.upToHash(name)}
	}
	encloser, next := z.encloser(name), name
	for parentOf(next) != encloser {
		next = parentOf(next)
	}
	var proof []*rrset
	for _, name := range []string{encloser, next, "*." + strings.TrimPrefix(encloser, ".")} {
		if set := z.upToHash(name); !slices.Contains(proof, set) {
			proof = append(proof, set)
		}
	}
	return proof
}

// upToHash returns the NSEC3 record that matches or covers name.
func (z *zone) upToHash(name string) *rrset {
	i, found := slices.BinarySearchFunc(z.hashes, z.hash(name), func(h hashed, hash string) int {
		return strings.Compare(h.hash, hash)
	})
	if !found {
		i = (i - 1 + len(z.hashes)) % len(z.hashes)
	}
	return z.hashes[i].set
}

// encloser returns the closest name above name that exists.
func (z *zone) encloser(name string) string {
	for name = parentOf(name); !z.nodes[name]; name = parentOf(name) {
	}
	return name
}

// labels returns the labels of a name as they travel, the right-most first.
func labels(name string) []string {
	wire := make([]byte, 256)
	end, err := dns.PackDomainName(dns.CanonicalName(name), wire, 0, nil, false)
	if err != nil {
		return nil
	}
	var list []string
	for i := 0; i < end && wire[i] > 0; i += 1 + int(wire[i]) {
		list = append(list, string(wire[i+1:i+1+int(wire[i])]))
	}
	slices.Reverse(list)
	return list
}
