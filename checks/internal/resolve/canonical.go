package resolve

import (
	"bytes"
	"slices"

	"github.com/miekg/dns"
)

// lower turns A-Z into a-z; length octets are below 64 and hence left alone. An escape such
// as \065 hides a capital letter from the presentation form, not from the wire.
func lower(wire []byte) []byte {
	for i, c := range wire {
		if 'A' <= c && c <= 'Z' {
			wire[i] = c + 'a' - 'A'
		}
	}
	return wire
}

// compareNames orders names canonically (RFC 4034 §6.1): label by label from the root, each
// as a string of octets in lower case.
func compareNames(a, b string) int {
	return slices.CompareFunc(wireLabels(a), wireLabels(b), bytes.Compare)
}

// wireLabels returns the labels of a name, the one nearest the root first.
func wireLabels(name string) [][]byte {
	wire, err := wireName(name)
	if err != nil {
		return nil
	}
	var labels [][]byte
	for len(wire) > 0 && wire[0] > 0 {
		n := int(wire[0]) + 1
		labels = append(labels, wire[1:n])
		wire = wire[n:]
	}
	slices.Reverse(labels)
	return labels
}

// signedData returns the octets that a signature covers (RFC 4034 §3.1.8.1): the RRSIG
// without its signature, then every record in canonical form and order, each once.
func signedData(set *rrset, sig *dns.RRSIG) ([]byte, error) {
	owner := set.name
	if int(sig.Labels) < dns.CountLabel(owner) {
		owner = wildcard(suffix(owner, int(sig.Labels)))
	}
	name, err := wireName(owner)
	if err != nil {
		return nil, err
	}
	records := make([][]byte, len(set.rrs))
	for i, rr := range set.rrs {
		rr = lowerRdata(dns.Copy(rr))
		*rr.Header() = dns.RR_Header{Name: owner, Rrtype: set.typ, Class: dns.ClassINET, Ttl: sig.OrigTtl}
		buf := make([]byte, dns.Len(rr)+1)
		n, err := dns.PackRR(rr, buf, 0, nil, false)
		if err != nil {
			return nil, err
		}
		copy(buf, name)
		records[i] = buf[:n]
	}
	rdata := len(name) + 10 // owner, type, class, TTL and length come before it
	slices.SortFunc(records, func(a, b []byte) int { return bytes.Compare(a[rdata:], b[rdata:]) })
	records = slices.CompactFunc(records, bytes.Equal)

	header := *sig
	header.Signature = ""
	header.Hdr = dns.RR_Header{Name: ".", Rrtype: dns.TypeRRSIG, Class: dns.ClassINET}
	header.SignerName = dns.CanonicalName(sig.SignerName)
	buf := make([]byte, dns.Len(&header)+1)
	n, err := dns.PackRR(&header, buf, 0, nil, false)
	if err != nil {
		return nil, err
	}
	const fixed = 1 + 10 // the root as owner, then type, class, TTL and length
	data := slices.Clone(buf[fixed:n])
	lower(data[18:]) // the signer, after 18 octets of numbers
	return append(data, bytes.Join(records, nil)...), nil
}

// suffix returns the last n labels of a name.
func suffix(name string, n int) string {
	i, _ := dns.PrevLabel(name, n)
	if n == 0 {
		return "."
	}
	return name[i:]
}

// wildcard returns the wildcard name below a name.
func wildcard(name string) string {
	if name == "." {
		return "*."
	}
	return "*." + name
}

// lowerRdata puts the names inside a record into lower case, for those types where the
// canonical form wants it (RFC 4034 §6.2, without HINFO and NSEC: RFC 6840 §5.1).
func lowerRdata(rr dns.RR) dns.RR {
	canonical := func(names ...*string) {
		for _, n := range names {
			*n = dns.CanonicalName(*n)
		}
	}
	switch x := rr.(type) {
	case *dns.NS:
		canonical(&x.Ns)
	case *dns.MD:
		canonical(&x.Md)
	case *dns.MF:
		canonical(&x.Mf)
	case *dns.CNAME:
		canonical(&x.Target)
	case *dns.SOA:
		canonical(&x.Ns, &x.Mbox)
	case *dns.MB:
		canonical(&x.Mb)
	case *dns.MG:
		canonical(&x.Mg)
	case *dns.MR:
		canonical(&x.Mr)
	case *dns.PTR:
		canonical(&x.Ptr)
	case *dns.MINFO:
		canonical(&x.Rmail, &x.Email)
	case *dns.MX:
		canonical(&x.Mx)
	case *dns.RP:
		canonical(&x.Mbox, &x.Txt)
	case *dns.AFSDB:
		canonical(&x.Hostname)
	case *dns.RT:
		canonical(&x.Host)
	case *dns.SIG:
		canonical(&x.SignerName)
	case *dns.PX:
		canonical(&x.Map822, &x.Mapx400)
	case *dns.NAPTR:
		canonical(&x.Replacement)
	case *dns.KX:
		canonical(&x.Exchanger)
	case *dns.SRV:
		canonical(&x.Target)
	case *dns.DNAME:
		canonical(&x.Target)
	}
	return rr
}
