package resolve

import (
	"crypto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// world is a small signed internet behind one recursive resolver, in memory.
type world struct {
	t      testing.TB
	now    time.Time
	zones  map[string]*signedZone
	mangle func(q dns.Question, m *dns.Msg) *dns.Msg // nil message: no reply
	slow   time.Duration
	mu     sync.Mutex
	asked  []string // "network type name"

	remembered  map[dns.Question]*dns.Msg // replies kept, where it is not nil
	authorities map[string]*authority     // by address and port: servers that are asked directly
	validates   bool                      // the resolver judges what it is asked without CD, as we would
	opinion     func(q dns.Question, m *dns.Msg)
}

// signedZone is one zone of the world. The zero options sign with one P-256 key and NSEC.
type signedZone struct {
	name     string
	keys     []signKey
	unsigned bool          // no DNSKEY, no signatures
	noDS     bool          // signed, but the parent has no DS
	ds       []dns.RR      // in the parent, instead of the DS of the keys
	nsec3    *dns.NSEC3    // its hash parameters and flags; nil: NSEC
	from, to time.Duration // of signatures, against the world's time; an hour and two weeks if zero
	sets     map[string]map[uint16][]dns.RR
	cuts     []string
	world    *world
}

type signKey struct {
	*dns.DNSKEY
	crypto.Signer
}

func newWorld(t testing.TB, zones ...*signedZone) *world {
	w := &world{t: t, now: time.Now(), zones: make(map[string]*signedZone)}
	w.add(&signedZone{name: "."}, "")
	w.add(&signedZone{name: "test."}, "")
	for _, z := range zones {
		w.add(z, "")
	}
	return w
}

// key makes a key pair. Flags of zero mean a secure entry point.
func key(t testing.TB, zone string, alg uint8, size int, flags uint16) signKey {
	t.Helper()
	if flags == 0 {
		flags = dns.ZONE | dns.SEP
	}
	k := &dns.DNSKEY{Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags: flags, Protocol: 3, Algorithm: alg}
	private, err := k.Generate(size)
	if err != nil {
		t.Fatal(err)
	}
	return signKey{k, private.(crypto.Signer)}
}

// add makes a zone part of the world and delegates it from the zone above.
func (w *world) add(z *signedZone, text string) *signedZone {
	w.t.Helper()
	z.world = w
	if z.sets == nil {
		z.sets = make(map[string]map[uint16][]dns.RR)
	}
	if z.from == 0 && z.to == 0 {
		z.from, z.to = -2*time.Hour, 14*24*time.Hour
	}
	if z.keys == nil && !z.unsigned {
		z.keys = []signKey{key(w.t, z.name, dns.ECDSAP256SHA256, 256, 0)}
	}
	z.put("@ 3600 IN SOA ns.invalid. hostmaster.invalid. 1 7200 3600 1209600 300\n@ 3600 IN NS ns.invalid.\n" + text)
	for _, k := range z.keys {
		z.putRR(k.DNSKEY)
	}
	if z.nsec3 != nil {
		z.putRR(&dns.NSEC3PARAM{Hdr: dns.RR_Header{Name: z.name, Rrtype: dns.TypeNSEC3PARAM, Class: dns.ClassINET, Ttl: 0},
			Hash: dns.SHA1, Iterations: z.nsec3.Iterations, SaltLength: z.nsec3.SaltLength, Salt: z.nsec3.Salt})
	}
	w.zones[z.name] = z
	if z.name == "." {
		return z
	}
	above := w.zoneFor(parent(z.name))
	above.cuts = append(above.cuts, z.name)
	above.put(z.name + " 3600 IN NS ns.invalid.")
	ds := z.ds
	if ds == nil && !z.unsigned && !z.noDS {
		for _, k := range z.keys {
			if k.Flags&dns.SEP != 0 {
				ds = append(ds, k.ToDS(dns.SHA256))
			}
		}
	}
	for _, rr := range ds {
		above.putRR(rr)
	}
	return z
}

// put adds records in zone-file form, indented as the test pleases.
func (z *signedZone) put(text string) {
	z.world.t.Helper()
	var flat strings.Builder
	for line := range strings.Lines(text) {
		flat.WriteString(strings.TrimSpace(line) + "\n")
	}
	zp := dns.NewZoneParser(strings.NewReader(flat.String()), z.name, "")
	zp.SetDefaultTTL(3600)
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		z.putRR(rr)
	}
	if err := zp.Err(); err != nil {
		z.world.t.Fatal(err)
	}
}

func (z *signedZone) putRR(rr dns.RR) {
	name := dns.CanonicalName(rr.Header().Name)
	if z.sets[name] == nil {
		z.sets[name] = make(map[uint16][]dns.RR)
	}
	z.sets[name][rr.Header().Rrtype] = append(z.sets[name][rr.Header().Rrtype], rr)
}

func (w *world) zoneFor(name string) *signedZone {
	for {
		if z := w.zones[name]; z != nil {
			return z
		}
		name = parent(name)
	}
}

// sign returns the signatures over a set, by every key; those over DNSKEY by entry keys only.
func (z *signedZone) sign(set []dns.RR) []dns.RR {
	var sigs []dns.RR
	for _, k := range z.keys {
		if set[0].Header().Rrtype == dns.TypeDNSKEY && k.Flags&dns.SEP == 0 {
			continue
		}
		sigs = append(sigs, z.signBy(k, set, z.from, z.to))
	}
	return sigs
}

func (z *signedZone) signBy(k signKey, set []dns.RR, from, to time.Duration) *dns.RRSIG {
	z.world.t.Helper()
	sig := &dns.RRSIG{Hdr: dns.RR_Header{Ttl: set[0].Header().Ttl}, Algorithm: k.Algorithm, KeyTag: k.KeyTag(), SignerName: z.name,
		Inception: uint32(z.world.now.Add(from).Unix()), Expiration: uint32(z.world.now.Add(to).Unix())}
	if err := sig.Sign(k.Signer, set); err != nil {
		z.world.t.Fatal(err)
	}
	return sig
}

// signed returns a set with its signatures, under another owner when made from a wildcard.
func (z *signedZone) signed(set []dns.RR, owner string) []dns.RR {
	out := slices.Concat(set, z.sign(set))
	for i, rr := range out {
		out[i] = dns.Copy(rr)
		out[i].Header().Name = owner
	}
	return out
}

// names lists the owners that have a place in the chain of denial, in canonical order.
func (z *signedZone) names() []string {
	var names []string
	for n := range z.sets {
		below := slices.ContainsFunc(z.cuts, func(c string) bool { return n != c && dns.IsSubDomain(c, n) })
		if !below {
			names = append(names, n)
		}
	}
	slices.SortFunc(names, compareNames)
	return names
}

func (z *signedZone) types(name string) []uint16 {
	types := []uint16{dns.TypeRRSIG}
	if z.nsec3 == nil {
		types = append(types, dns.TypeNSEC)
	}
	for t := range z.sets[name] {
		types = append(types, t)
	}
	slices.Sort(types)
	return types
}

// nsecFor returns the NSEC that matches or covers a name.
func (z *signedZone) nsecFor(name string) []dns.RR {
	names := z.names()
	i, found := slices.BinarySearchFunc(names, name, compareNames)
	if !found {
		i--
	}
	return []dns.RR{&dns.NSEC{Hdr: dns.RR_Header{Name: names[i], Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 300},
		NextDomain: names[(i+1)%len(names)], TypeBitMap: z.types(names[i])}}
}

// nsec3For returns the NSEC3 that matches or covers a name.
func (z *signedZone) nsec3For(name string) []dns.RR {
	hash := func(n string) string { return dns.HashName(n, dns.SHA1, z.nsec3.Iterations, z.nsec3.Salt) }
	byHash := make(map[string]string)
	for _, n := range z.names() {
		unsignedCut := slices.Contains(z.cuts, n) && z.sets[n][dns.TypeDS] == nil
		if z.nsec3.Flags&1 != 0 && unsignedCut {
			continue
		}
		for ; n != z.name; n = parent(n) {
			byHash[hash(n)] = n
		}
	}
	byHash[hash(z.name)] = z.name
	var hashes []string
	for h := range byHash {
		hashes = append(hashes, h)
	}
	slices.Sort(hashes)
	i, found := slices.BinarySearch(hashes, hash(name))
	if !found {
		i = (i - 1 + len(hashes)) % len(hashes)
	}
	var types []uint16
	if owner := byHash[hashes[i]]; z.sets[owner] != nil {
		types = z.types(owner)
	}
	below := "." + z.name
	if z.name == "." {
		below = "."
	}
	return []dns.RR{&dns.NSEC3{Hdr: dns.RR_Header{Name: strings.ToLower(hashes[i]) + below, Rrtype: dns.TypeNSEC3, Class: dns.ClassINET, Ttl: 300},
		Hash: dns.SHA1, Flags: z.nsec3.Flags, Iterations: z.nsec3.Iterations, SaltLength: z.nsec3.SaltLength, Salt: z.nsec3.Salt,
		HashLength: 20, NextDomain: hashes[(i+1)%len(hashes)], TypeBitMap: types}}
}

// absence returns the records that match or cover the names, each once.
func (z *signedZone) absence(names ...string) []dns.RR {
	var out []dns.RR
	seen := make(map[string]bool)
	for _, n := range names {
		var set []dns.RR
		if z.nsec3 != nil {
			set = z.nsec3For(n)
		} else {
			set = z.nsecFor(n)
		}
		if owner := set[0].Header().Name; !seen[owner] {
			seen[owner] = true
			out = append(out, z.signed(set, owner)...)
		}
	}
	return out
}

// exists reports whether a name is there, if only as an empty non-terminal.
func (z *signedZone) exists(name string) bool {
	return slices.ContainsFunc(z.names(), func(n string) bool { return dns.IsSubDomain(name, n) })
}

// answer puts the reply for one owner into m; it returns the target of an alias.
func (z *signedZone) answer(m *dns.Msg, name string, qtype uint16) (target string) {
	if set := z.sets[name][qtype]; set != nil {
		m.Answer = append(m.Answer, z.signed(set, name)...)
		return ""
	}
	if set := z.sets[name][dns.TypeCNAME]; set != nil {
		m.Answer = append(m.Answer, z.signed(set, name)...)
		return set[0].(*dns.CNAME).Target
	}
	if !z.exists(name) {
		for above := parent(name); dns.IsSubDomain(z.name, above); above = parent(above) {
			if set := z.sets[above][dns.TypeDNAME]; set != nil {
				m.Answer = append(m.Answer, z.signed(set, above)...)
				target := strings.TrimSuffix(name, above) + set[0].(*dns.DNAME).Target
				m.Answer = append(m.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 3600}, Target: target})
				return target
			}
			if above == "." {
				break
			}
		}
		closest, longer := parent(name), name
		for !z.exists(closest) {
			closest, longer = parent(closest), closest
		}
		star := wildcard(closest)
		for _, t := range []uint16{qtype, dns.TypeCNAME} {
			if set := z.sets[star][t]; set != nil {
				m.Answer = append(m.Answer, z.signed(set, name)...)
				if z.nsec3 != nil {
					m.Ns = append(m.Ns, z.absence(longer)...)
				} else {
					m.Ns = append(m.Ns, z.absence(name)...)
				}
				if c, ok := set[0].(*dns.CNAME); ok && qtype != dns.TypeCNAME {
					return c.Target
				}
				return ""
			}
		}
		m.Ns = append(m.Ns, z.signed(z.sets[z.name][dns.TypeSOA], z.name)...)
		if !z.unsigned {
			if z.nsec3 != nil {
				m.Ns = append(m.Ns, z.absence(closest, longer, star)...)
			} else {
				m.Ns = append(m.Ns, z.absence(name, star)...)
			}
		}
		if z.sets[star] == nil {
			m.Rcode = dns.RcodeNameError
		}
		return ""
	}
	m.Ns = append(m.Ns, z.signed(z.sets[z.name][dns.TypeSOA], z.name)...)
	switch {
	case z.unsigned:
	case z.nsec3 != nil && z.nsec3.Flags&1 != 0 && qtype == dns.TypeDS && slices.Contains(z.cuts, name):
		m.Ns = append(m.Ns, z.absence(parent(name), name)...) // opt-out: closest encloser and span
	default:
		m.Ns = append(m.Ns, z.absence(name)...)
	}
	return ""
}
