package lab

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/lab/serve"
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
		mint:     m,
		services: make(map[netip.AddrPort]func(net.Conn)),
		names:    make(map[netip.AddrPort]serve.Answerer),
		holes:    make(map[netip.Addr]bool),
		closing:  make(chan struct{}),
		open:     make(map[io.Closer]bool),
		dialled:  make(map[string]int),
	}
	if err := l.buildTop(m); err != nil {
		return nil, err
	}
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
	l.services[l.Resolver()] = serve.Answerer(l.dns.answer).Serve
	l.services[netip.AddrPortFrom(privateAddr, o.SMTPPort)] = func(c net.Conn) { c.Close() }
	return l, nil
}

// buildTop puts the zones above the domains into the lab, and the servers that all share.
func (l *Lab) buildTop(m *mint) error {
	root := newZone(".", signing{}, m.now, topServer)
	tld := newZone("test.", signing{}, m.now, topServer)
	back := newZone(reverseZone, signing{}, m.now, topServer)
	l.dns.zones["."], l.dns.zones["test."], l.dns.zones[reverseZone] = root, tld, back
	root.delegate(tld)
	root.delegate(back)
	if err := tld.parse(fmt.Sprintf("%s A %v\n%s A %v\n", topServer, topAddr, domainServer, domainAddr), "test."); err != nil {
		return err
	}
	l.hosting = &zoneServer{nameserver: l.dns, has: make(map[string]bool)}
	l.openName(topAddr, &zoneServer{nameserver: l.dns, has: map[string]bool{".": true, "test.": true, reverseZone: true}}, false)
	l.openName(domainAddr, l.hosting, false)
	return nil
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

// openName lets a name server answer at an address, by UDP and unless it is mute by TCP.
func (l *Lab) openName(addr netip.Addr, a *zoneServer, mute bool) {
	at := netip.AddrPortFrom(addr, l.options.DNSPort)
	l.names[at] = a.answer
	if !mute {
		l.services[at] = serve.Answerer(a.answer).Serve
	}
}
