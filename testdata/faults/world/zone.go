package world

import (
	"crypto"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// zone signs what it answers on the spot, with one key for everything.
type zone struct {
	origin string
	key    *dns.DNSKEY
	signer crypto.Signer

	mu    sync.Mutex
	shift time.Duration // of the validity of its signatures, as a clock sees them that is off by as much
	kept  map[string]dns.RR
}

const (
	ttl      = 5 // seconds; short, as the suites change things under way
	validity = 30 * 24 * time.Hour
)

func newZone(origin string) *zone {
	key := &dns.DNSKEY{Hdr: dns.RR_Header{Name: origin, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: ttl},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ECDSAP256SHA256}
	private, err := key.Generate(256)
	if err != nil {
		panic(err) // no random octets: nothing works any more
	}
	return &zone{origin: origin, key: key, signer: private.(crypto.Signer), kept: make(map[string]dns.RR)}
}

// ds is the record that the parent has to publish, in zone-file form.
func (z *zone) ds() string { return z.key.ToDS(dns.SHA256).String() + "\n" }

// sign returns the records, which are one set, with their signature.
func (z *zone) sign(rrs ...dns.RR) []dns.RR {
	if len(rrs) == 0 {
		return nil
	}
	var text strings.Builder
	for _, rr := range rrs {
		rr.Header().Ttl = ttl
		text.WriteString(rr.String())
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	sig := z.kept[text.String()]
	if sig == nil {
		made := &dns.RRSIG{Inception: uint32(time.Now().Add(z.shift - validity).Unix()), Expiration: uint32(time.Now().Add(z.shift + validity).Unix()),
			KeyTag: z.key.KeyTag(), SignerName: z.origin, Algorithm: z.key.Algorithm}
		if err := made.Sign(z.signer, rrs); err != nil {
			panic(err) // a set of records that is none: a mistake in this package
		}
		sig = made
		if len(z.kept) < 100_000 {
			z.kept[text.String()] = sig
		}
	}
	return append(rrs[:len(rrs):len(rrs)], sig)
}

// displace makes the zone sign as if its clock were off.
func (z *zone) displace(by time.Duration) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.shift = by
	clear(z.kept)
}

// respond answers a question with records, or with the proof that there are none: compact
// denial of existence (RFC 9824), which makes up a name's NSEC where it is asked for.
func (z *zone) respond(q *dns.Msg, rrs []dns.RR, types ...uint16) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable, m.CheckingDisabled = true, q.CheckingDisabled
	m.SetEdns0(1232, true)
	name := dns.CanonicalName(q.Question[0].Name)
	switch q.Question[0].Qtype {
	case dns.TypeDNSKEY:
		if name == z.origin {
			rrs = []dns.RR{dns.Copy(z.key)}
		}
	case dns.TypeSOA:
		if name == z.origin {
			rrs = []dns.RR{z.soa()}
		}
	case dns.TypeNS:
		if name == z.origin {
			rrs = records(name, "NS ns.test.")
		}
	}
	if len(rrs) > 0 {
		m.Answer = z.sign(rrs...)
		return m
	}
	types = append(types, dns.TypeRRSIG, dns.TypeNSEC, 128) // 128 is NXNAME, the least of a bitmap
	if len(types) > 3 || name == z.origin {
		types = types[:len(types)-1]
	}
	next := `\000.` + name
	nsec := &dns.NSEC{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeNSEC, Class: dns.ClassINET}, NextDomain: next, TypeBitMap: types}
	m.Ns = append(z.sign(z.soa()), z.sign(nsec)...)
	return m
}

func (z *zone) soa() dns.RR {
	return &dns.SOA{Hdr: dns.RR_Header{Name: z.origin, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
		Ns: "ns.test.", Mbox: "hostmaster.test.", Serial: 1, Refresh: 7200, Retry: 3600, Expire: 1209600, Minttl: ttl}
}

// records reads records of one owner, each without owner, TTL and class.
func records(owner string, lines ...string) []dns.RR {
	var list []dns.RR
	for _, line := range lines {
		rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s", owner, ttl, line))
		if err != nil {
			panic(err) // a mistake in this package
		}
		list = append(list, rr)
	}
	return list
}
