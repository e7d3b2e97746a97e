package world

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Liars are the strangers' domains whose weapon is the DNS, and what a validator has to make
// of their MX records. None has a mail server of its own.
var Liars = []struct{ Domain, Does, Comes string }{
	{"trap.signed.test", "a hundred keys of one tag, each signature has to be tried with all of them (CVE-2023-50387)", "bogus limit"},
	{"swarm.signed.test", "an honest key that vouches for sixty of one tag, and a hundred signatures over the MX record", "bogus limit"},
	{"hashes.signed.test", "denials with 65,000 rounds of NSEC3 hashing (CVE-2023-50868)", "insecure nsec3-iterations"},
	{"loop.certificate.test", "aliases that go round in a circle", "indeterminate alias-fault"},
	{"0.chain.certificate.test", "aliases that never end", "indeterminate alias-fault"},
	{"horde.certificate.test", "three thousand MX records, as many as 64 kB hold", "insecure no-ds"},
	{"flood.certificate.test", "TXT answers of 64 kB", "insecure no-ds"},
	{"garbage.certificate.test", "random octets for answers", "indeterminate lookup-failed"},
	{"other.certificate.test", "answers to other questions, by the hundred", "indeterminate lookup-failed"},
	{"cut.certificate.test", "answers that are always cut off, and by TCP never come", "indeterminate lookup-failed"},
}

// Crowd is the domain of which every child is an ordinary domain with a mail server of its own
// behind DANE, once World.Crowd has opened them. Many is the one of which every child is
// another domain at one mail server.
const (
	Crowd = "crowd.signed.test"
	Many  = "many.certificate.test"
)

// Dark is the domain of which every child has ten mail servers, each in a zone of its own whose
// name servers are silent. Hail is the one of which every child is an ordinary domain, as Many
// has them, but that a hundred thousand datagrams come before the answer with its MX record.
const (
	Dark  = "dark.certificate.test"
	Hail  = "hail.certificate.test"
	zones = 10
	stray = 100_000
)

const unsigned = "certificate.test." // what is below it needs no signatures

// stranger answers for the names of strangers, with a message or with octets.
func (r *Resolver) stranger(q *dns.Msg, name string, qtype uint16, network string) (m *dns.Msg, raw [][]byte, strange bool) {
	for origin, z := range r.zones {
		if dns.IsSubDomain(origin, name) && !(name == origin && qtype == dns.TypeDS) {
			return r.signed(z, q, name, qtype), nil, true
		}
	}
	if apex, lines, known := netRecords(name, qtype); known {
		m = new(dns.Msg).SetReply(q)
		m.RecursionAvailable = true
		m.SetEdns0(1232, true)
		if m.Answer = records(q.Question[0].Name, lines...); lines == nil {
			m.Ns = records(apex, "SOA ns.test. hostmaster.test. 1 7200 3600 1209600 5")
		}
		return m, nil, true
	}
	below, ok := strings.CutSuffix(name, "."+unsigned)
	if !ok || slices.Contains([]string{"mx", "tlsa", "_dmarc", "_mta-sts", "_smtp._tls", "mta-sts"}, below) || strings.HasPrefix(below, "_25._tcp") {
		return nil, nil, false
	}
	labels := strings.Split(below, ".")
	m = new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	m.SetEdns0(1232, true)
	owner := q.Question[0].Name
	give := func(lines ...string) { m.Answer = records(owner, lines...) }
	switch kind := labels[len(labels)-1]; kind {
	case "list":
		m.Answer = listedRecords(dns.CanonicalName(owner), qtype)
	case "loop":
		give("CNAME again.loop." + unsigned)
		if labels[0] == "again" {
			give("CNAME loop." + unsigned)
		}
	case "chain":
		n, _ := strconv.Atoi(labels[max(0, len(labels)-2)])
		give(fmt.Sprintf("CNAME %d.chain.%s", n+1, unsigned))
	case "horde":
		if qtype == dns.TypeMX && below == kind {
			m.Answer = horde()
		}
	case "flood":
		switch {
		case qtype == dns.TypeTXT:
			give("TXT " + strings.Repeat(`"`+strings.Repeat("v=STSv1; ", 27)+`" `, 255))
		case qtype == dns.TypeMX:
			give("MX 10 mx." + unsigned)
		}
	case "garbage":
		noise := make([]byte, 300)
		rand.Read(noise)
		aimed := slices.Clone(noise)
		binary.BigEndian.PutUint16(aimed, q.Id)
		aimed[2], aimed[3] = 0x81, 0x80
		return nil, [][]byte{noise, {}, noise[:7], aimed}, true
	case "other":
		for i := range 200 {
			o := m.Copy()
			o.Question[0].Name = fmt.Sprintf("o%d.%s", i, unsigned)
			o.Answer = records(o.Question[0].Name, "MX 10 mx."+unsigned, "A 127.0.0.1")
			if i%2 == 0 {
				o.Question[0].Name, o.Id = owner, o.Id+uint16(i)+1
			}
			raw = append(raw, pack(o, q, network))
		}
		return nil, raw, true
	case "cut":
		if network == "tcp" {
			return nil, nil, true
		}
		m.Truncated = true
	case "dark":
		switch {
		case len(labels) > 2:
			return nil, nil, true
		case len(labels) == 2 && qtype == dns.TypeMX:
			var lines []string
			for i := range zones {
				lines = append(lines, fmt.Sprintf("MX 10 mx.z%d.%s", i, owner))
			}
			give(lines...)
		}
	case "hail":
		if qtype == dns.TypeMX && len(labels) == 2 {
			give("MX 10 mx." + unsigned)
			if network == "udp" {
				return nil, hail(m, q), true
			}
		}
	case "many":
		if qtype == dns.TypeMX && len(labels) == 2 {
			give("MX 10 mx." + unsigned)
		}
	case "mail":
		mailNames(labels, qtype, give)
		shareNames(labels, qtype, give)
	case "fresh":
		freshRecords(labels, qtype, give)
	case "sts":
		hostNames(labels, qtype, give)
	}
	if len(m.Answer) == 0 && !m.Truncated {
		m.Ns = records(unsigned, "SOA ns.test. hostmaster.test. 1 7200 3600 1209600 5")
	}
	return m, nil, true
}

// hail is an answer with what a flood brings before it: replies to other questions, with our id
// and with others, as long as they can be.
func hail(m, q *dns.Msg) [][]byte {
	long := new(dns.Msg).SetReply(q)
	long.Question[0].Name = "hailstone." + unsigned
	for i := range 60 {
		long.Answer = append(long.Answer, records(long.Question[0].Name, fmt.Sprintf("A 127.0.0.%d", i))...)
	}
	ours := pack(long, q, "udp")
	long.Id++
	other := pack(long, q, "udp")
	raw := make([][]byte, 0, stray+1)
	for len(raw) < stray {
		raw = append(raw, ours, other)
	}
	return append(raw, pack(m, q, "udp"))
}

// signed answers for a stranger's zone that the lab's own vouches for.
func (r *Resolver) signed(z *zone, q *dns.Msg, name string, qtype uint16) *dns.Msg {
	m := z.respond(q, nil)
	switch z.origin {
	case "trap.signed.test.":
		if qtype == dns.TypeDNSKEY && name == z.origin {
			keys := twins(z.origin)
			m.Answer, m.Ns = append(append([]dns.RR{dns.Copy(z.key)}, keys...), falseSignatures(keys, name, z.origin)...), nil
		}
	case "swarm.signed.test.":
		keys := twins(z.origin)[:60]
		switch {
		case qtype == dns.TypeDNSKEY && name == z.origin:
			m.Answer, m.Ns = z.sign(append([]dns.RR{dns.Copy(z.key)}, keys...)...), nil
		case qtype == dns.TypeMX && name == z.origin:
			set := records(name, "MX 10 mx."+unsigned)
			m.Answer, m.Ns = append(set, falseSignatures(keys, name, z.origin)...), nil
		}
	case "hashes.signed.test.":
		if len(m.Answer) == 0 {
			m.Ns = z.sign(z.soa())
			for _, hash := range []string{"0", "a", "k"} {
				hash = strings.Repeat(hash, 32)
				m.Ns = append(m.Ns, z.sign(records(hash+"."+z.origin, "NSEC3 1 0 65000 aabbccddeeff "+strings.Repeat("v", 32)+" A RRSIG")...)...)
			}
		}
	case listed + ".":
		return z.respond(q, listedRecords(name, qtype), listedTypes(name)...)
	case Crowd + ".":
		return z.respond(q, crowdRecords(name, qtype), crowdTypes(name)...)
	}
	return m
}

// horde is as many MX records as one message holds.
var horde = sync.OnceValue(func() []dns.RR {
	var lines []string
	for i := range 3000 {
		lines = append(lines, fmt.Sprintf("MX %d %s.horde.%s", i%100, strconv.FormatInt(int64(i), 36), unsigned))
	}
	return records("horde."+unsigned, lines...)
})

// twins are a hundred RSA keys of one tag: random octets, of which two are chosen so that
// the sum comes out right.
var twins = func() func(string) []dns.RR {
	var mu sync.Mutex
	made := make(map[string][]dns.RR)
	return func(origin string) []dns.RR {
		mu.Lock()
		defer mu.Unlock()
		for len(made[origin]) < 100 {
			octets := make([]byte, 4+256)
			rand.Read(octets)
			copy(octets, []byte{3, 1, 0, 1})
			octets[4] |= 0x80
			octets[len(octets)-1] |= 1
			key := &dns.DNSKEY{Hdr: dns.RR_Header{Name: origin, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: ttl},
				Flags: dns.ZONE, Protocol: 3, Algorithm: dns.RSASHA256}
			for range 3 { // carries may need another round
				key.PublicKey = base64.StdEncoding.EncodeToString(octets)
				at := octets[100:102]
				binary.BigEndian.PutUint16(at, binary.BigEndian.Uint16(at)+31337-key.KeyTag())
			}
			key.PublicKey = base64.StdEncoding.EncodeToString(octets)
			if key.KeyTag() == 31337 {
				made[origin] = append(made[origin], key)
			}
		}
		return slices.Clone(made[origin])
	}
}()

// falseSignatures are signatures that every one of the keys may have made, and none has.
func falseSignatures(keys []dns.RR, name, origin string) []dns.RR {
	var list []dns.RR
	for range 100 {
		octets := make([]byte, 256)
		rand.Read(octets)
		octets[0] &= 0x7f
		covered := dns.TypeMX
		if name == origin && len(keys) == 100 {
			covered = dns.TypeDNSKEY
		}
		now := uint32(time.Now().Unix())
		list = append(list, &dns.RRSIG{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: ttl},
			TypeCovered: covered, Algorithm: dns.RSASHA256, Labels: uint8(dns.CountLabel(name)), OrigTtl: ttl,
			Inception: now - 86400, Expiration: now + 86400, KeyTag: keys[0].(*dns.DNSKEY).KeyTag(), SignerName: origin,
			Signature: base64.StdEncoding.EncodeToString(octets)})
	}
	return list
}
