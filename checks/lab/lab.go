// Package lab is an internet in a box: a signed root, the zone test. and some sixty mail
// domains below it, each named after what it shows, with their mail servers, policy hosts
// and certificates.
//
// There are two ways in. [Lab.Dial] is a network in memory, made for tests inside a
// testing/synctest bubble, where half a minute of silence costs nothing. [Lab.Listen] puts
// the same servers on loopback sockets for other people's tools. Either way the octets are
// real: DNS messages with signatures that verify, SMTP, TLS, certificates of a private CA.
// The address plan is the same both ways: every server has an address of its own in
// 127.77.0.0/16, one has ::1, and one domain points at 127.0.0.1, where nobody may knock.
// Beside the resolver there are the name servers of the zones, for those who look for the one at
// fault; they are asked at port 53, so on loopback sockets they can be found at that port only.
//
// All keys follow from names and are no secrets. Signatures last 45 days from New and
// certificates 60, so a lab that is to live longer has to be made anew once a month.
package lab

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// Options say how far away the lab is and on which ports it listens.
type Options struct {
	Delay    time.Duration // added to every DNS, TCP and TLS round trip
	SMTPPort uint16        // 25 if zero
	STSPort  uint16        // 443 if zero
	DNSPort  uint16        // 53 if zero

	Fixes map[string][]Fix // what is changed in which domain, one after another
}

// Domain is one mail domain of the lab.
type Domain struct {
	Name   string
	Shows  string        // in a sentence
	Letter report.Letter // the grade that it is to have
	Rules  []string      // ids of rules that it is there to show
}

// Lab is a small internet. It is safe for concurrent use.
type Lab struct {
	options  Options
	dns      *nameserver
	ca       []byte
	services map[netip.AddrPort]func(net.Conn) // by TCP
	names    map[netip.AddrPort]answerer       // DNS, by UDP
	hosting  *zoneServer                       // for the domains without name servers of their own
	holes    map[netip.Addr]bool
	closing  chan struct{}

	mu        sync.Mutex
	closed    bool
	running   sync.WaitGroup
	open      map[io.Closer]bool // connections, listeners and packet sockets
	dialled   map[string]int
	lastPort  int
	listening bool
}

const reverseZone = "77.127.in-addr.arpa."

var (
	resolverAddr = netip.MustParseAddr("127.77.0.53")
	privateAddr  = netip.MustParseAddr("127.0.0.1")
)

// New makes a lab as of now. An error means a mistake in the table of its domains.
func New(o Options) (*Lab, error) {
	if o.SMTPPort == 0 {
		o.SMTPPort = 25
	}
	if o.STSPort == 0 {
		o.STSPort = 443
	}
	if o.DNSPort == 0 {
		o.DNSPort = 53
	}
	m, err := newMint(time.Now())
	if err != nil {
		return nil, fmt.Errorf("lab: certificates: %w", err)
	}
	l := &Lab{
		options:  o,
		dns:      &nameserver{zones: make(map[string]*zone), dead: make(map[string]uint16)},
		ca:       m.ca(),
		services: make(map[netip.AddrPort]func(net.Conn)),
		names:    make(map[netip.AddrPort]answerer),
		holes:    make(map[netip.Addr]bool),
		closing:  make(chan struct{}),
		open:     make(map[io.Closer]bool),
		dialled:  make(map[string]int),
	}
	root := newZone(".", signing{}, m.now, topServer)
	tld := newZone("test.", signing{}, m.now, topServer)
	back := newZone(reverseZone, signing{}, m.now, topServer)
	l.dns.zones["."], l.dns.zones["test."], l.dns.zones[reverseZone] = root, tld, back
	root.delegate(tld)
	root.delegate(back)
	if err := tld.parse(fmt.Sprintf("%s A %v\n%s A %v\n", topServer, topAddr, domainServer, domainAddr), "test."); err != nil {
		return nil, err
	}
	l.hosting = &zoneServer{nameserver: l.dns, has: make(map[string]bool)}
	l.openName(topAddr, &zoneServer{nameserver: l.dns, has: map[string]bool{".": true, "test.": true, reverseZone: true}}, false)
	l.openName(domainAddr, l.hosting, false)
	for i := range worlds {
		w := &worlds[i]
		fixes := o.Fixes[w.name]
		if fixes != nil {
			w = w.fixed(fixes)
		}
		if err := l.build(w, m); err != nil {
			return nil, err
		}
		if z := l.dns.zones[w.origin()]; z != nil {
			for _, fix := range fixes {
				if err := z.edit(fix); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, z := range l.dns.zones {
		if err := z.seal(); err != nil {
			return nil, err
		}
	}
	l.names[l.Resolver()] = l.dns.answer
	l.services[l.Resolver()] = answerer(l.dns.answer).serve
	l.services[netip.AddrPortFrom(privateAddr, o.SMTPPort)] = func(c net.Conn) { c.Close() }
	return l, nil
}

// Domains returns the domains in reading order: the best first, the strange ones last.
func (l *Lab) Domains() []Domain {
	var list []Domain
	for _, w := range worlds {
		if w.letter != "" {
			list = append(list, Domain{w.name, w.shows, w.letter, strings.Fields(w.rules)})
		}
	}
	return list
}

// Resolver returns the address of the recursive resolver.
func (l *Lab) Resolver() netip.AddrPort { return netip.AddrPortFrom(resolverAddr, l.options.DNSPort) }

// Anchors returns the trust anchor, a DS record of the root in zone-file form.
func (l *Lab) Anchors() []byte {
	return []byte(l.dns.zones["."].dnskey.ToDS(dns.SHA256).String() + "\n")
}

// CA returns the root certificate of the public CA in PEM form.
func (l *Lab) CA() []byte { return l.ca }

// Networks returns the networks of the lab, special-purpose ones that a checker has to be
// allowed to contact.
func (l *Lab) Networks() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.77.0.0/16"), netip.MustParsePrefix("::1/128")}
}

// SMTPPort returns the port of the mail servers.
func (l *Lab) SMTPPort() uint16 { return l.options.SMTPPort }

// STSPort returns the port of the policy hosts.
func (l *Lab) STSPort() uint16 { return l.options.STSPort }
