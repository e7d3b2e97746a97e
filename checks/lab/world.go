package lab

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// world is one domain of the lab with its servers.
type world struct {
	name    string
	net     byte          // its servers have addresses 127.77.net.1 and so on
	letter  report.Letter // empty for scenery: zones that others need and nobody looks at
	shows   string
	rules   string // ids, separated by blanks
	zone    signing
	inTLD   bool       // its records stand in the zone test. itself
	dead    bool       // no name server answers for it
	broken  string     // a name in it whose look-up fails, for one type alone where that stands behind it
	servers []delegate // its name servers, where it has some of its own; only the resolver meets dead and broken then
	records string     // in zone-file form; {host} stands for an address, {host/2} for its second, {host 3 1 1} for TLSA data
	hosts   []host
	policy  *policy
}

// host is one mail server of a world. Two of one name are one server with two addresses;
// as keys follow from names, their certificates are the same unless serves says other.
type host struct {
	name   string     // in the zone; @ for the domain itself
	ip     string     // the next address of the world if empty
	serves []identity // its certificates, the preferred one first; a good one if nil
	hole   bool       // packets to it vanish
	mail
}

func (w *world) origin() string { return w.name + "." }

// full returns a name in w without the trailing dot.
func (w *world) full(name string) string {
	if name == "@" {
		return w.name
	}
	return name + "." + w.name
}

// addr returns the address of the nth server, or the one it asks for.
func (w *world) addr(n int, ip string) netip.Addr {
	if ip != "" {
		return netip.MustParseAddr(ip)
	}
	return netip.AddrFrom4([4]byte{127, 77, w.net, byte(n + 1)})
}

// build puts the servers of w and its zone into the lab.
func (l *Lab) build(w *world, m *mint) error {
	served := make(map[string][]tls.Certificate)
	addrs := make(map[string]netip.Addr)
	for i, h := range w.hosts {
		name := w.full(h.name)
		certs, err := m.issueAll(name, h.serves)
		if err != nil {
			return err
		}
		addr, key := w.addr(i, h.ip), h.name
		if addrs[key].IsValid() {
			key += "/2"
		}
		served[key], addrs[key] = certs, addr
		if err := l.reverse(addr, name); err != nil {
			return err
		}
		if h.hole {
			l.holes[addr] = true
			continue
		}
		s := &mailServer{mail: h.mail, name: name, closing: l.closing, config: modern(certs)}
		if h.tls != nil {
			h.tls(s.config)
		}
		l.services[netip.AddrPortFrom(addr, l.options.SMTPPort)] = s.serve
	}
	if w.policy != nil {
		p := *w.policy
		if p.host == "" {
			p.host = "mta-sts"
		}
		certs, err := m.issueAll(w.full(p.host), []identity{p.identity})
		if err != nil {
			return err
		}
		addrs[p.host] = w.addr(200, "")
		s := &policyServer{policy: p, config: modern(certs)}
		l.services[netip.AddrPortFrom(addrs[p.host], l.options.STSPort)] = s.serve
	}
	records, err := w.fill(addrs, served)
	if err != nil {
		return err
	}
	return l.addZone(w, records, m)
}

func (m *mint) issueAll(name string, ids []identity) ([]tls.Certificate, error) {
	if ids == nil {
		ids = []identity{{}}
	}
	var certs []tls.Certificate
	for _, id := range ids {
		cert, err := m.issue(name, id)
		if err != nil {
			return nil, err
		}
		certs = append(certs, cert)
	}
	return certs, nil
}

// modern is a configuration without fault: TLS 1.2 and 1.3, forward secrecy, AEAD.
func modern(certs []tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: certs,
		MinVersion:   tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		},
	}
}

// addZone puts the records of w where they belong and delegates to its zone, if it has one.
func (l *Lab) addZone(w *world, records string, m *mint) error {
	if w.dead {
		l.dns.dead[w.origin()] = 0
	}
	if name, only, _ := strings.Cut(w.broken, " "); name != "" {
		l.dns.dead[name+"."+w.origin()] = dns.StringToType[only]
	}
	if w.inTLD {
		return l.dns.zones["test."].parse(records, w.origin())
	}
	var servers []string
	for i, s := range w.servers {
		addr := w.addr(240+i, "")
		servers = append(servers, w.full(s.name)+".")
		records += fmt.Sprintf("%s A %v\n", s.name, addr)
		l.openName(addr, &zoneServer{nameserver: l.dns, has: map[string]bool{w.origin(): !s.lame}, whole: true}, s.mute)
	}
	l.hosting.has[w.origin()] = servers == nil
	z := newZone(w.origin(), w.zone, m.now, servers...)
	l.dns.zones[w.origin()] = z
	l.dns.zones["test."].delegate(z)
	return z.parse(records, w.origin())
}

// reverse adds the PTR record of a server.
func (l *Lab) reverse(addr netip.Addr, name string) error {
	owner, err := dns.ReverseAddr(addr.String())
	if err != nil || !dns.IsSubDomain(reverseZone, owner) {
		return err
	}
	z := l.dns.zones[reverseZone]
	z.add(&dns.PTR{Hdr: z.header(owner, dns.TypePTR), Ptr: name + "."})
	return nil
}

var placeholder = regexp.MustCompile(`\{(\S+?)(?: ([0-9]+) ([0-9]+) ([0-9]+))?\}`)

// fill puts addresses and TLSA data into the records. {next …} stands for a key that is
// not yet in use.
func (w *world) fill(addrs map[string]netip.Addr, served map[string][]tls.Certificate) (string, error) {
	var failed error
	text := placeholder.ReplaceAllStringFunc(w.records, func(s string) string {
		part := placeholder.FindStringSubmatch(s)
		name, params := part[1], part[2:]
		if params[0] == "" {
			if addr, ok := addrs[name]; ok {
				return addr.String()
			}
			failed = fmt.Errorf("lab: %s has no server %s", w.name, name)
			return s
		}
		spki, whole := nextKey(w.name), []byte(nil)
		if name != "next" {
			if served[name] == nil {
				failed = fmt.Errorf("lab: %s has no server %s", w.name, name)
				return s
			}
			chain := served[name][0].Certificate
			der := chain[0]
			if params[0] == "0" || params[0] == "2" {
				der = chain[len(chain)-1]
			}
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				failed = err
				return s
			}
			spki, whole = cert.RawSubjectPublicKeyInfo, cert.Raw
		}
		return strings.Join(params, " ") + " " + association(spki, whole, params[1], params[2])
	})
	return text, failed
}

func nextKey(name string) []byte {
	spki, _ := x509.MarshalPKIXPublicKey(ecdsaKey("next " + name).Public()) // cannot fail: the key is on P-256
	return spki
}

// association is the data of a TLSA record (RFC 6698 §2.1): selector 0 takes the whole
// certificate, matching type 1 SHA-256, 2 SHA-512, any other the octets themselves.
func association(spki, whole []byte, selector, matching string) string {
	data := spki
	if selector == "0" {
		data = whole
	}
	switch matching {
	case "1":
		digest := sha256.Sum256(data)
		data = digest[:]
	case "2":
		digest := sha512.Sum512(data)
		data = digest[:]
	}
	return hex.EncodeToString(data)
}

// many returns n hosts mx1, mx2 …, which share a wildcard certificate, and their records.
func many(n int, domain string) (hosts []host, records string) {
	for i := range n {
		name := "mx" + strconv.Itoa(i+1)
		hosts = append(hosts, host{name: name, serves: []identity{{names: []string{"*." + domain}}}})
		records += fmt.Sprintf("@ MX %d %s\n%s A {%s}\n", 10*(i+1), name, name, name)
	}
	return hosts, records
}

// enforce returns the lines of a policy in mode enforce for four weeks.
func enforce(mx ...string) []string { return policyLines("enforce", 2419200, mx...) }

func policyLines(mode string, maxAge int, mx ...string) []string {
	lines := []string{"version: STSv1", "mode: " + mode}
	for _, name := range mx {
		lines = append(lines, "mx: "+name)
	}
	return slices.Concat(lines, []string{"max_age: " + strconv.Itoa(maxAge)})
}
