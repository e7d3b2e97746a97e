package hostile

import (
	"crypto"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Domain is the mail domain of Names.
const Domain = "hostile.test"

// aliases is how many steps lead from the name of a mail server to its addresses.
const aliases = 7

// largest is how many octets the records of an answer may have: one that is longer than a message
// can be would never come.
const largest = 63 << 10

// Hosts and Addresses are how many mail servers it has, and how many addresses each of them.
const (
	Hosts     = 10
	Addresses = 4
)

// Names answers for all names there are, and signs everything: every label begins a zone.
type Names struct {
	policy [2]netip.Addr // IPv4 and IPv6
	at     [Hosts][Addresses]netip.Addr
	hosts  [Hosts]string     // as the MX records have them
	alias  map[string]string // of hosts, step by step

	keys   []dns.RR // of each zone; the first one signs
	signer crypto.Signer
	mu     sync.Mutex
	kept   map[string][]dns.RR
}

// NewNames returns the name server of a domain whose mail servers have those addresses, IPv4
// and IPv6 by turns, and whose policy host has one of each.
func NewNames(at [Hosts][Addresses]netip.Addr, policy [2]netip.Addr) (*Names, error) {
	n := &Names{at: at, policy: policy, alias: make(map[string]string), kept: make(map[string][]dns.RR)}
	for range 24 {
		key := &dns.DNSKEY{Hdr: header(".", dns.TypeDNSKEY), Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ECDSAP256SHA256}
		private, err := key.Generate(256)
		if err != nil {
			return nil, err
		}
		if n.signer == nil {
			n.signer = private.(crypto.Signer)
		}
		n.keys = append(n.keys, key)
	}
	for i := range n.hosts {
		var labels []string
		for len(strings.Join(labels, ".")) < 180 {
			labels = append(labels, strings.ToLower(strings.Map(lettersOnly, Letters(8))))
		}
		n.hosts[i] = strings.Join(labels, ".") + "." + Domain + "."
		for range aliases {
			before := longName()
			n.alias[before], n.hosts[i] = n.hosts[i], before
		}
	}
	return n, nil
}

func lettersOnly(r rune) rune {
	if r == '_' || r == '-' {
		return 'x'
	}
	return r
}

func header(name string, t uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: t, Class: dns.ClassINET, Ttl: 300}
}

// Anchors is the trust anchor of its root.
func (n *Names) Anchors() []byte {
	return []byte(n.keys[0].(*dns.DNSKEY).ToDS(dns.SHA256).String() + "\n")
}

// Answer answers a question as a resolver would.
func (n *Names) Answer(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable, m.CheckingDisabled = true, q.CheckingDisabled
	m.SetEdns0(1232, true)
	name, t := dns.CanonicalName(q.Question[0].Name), q.Question[0].Qtype
	n.mu.Lock()
	defer n.mu.Unlock()
	id := fmt.Sprint(name, t)
	if set, known := n.kept[id]; known {
		m.Answer = set
		return n.denied(m, name, t)
	}
	var set []dns.RR
	room := largest
	for _, rr := range n.records(name, t) {
		h := rr.Header()
		if h.Name, h.Rrtype, h.Class, h.Ttl = name, t, dns.ClassINET, 300; n.alias[name] != "" && t != dns.TypeDS && t != dns.TypeDNSKEY {
			h.Rrtype = dns.TypeCNAME
		}
		if room -= dns.Len(rr); room < 0 {
			break
		}
		set = append(set, rr)
	}
	if set != nil {
		set = append(set, n.sign(zoneOf(name, t), set))
	}
	n.kept[id] = set
	m.Answer = set
	return n.denied(m, name, t)
}

// denied adds the proof that there is nothing, where nothing is: compact denial (RFC 9824).
func (n *Names) denied(m *dns.Msg, name string, t uint16) *dns.Msg {
	if len(m.Answer) > 0 {
		return m
	}
	zone := zoneOf(name, t)
	next := `\000.` + name
	if name == "." {
		next = `\000.`
	}
	for _, rr := range []dns.RR{
		&dns.SOA{Hdr: header(zone, dns.TypeSOA), Ns: "ns." + Domain + ".", Mbox: "x.", Serial: 1, Minttl: 300},
		&dns.NSEC{Hdr: header(name, dns.TypeNSEC), NextDomain: next, TypeBitMap: []uint16{dns.TypeRRSIG, dns.TypeNSEC}},
	} {
		m.Ns = append(m.Ns, rr, n.sign(zone, []dns.RR{rr}))
	}
	return m
}

// zoneOf is the zone whose records they are: every name is one, unless it begins with an underscore
// or a policy host.
func zoneOf(name string, t uint16) string {
	for strings.HasPrefix(name, "_") || strings.HasPrefix(name, "mta-sts.") {
		_, name, _ = strings.Cut(name, ".")
		if t == dns.TypeDS {
			return name
		}
	}
	if t == dns.TypeDS && name != "." {
		if _, name, _ = strings.Cut(name, "."); name == "" {
			return "."
		}
	}
	return name
}

func (n *Names) sign(zone string, set []dns.RR) dns.RR {
	sig := &dns.RRSIG{Inception: uint32(time.Now().Add(-24 * time.Hour).Unix()), Expiration: uint32(time.Now().Add(time.Duration(30*24+rand.IntN(999)) * time.Hour).Unix()),
		KeyTag: n.keys[0].(*dns.DNSKEY).KeyTag(), SignerName: zone, Algorithm: dns.ECDSAP256SHA256}
	if err := sig.Sign(n.signer, set); err != nil {
		panic(err) // a set of records that is none: a mistake in this package
	}
	return sig
}

func (n *Names) records(name string, t uint16) []dns.RR {
	below := strings.HasPrefix(name, "_") || strings.HasPrefix(name, "mta-sts.")
	switch {
	case t == dns.TypeDNSKEY && !below:
		var set []dns.RR
		for _, k := range n.keys {
			set = append(set, dns.Copy(k))
		}
		return set
	case t == dns.TypeDS && !below && name != ".":
		var set []dns.RR
		for _, k := range n.keys {
			key := dns.Copy(k).(*dns.DNSKEY)
			key.Hdr.Name = name
			set = append(set, key.ToDS(dns.SHA256))
		}
		return set
	case n.alias[name] != "":
		return []dns.RR{&dns.CNAME{Target: n.alias[name]}}
	case t == dns.TypeSOA && !below:
		return []dns.RR{&dns.SOA{Ns: "ns." + Domain + ".", Mbox: "x.", Serial: 1, Minttl: 300}}
	case t == dns.TypeNS && name == Domain+".":
		return []dns.RR{&dns.NS{Ns: "ns." + Domain + "."}}
	case t == dns.TypeTXT:
		return n.texts(name)
	case t == dns.TypeCAA && !strings.HasPrefix(name, "_"):
		var set []dns.RR
		for range 20 {
			set = append(set, &dns.CAA{Tag: "issue", Value: Letters(480)})
		}
		return set
	case t == dns.TypePTR:
		var set []dns.RR
		for range 5 {
			set = append(set, &dns.PTR{Ptr: longName()})
		}
		return set
	case t == dns.TypeMX && strings.HasSuffix(name, Domain+"."):
		var set []dns.RR
		for i, h := range n.hosts {
			set = append(set, &dns.MX{Preference: uint16(i), Mx: h})
		}
		for i := range 150 {
			set = append(set, &dns.MX{Preference: uint16(100 + i), Mx: longName()})
		}
		return set
	case t == dns.TypeTLSA && strings.HasPrefix(name, "_25._tcp."):
		var set []dns.RR
		for i := range 400 {
			set = append(set, &dns.TLSA{Usage: uint8(2 + i%2), Selector: 1, MatchingType: 2, Certificate: hex.EncodeToString([]byte(Letters(64)))})
		}
		return set
	case t == dns.TypeA && name == "mta-sts."+Domain+".":
		return []dns.RR{&dns.A{A: n.policy[0].AsSlice()}}
	case t == dns.TypeAAAA && name == "mta-sts."+Domain+".":
		return []dns.RR{&dns.AAAA{AAAA: n.policy[1].AsSlice()}}
	case t == dns.TypeA || t == dns.TypeAAAA:
		var set []dns.RR
		for i, h := range n.hosts {
			for n.alias[h] != "" {
				h = n.alias[h]
			}
			if h != name {
				continue
			}
			for _, a := range n.at[i] {
				switch {
				case a.Is4() && t == dns.TypeA:
					set = append(set, &dns.A{A: a.AsSlice()})
				case a.Is6() && t == dns.TypeAAAA:
					set = append(set, &dns.AAAA{AAAA: a.AsSlice()})
				}
			}
		}
		return set
	}
	return nil
}

func longName() string {
	var labels []string
	for range 3 {
		labels = append(labels, strings.ToLower(strings.Map(lettersOnly, Letters(60))))
	}
	return strings.Join(labels, ".") + "." + Domain + "."
}

// texts are the TXT records of a name, of which some are what the name is for.
func (n *Names) texts(name string) []dns.RR {
	head := map[string]string{"_mta-sts." + Domain + ".": "v=STSv1; id=1;", "_dmarc." + Domain + ".": "v=DMARC1; p=none; x=", Domain + ".": "v=spf1 x="}[name]
	var set []dns.RR
	add := func(s string) {
		var parts []string
		for len(s) > 250 {
			parts, s = append(parts, s[:250]), s[250:]
		}
		set = append(set, &dns.TXT{Txt: append(parts, s)})
	}
	switch {
	case head != "":
		add(head + Letters(1800))
	case strings.HasPrefix(name, "_smtp._tls."):
		rua := "v=TLSRPTv1; rua="
		for range 10 {
			rua += "mailto:" + strings.Map(lettersOnly, Letters(60)) + "@" + strings.TrimSuffix(longName(), ".") + ","
		}
		add(strings.TrimSuffix(rua, ","))
	}
	for range 20 {
		add(Letters(1900))
	}
	return set
}

// Policy is an MTA-STS policy that is nearly as long as is kept.
func Policy() string {
	var b strings.Builder
	b.WriteString("version: STSv1\nmode: enforce\nmax_age: 2419200\n")
	for b.Len() < 15<<10 {
		b.WriteString("mx: " + strings.TrimSuffix(longName(), ".") + "\n")
	}
	return b.String()
}
