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
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/lab/serve"
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
	mint     *mint                             // of the public authority, for zones that are served elsewhere
	services map[netip.AddrPort]func(net.Conn) // by TCP
	names    map[netip.AddrPort]serve.Answerer // DNS, by UDP
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

// Resolver returns the address of the recursive resolver.
func (l *Lab) Resolver() netip.AddrPort { return netip.AddrPortFrom(resolverAddr, l.options.DNSPort) }

// Anchors returns the trust anchor, a DS record of the root in zone-file form.
func (l *Lab) Anchors() []byte {
	return []byte(l.dns.zones["."].signer.DNSKEY.ToDS(dns.SHA256).String() + "\n")
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
