package senders

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/lab/serve"
	"mxseal/checks/sender"
)

const (
	holds   = 24 * time.Hour // a signature
	noName  = 128            // pseudo-type in NSEC records of names that do not exist (RFC 9824 §3.2)
	limited = "RFC8482"      // answer to ANY
)

// answer answers a question as it came by the wire, and writes down who asked. Names that do not exist
// are denied one by one (RFC 9824): a resolver that keeps such a denial can answer from it for no
// other name, so that every question about a trap comes here.
func (s *Senders) answer(packet []byte, from netip.Addr, udp bool) []byte {
	few := udp && !s.limits.question(from)
	return serve.Respond(packet, udp, false, func(m *dns.Msg, do bool) {
		s.fill(m, do, from)
		if few {
			m.Truncated, m.Answer, m.Ns = true, nil, nil // who is real asks again by TCP
		}
	})
}

func (s *Senders) fill(m *dns.Msg, do bool, from netip.Addr) {
	q := m.Question[0]
	name := strings.TrimSuffix(dns.CanonicalName(q.Name), ".")
	if name != s.Zone && !strings.HasSuffix(name, "."+s.Zone) {
		m.Rcode = dns.RcodeRefused
		return
	}
	m.Authoritative = true
	z := s.look(name)
	if about := z.about(q.Qtype); about != "" {
		s.asked(z.place, about, from)
	}
	child := s.origin()
	if cut := unsigned + "." + s.origin(); z.unsigned && !(name+"." == cut && q.Qtype == dns.TypeDS) {
		child, do = cut, false
	}
	set := z.sets[q.Qtype]
	if q.Qtype == dns.TypeANY {
		set = []dns.RR{&dns.HINFO{Hdr: header(name, dns.TypeHINFO), Cpu: limited}}
	}
	if set != nil {
		m.Answer = s.signed(set, do, z.forged)
		return
	}
	m.Ns = s.signed([]dns.RR{s.soa(child)}, do, false)
	if do {
		m.Ns = append(m.Ns, s.signed([]dns.RR{z.denial(name)}, do, false)...)
	}
}

// node is what the zone has at a name.
type node struct {
	place    place
	sets     map[uint16][]dns.RR
	exists   bool // it, or something below it
	unsigned bool // it lies in the part without signatures
	forged   bool // its signatures do not verify
}

// denial says which types a name has. For one that does not exist that is the mark of RFC 9824.
func (n node) denial(name string) dns.RR {
	types := []uint16{dns.TypeRRSIG, dns.TypeNSEC}
	for rtype := range n.sets {
		if !n.unsigned || rtype == dns.TypeNS { // seen from above, a cut has nothing else (RFC 4035 §2.3)
			types = append(types, rtype)
		}
	}
	if !n.exists {
		types = append(types, noName)
	}
	slices.Sort(types)
	return &dns.NSEC{Hdr: header(name, dns.TypeNSEC), NextDomain: "\\000." + name + ".", TypeBitMap: types}
}

// about says what a question tells about a sender; nothing for those that a resolver asks on its way.
func (n node) about(rtype uint16) sender.Subject {
	if n.place.test == "" {
		return ""
	}
	return subjects[asking{n.place.host, n.place.prefix, rtype}]
}

// asking is what a question is for: a name of a mail server or of a mail domain, the labels before it, a type.
type asking struct {
	host   bool
	prefix string
	rtype  uint16
}

var subjects = map[asking]sender.Subject{
	{true, "_25._tcp", dns.TypeTLSA}:   sender.AboutTLSA,
	{true, "", dns.TypeA}:              sender.AboutAddress,
	{true, "", dns.TypeAAAA}:           sender.AboutAddress,
	{false, "", dns.TypeMX}:            sender.AboutMX,
	{false, "_mta-sts", dns.TypeTXT}:   sender.AboutRecord,
	{false, "mta-sts", dns.TypeA}:      sender.AboutHost,
	{false, "mta-sts", dns.TypeAAAA}:   sender.AboutHost,
	{false, "_smtp._tls", dns.TypeTXT}: sender.AboutReports,
}

// look finds what the zone has at a name.
func (s *Senders) look(name string) node {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := node{sets: make(map[uint16][]dns.RR)}
	add := func(rr dns.RR) {
		n.exists = true
		n.sets[rr.Header().Rrtype] = append(n.sets[rr.Header().Rrtype], rr)
	}
	n.unsigned = name == unsigned+"."+s.Zone || strings.HasSuffix(name, "."+unsigned+"."+s.Zone)
	switch name {
	case s.Zone:
		add(s.signer.DNSKEY)
		fallthrough
	case unsigned + "." + s.Zone:
		add(s.soa(name + "."))
		add(&dns.NS{Hdr: header(name, dns.TypeNS), Ns: "ns." + s.origin()})
		return n
	case "ns." + s.Zone:
		s.addAddresses(name, s.addresses(dnsRole), add)
		return n
	}
	if values := s.Certificates.Challenge(name); len(values) > 0 {
		for _, value := range values {
			add(&dns.TXT{Hdr: header(name, dns.TypeTXT), Txt: []string{value}})
		}
		return n
	}
	p, ok := s.find(name)
	if !ok {
		return n
	}
	n.place, n.exists = p, true
	if s.asksForReports(p) {
		add(s.rptRecord(p, name))
	}
	if s.running(p.test) == nil {
		if !p.host && p.prefix == "" {
			add(&dns.MX{Hdr: header(name, dns.TypeMX), Mx: "."})
		}
		return n
	}
	n.forged = p.trap == sender.Bogus && !p.host
	s.open(p, name, add)
	return n
}

// open adds what a trap has at a name while it is open.
func (s *Senders) open(p place, name string, add func(dns.RR)) {
	d := sender.DesignOf(p.trap)
	slot := s.tests[p.test].slot
	switch {
	case p.host && p.prefix == "":
		addresses := s.addresses(d.Manner)
		if s.housed() {
			addresses = append(slices.DeleteFunc(addresses, netip.Addr.Is6), s.ownAddress(p.trap, p.test))
		}
		s.addAddresses(name, addresses, add)
	case p.host && p.prefix == "_25._tcp" && d.Promise&sender.ByDANE != 0:
		for _, rr := range s.tlsa(p.trap, name) {
			add(rr)
		}
	case p.host:
	case p.prefix == "":
		add(&dns.MX{Hdr: header(name, dns.TypeMX), Preference: 10, Mx: s.server(p.trap, p.test, slot) + "."})
	case p.prefix == "_mta-sts" && d.Promise&sender.ByPolicy != 0:
		add(&dns.TXT{Hdr: header(name, dns.TypeTXT), Txt: []string{"v=STSv1; id=" + p.test + ";"}})
	case p.prefix == "mta-sts" && d.Promise&sender.ByPolicy != 0:
		s.addAddresses(name, s.addresses(policyRole), add)
	}
}

func (s *Senders) addAddresses(name string, addresses []netip.Addr, add func(dns.RR)) {
	for _, a := range addresses {
		if a.Is4() {
			add(&dns.A{Hdr: header(name, dns.TypeA), A: net.IP(a.AsSlice())})
		} else {
			add(&dns.AAAA{Hdr: header(name, dns.TypeAAAA), AAAA: net.IP(a.AsSlice())})
		}
	}
}

// tlsa are the records of a trap. Those that fit name the key of the certificate in use, or of its issuer.
func (s *Senders) tlsa(t sender.Trap, name string) (set []dns.RR) {
	add := func(usage, matching uint8, digest string) {
		rr := &dns.TLSA{Hdr: header(name, dns.TypeTLSA), Usage: usage, Selector: 1, MatchingType: matching, Certificate: digest}
		if !slices.ContainsFunc(set, func(other dns.RR) bool { return dns.IsDuplicate(rr, other) }) {
			set = append(set, rr)
		}
	}
	const sha256Digest, unknown = 1, 200 // of the latter nobody knows what it means
	switch t {
	case sender.DANE, sender.STSBadDANE:
		for _, c := range s.Certificates.Named() {
			add(3, sha256Digest, digestOfKey(c.Certificate[0]))
		}
	case sender.DANEIssuer:
		for _, c := range s.Certificates.Named() {
			if len(c.Certificate) > 1 {
				add(2, sha256Digest, digestOfKey(c.Certificate[1]))
			}
		}
	default:
		sum := sha256.Sum256([]byte("a key that nobody has: " + name))
		matching := uint8(sha256Digest)
		if t == sender.DANEUnusable {
			matching = unknown
		}
		add(3, matching, hex.EncodeToString(sum[:]))
	}
	return set
}

func digestOfKey(der []byte) string {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

func (s *Senders) soa(name string) dns.RR {
	return &dns.SOA{Hdr: header(strings.TrimSuffix(name, "."), dns.TypeSOA), Ns: "ns." + s.origin(), Mbox: "hostmaster." + s.origin(),
		Serial: uint32(s.now().Unix()), Refresh: 3600, Retry: 600, Expire: 86400, Minttl: ttl}
}

// signed returns a set with its signature, where that is asked for. A forged one has a flaw.
func (s *Senders) signed(set []dns.RR, do, forged bool) []dns.RR {
	if !do {
		return set
	}
	now := s.now()
	sig, err := s.signer.Sign(set, now.Add(-holds), now.Add(holds))
	if err != nil {
		s.Log.Error("a record of the test of senders could not be signed", "error", err)
		return set
	}
	if forged {
		sig.Signature = flaw(sig.Signature)
	}
	return append(slices.Clone(set), sig)
}

// flaw changes one character of a signature in base64.
func flaw(text string) string {
	b := []byte(text)
	if b[10] == 'A' {
		b[10] = 'B'
	} else {
		b[10] = 'A'
	}
	return string(b)
}

// DS is the record that the zone above needs.
func (s *Senders) DS() string { return s.signer.DNSKEY.ToDS(dns.SHA256).String() }
