package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/lab/serve"
	"mxseal/checks/report"
)

// signing says how a zone is signed; the zero value is a zone signed well, with NSEC.
type signing struct {
	state      report.State // expected of a validator; secure if empty
	none       bool         // no keys, no signatures
	ds         ds           // what the parent has of it
	hashed     bool         // NSEC3 instead of NSEC
	iterations uint16       // of NSEC3, over RFC 9276's zero
	salt       string       // of NSEC3, in hexadecimal
	until      time.Duration
	wrong      string // a name and a type: those records are not signed, or denied without proof where there are none
}

type ds int

const (
	rightDS ds = iota
	noDS
	wrongDS // of a key that the zone does not have
	sha1DS  // the right key, under digest type 1 only (RFC 9904 §4)
)

// Signatures begin a day before New and last for 45 days, unless signing.until says other.
const (
	begun = -day
	lasts = 45 * day
)

const ttl = 300 // seconds, of every record

// The servers of the root, of test. and of the reverse zone, and those of all domains that
// have none of their own.
const (
	topServer    = "ns.test."
	domainServer = "ns.dns-host.test."
)

// zone is one zone, signed when it is sealed and unchanging from then on.
type zone struct {
	origin  string
	servers []string // names of its name servers, the primary one first
	signing signing
	from    time.Time
	until   time.Time
	signer  *serve.Signer                // nil without signatures
	owners  map[string]map[uint16]*rrset // by canonical name and type
	cuts    map[string]bool              // delegated names
	nodes   map[string]bool              // every name that exists, empty ones too
	order   []string                     // owners in canonical order
	hashes  []hashed                     // NSEC3 records in the order of their hashes
}

// rrset is a set of records with its signature, where it has one.
type rrset struct {
	rrs []dns.RR
	sig dns.RR
}

type hashed struct {
	hash string
	set  *rrset
}

func newZone(origin string, s signing, now time.Time, servers ...string) *zone {
	if s.state == "" {
		s.state = report.Secure
	}
	if s.until == 0 {
		s.until = lasts
	}
	if servers == nil {
		servers = []string{domainServer}
	}
	z := &zone{origin: origin, servers: servers, signing: s,
		from: now.Add(min(begun, s.until-lasts)), until: now.Add(s.until),
		owners: make(map[string]map[uint16]*rrset), cuts: make(map[string]bool)}
	z.add(&dns.SOA{Hdr: z.header(origin, dns.TypeSOA), Ns: servers[0], Mbox: "hostmaster.test.",
		Serial: 1, Refresh: 7200, Retry: 3600, Expire: 1209600, Minttl: 300})
	for _, name := range servers {
		z.add(&dns.NS{Hdr: z.header(origin, dns.TypeNS), Ns: name})
	}
	if !s.none {
		z.signer = serve.NewSigner(origin, ttl, ecdsaKey("zone "+origin))
		z.add(z.signer.DNSKEY)
	}
	if s.hashed {
		z.add(&dns.NSEC3PARAM{Hdr: z.header(origin, dns.TypeNSEC3PARAM), Hash: dns.SHA1,
			Iterations: s.iterations, SaltLength: uint8(len(s.salt) / 2), Salt: s.salt})
	}
	return z
}

func (z *zone) header(name string, rtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rtype, Class: dns.ClassINET, Ttl: ttl}
}

// parse adds records in zone-file form.
func (z *zone) parse(text, origin string) error {
	p := dns.NewZoneParser(strings.NewReader(text), origin, origin)
	p.SetDefaultTTL(ttl)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		z.add(rr)
	}
	if err := p.Err(); err != nil {
		return fmt.Errorf("lab: zone %s: %w", origin, err)
	}
	return nil
}

func (z *zone) add(rr dns.RR) {
	name, rtype := dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype
	rr.Header().Name = name
	if z.owners[name] == nil {
		z.owners[name] = make(map[uint16]*rrset)
	}
	if z.owners[name][rtype] == nil {
		z.owners[name][rtype] = new(rrset)
	}
	z.owners[name][rtype].rrs = append(z.owners[name][rtype].rrs, rr)
}

// delegate puts the cut to a child zone into z, with the DS that the child is to have.
func (z *zone) delegate(child *zone) {
	z.cuts[child.origin] = true
	for _, name := range child.servers {
		z.add(&dns.NS{Hdr: z.header(child.origin, dns.TypeNS), Ns: name})
	}
	if child.signing.none {
		return
	}
	switch child.signing.ds {
	case rightDS:
		z.add(child.signer.DNSKEY.ToDS(dns.SHA256))
	case sha1DS:
		z.add(child.signer.DNSKEY.ToDS(dns.SHA1))
	case wrongDS:
		z.add(serve.NewSigner(child.origin, ttl, ecdsaKey("a key that "+child.origin+" does not have")).DNSKEY.ToDS(dns.SHA256))
	}
}

// seal completes the zone: denial of existence and signatures.
func (z *zone) seal() error {
	z.nodes = make(map[string]bool)
	for name := range z.owners {
		z.order = append(z.order, name)
		for z.nodes[name] = true; name != z.origin; z.nodes[name] = true {
			name = parentOf(name)
		}
	}
	slices.SortFunc(z.order, canonical)
	if z.signing.none {
		return nil
	}
	if z.signing.hashed {
		z.chainNSEC3()
	} else {
		z.chainNSEC()
	}
	for name, sets := range z.owners {
		for rtype, set := range sets {
			if z.cuts[name] && rtype == dns.TypeNS {
				continue // a delegation belongs to the child (RFC 4035 §2.2)
			}
			if z.wrong(name, rtype) {
				continue
			}
			if err := z.sign(set); err != nil {
				return err
			}
		}
	}
	for _, h := range z.hashes {
		if err := z.sign(h.set); err != nil {
			return err
		}
	}
	return nil
}

// wrong reports whether the zone is to be wrong about a name and a type.
func (z *zone) wrong(name string, rtype uint16) bool {
	at, what, found := strings.Cut(z.signing.wrong, " ")
	return found && name == at+"."+z.origin && rtype == dns.StringToType[what]
}

func (z *zone) sign(set *rrset) error {
	sig, err := z.signer.Sign(set.rrs, z.from, z.until)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	set.sig = sig
	return nil
}

// chainNSEC links the owners, the last to the first (RFC 4034 §4).
func (z *zone) chainNSEC() {
	for i, name := range z.order {
		z.add(&dns.NSEC{Hdr: z.header(name, dns.TypeNSEC), NextDomain: z.order[(i+1)%len(z.order)],
			TypeBitMap: z.bitmap(name, dns.TypeRRSIG, dns.TypeNSEC)})
	}
}

// chainNSEC3 links the hashes of all names, empty ones too (RFC 5155 §7.1).
func (z *zone) chainNSEC3() {
	types := make(map[string][]uint16)
	for name := range z.nodes {
		var more []uint16
		if owned := z.owners[name]; owned != nil && (!z.cuts[name] || owned[dns.TypeDS] != nil) {
			more = []uint16{dns.TypeRRSIG}
		}
		hash := z.hash(name)
		types[hash] = z.bitmap(name, more...)
		z.hashes = append(z.hashes, hashed{hash: hash})
	}
	slices.SortFunc(z.hashes, func(a, b hashed) int { return strings.Compare(a.hash, b.hash) })
	for i := range z.hashes {
		hash, next := z.hashes[i].hash, z.hashes[(i+1)%len(z.hashes)].hash
		z.hashes[i].set = &rrset{rrs: []dns.RR{&dns.NSEC3{
			Hdr: z.header(strings.ToLower(hash)+"."+strings.TrimPrefix(z.origin, "."), dns.TypeNSEC3), Hash: dns.SHA1,
			Iterations: z.signing.iterations, SaltLength: uint8(len(z.signing.salt) / 2), Salt: z.signing.salt,
			HashLength: 20, NextDomain: next, TypeBitMap: types[hash]}}}
	}
}

func (z *zone) hash(name string) string {
	return dns.HashName(name, dns.SHA1, z.signing.iterations, z.signing.salt)
}

func (z *zone) bitmap(name string, more ...uint16) []uint16 {
	types := more
	for rtype := range z.owners[name] {
		types = append(types, rtype)
	}
	if _, what, found := strings.Cut(z.signing.wrong, " "); found && z.wrong(name, dns.StringToType[what]) && z.owners[name][dns.StringToType[what]] == nil {
		types = append(types, dns.StringToType[what])
	}
	slices.Sort(types)
	return types
}

func parentOf(name string) string {
	if i, end := dns.NextLabel(name, 0); !end {
		return name[i:]
	}
	return "."
}

// canonical compares names in the order of RFC 4034 §6.1: by labels from the right, as octets.
func canonical(a, b string) int {
	return slices.CompareFunc(labels(a), labels(b), strings.Compare)
}
