// Package records writes DNS records in the syntaxes of those who have to publish them: a zone
// file, nsupdate, DNSControl, OctoDNS and Terraform. Data in, text out; it asks nobody.
//
// A record is kept as the library reads it, so whatever is written is well-formed. Zones are
// guessed from names (the registrable domain) where nobody says where they are cut, since only the
// first two syntaxes can do without.
package records

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"
)

// Record is one record with a remark for those who read it.
type Record struct {
	rr   dns.RR
	Note string // beside or above the record, on a line of its own; may be empty
}

// TTL is that of a record whose text names none, in seconds.
const TTL = 3600

// Parse reads records in zone-file form, all names whole. Placeholders for what is not yet known
// are no records: the error names the first line that is none.
func Parse(text string) ([]Record, error) {
	p := dns.NewZoneParser(strings.NewReader(text+"\n"), ".", "")
	p.SetDefaultTTL(TTL)
	var list []Record
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		if !whole(rr) {
			return nil, fmt.Errorf("the data of %s are none of type %s", rr.Header().Name, dns.TypeToString[rr.Header().Rrtype])
		}
		list = append(list, Record{rr: rr})
	}
	if err := p.Err(); err != nil {
		return nil, fmt.Errorf("not in zone-file form: %w", err)
	}
	return list, nil
}

// whole reports whether a record can be sent. The library reads digests and addresses without a
// look at what they are made of.
func whole(rr dns.RR) bool {
	wire := make([]byte, dns.Len(rr))
	end, err := dns.PackRR(rr, wire, 0, nil, false)
	return err == nil && end > dns.Len(&dns.ANY{Hdr: *rr.Header()})
}

// Sum is the SHA-256 digest of a SubjectPublicKeyInfo (RFC 6698 §2.1, selector 1 and matching type 1).
type Sum [sha256.Size]byte

// SumOf is the digest of a SubjectPublicKeyInfo in DER.
func SumOf(key []byte) Sum { return sha256.Sum256(key) }

// ParseSum reads a digest in hexadecimal.
func ParseSum(text string) (sum Sum, ok bool) {
	octets, err := hex.DecodeString(text)
	if err != nil || len(octets) != len(sum) {
		return sum, false
	}
	return Sum(octets), true
}

// TLSA is the record of a mail server (A-label, without a final dot) for a key: usage 3 for the
// server's own, 2 for that of an authority. ttl is in seconds.
func TLSA(host string, ttl uint32, usage uint8, key Sum, note string) Record {
	return Record{Note: note, rr: &dns.TLSA{
		Hdr:   dns.RR_Header{Name: "_25._tcp." + dns.Fqdn(host), Rrtype: dns.TypeTLSA, Class: dns.ClassINET, Ttl: ttl},
		Usage: usage, Selector: 1, MatchingType: 1, Certificate: fmt.Sprintf("%x", key),
	}}
}

// String is the record as it stands in a zone file.
func (r Record) String() string {
	return strings.Join(strings.Fields(r.rr.Header().String())[:4], " ") + " " + r.data()
}

// data is what follows the header in a zone file.
func (r Record) data() string { return strings.TrimPrefix(r.rr.String(), r.rr.Header().String()) }

func (r Record) header() *dns.RR_Header { return r.rr.Header() }

// name is the name of the record without its final dot.
func (r Record) name() string { return strings.TrimSuffix(r.header().Name, ".") }

func (r Record) kind() string { return dns.TypeToString[r.header().Rrtype] }

// set is all records of one name and type, which some syntaxes write as one.
type set []Record

// sets gathers records by name and type, each set where its first record stands.
func sets(list []Record) []set {
	var all []set
	for _, r := range list {
		i := slices.IndexFunc(all, func(s set) bool { return s[0].name() == r.name() && s[0].kind() == r.kind() })
		if i < 0 {
			all = append(all, set{r})
		} else {
			all[i] = append(all[i], r)
		}
	}
	return all
}

// zone is what a part of the records stands in.
type zone struct {
	name string // without its final dot
	list []Record
}

// relative is a name as it is written inside the zone; own is how the zone itself is called.
func (z zone) relative(name, own string) string {
	return cmp.Or(strings.TrimSuffix(strings.TrimSuffix(name, z.name), "."), own)
}

// zones parts records by the zone in which they stand: the one that is named where they are below
// it, else the registrable domain.
func zones(named string, list []Record) []zone {
	named = strings.ToLower(strings.TrimSuffix(named, "."))
	var all []zone
	for _, r := range list {
		at := named
		if named == "" || !dns.IsSubDomain(dns.Fqdn(named), r.header().Name) {
			at = registrable(r.name())
		}
		i := slices.IndexFunc(all, func(z zone) bool { return z.name == at })
		if i < 0 {
			i, all = len(all), append(all, zone{name: at})
		}
		all[i].list = append(all[i].list, r)
	}
	return all
}

func registrable(name string) string {
	labels := strings.Split(name, ".")
	for len(labels) > 2 && (strings.HasPrefix(labels[0], "_") || labels[0] == "*") {
		labels = labels[1:]
	}
	name = strings.Join(labels, ".")
	if domain, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return domain
	}
	return name
}
