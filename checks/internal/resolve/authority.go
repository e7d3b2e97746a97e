package resolve

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

const (
	authorityTime  = 12 * time.Second // for all that is asked of the servers of one name
	maxServers     = 6                // names of name servers looked at
	maxGuides      = 3                // of those that are only asked for the way
	maxDelegations = 6                // followed from server to server
)

// delegation is a zone with the servers that the zone above names for it.
type delegation struct {
	zone    string
	servers []server
}

// server is a name server at one of its addresses; addr is invalid where it has none.
type server struct {
	name string
	addr netip.Addr
}

func (s server) String() string {
	if !s.addr.IsValid() {
		return plain(s.name)
	}
	return fmt.Sprintf("%s (%v)", plain(s.name), s.addr)
}

// inquiry is one search for the name server that is to blame for a failed answer.
type inquiry struct {
	*Resolver
	question
	asked atomic.Int32 // questions put to name servers
}

// Authority asks the name servers of the zone that a name lies in, each by itself, to find
// those that are to blame when the answer to a question fails: silent, lame, out of date,
// unsigned. Who they are is learnt from the servers above, as by a resolver that begins
// with nothing, since the zone's own word for it is what cannot be had. It returns nil
// where our own resolver is what fails.
func (r *Resolver) Authority(ctx context.Context, name string, qtype uint16) *report.Authority {
	owner, err := normal(name)
	if err != nil || r.enclosing(ctx, ".").fault != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, authorityTime)
	defer cancel()
	i := &inquiry{Resolver: r, question: question{owner, qtype}}
	at := i.top(ctx)
	if len(at.servers) == 0 {
		return i.failed("no-address", "No address of a name server above %s could be found, so none was asked directly.", plain(owner))
	}
	if !slices.ContainsFunc(at.servers, func(s server) bool { return r.cfg.Dialer.Vet(s.addr) == nil }) {
		return i.failed("forbidden", "The name servers of %s have special-purpose addresses only, which are never contacted, so none was asked directly.", zoneText(at.zone))
	}
	for level := range maxDelegations {
		next, heard := i.refer(ctx, at)
		switch {
		case level > 0:
		case heard == nothing:
			return i.failed("blocked", "The name servers of %s do not answer questions from here: port 53 seems to be closed to the outside, so it could not be found out which name server is at fault.", zoneText(at.zone))
		case heard == other:
			return i.failed("intercepted", "What answers for the name servers of %s here is not they: port 53 seems to be intercepted, so it could not be found out which name server is at fault.", zoneText(at.zone))
		}
		if next == nil {
			break
		}
		at = *next
	}
	servers := i.examine(ctx, at)
	return &report.Authority{Zone: plain(at.zone), Servers: servers, Questions: int(i.asked.Load())}
}

func (i *inquiry) failed(kind, format string, args ...any) *report.Authority {
	return &report.Authority{Questions: int(i.asked.Load()),
		Failure: &report.Failure{Phase: "dns", Kind: kind, Text: report.Clean(fmt.Sprintf(format, args...), 500)}}
}

func zoneText(zone string) string {
	if zone == "." {
		return "the root"
	}
	return plain(zone)
}

// top returns where the way down begins: the top-level domain, or the root where the
// upstream knows no servers of that, or the name is no longer itself.
func (i *inquiry) top(ctx context.Context) delegation {
	for n := suffix(i.name, 1); ; n = "." {
		if n != i.name || n == "." {
			var names []string
			for _, rr := range i.Lookup(ctx, n, dns.TypeNS).Records {
				if ns, ok := rr.(*dns.NS); ok {
					names = append(names, dns.CanonicalName(ns.Ns))
				}
			}
			slices.Sort(names)
			d := delegation{n, i.find(ctx, names[:min(len(names), maxGuides)], nil)}
			d.servers = slices.DeleteFunc(d.servers, func(s server) bool { return !s.addr.IsValid() })
			if len(d.servers) > 0 || n == "." {
				return d
			}
		}
	}
}

// find returns name servers with their addresses, one of each family: those that came with
// the delegation, otherwise those that the upstream knows.
func (i *inquiry) find(ctx context.Context, names []string, glue map[string][]netip.Addr) []server {
	found := make([][]netip.Addr, len(names))
	var all sync.WaitGroup
	for k, name := range names {
		if found[k] = glue[name]; found[k] != nil {
			continue
		}
		all.Go(func() {
			for _, t := range []uint16{dns.TypeA, dns.TypeAAAA} {
				found[k] = append(found[k], addressesOf(i.Lookup(ctx, name, t).Records)...)
			}
		})
	}
	all.Wait()
	var out []server
	for k, name := range names {
		seen := make(map[bool]bool)
		for _, a := range found[k] {
			if !seen[a.Is4()] {
				seen[a.Is4()] = true
				out = append(out, server{name, a})
			}
		}
		if len(seen) == 0 {
			out = append(out, server{name: name})
		}
	}
	return out
}

// What comes of asking servers for the way.
const (
	nothing = iota
	other   // an answer, but none that a server of the zone would give
	useful
)

// refer asks some servers of a zone for the name, side by side. next is the zone to which
// they lead on, nil where they answer for the name themselves.
func (i *inquiry) refer(ctx context.Context, at delegation) (next *delegation, heard int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ask := at.servers[:min(len(at.servers), 2*maxGuides)]
	replies := make(chan *dns.Msg, len(ask))
	for _, s := range ask {
		go func() {
			m, err := i.put(ctx, "udp", s.addr, question{i.name, dns.TypeSOA})
			if err != nil {
				m = nil
			}
			replies <- m
		}()
	}
	for range ask {
		m := <-replies
		if m == nil {
			continue
		}
		if names, zone := referral(m, at.zone, i.name); len(names) > 0 {
			return &delegation{zone, i.find(ctx, names, glueOf(m))}, useful
		}
		if m.Authoritative {
			return nil, useful
		}
		heard = other
	}
	return nil, heard
}

// referral reads the name servers out of a reply that leads from one zone to one further
// down on the way to name; nothing where it does not.
func referral(m *dns.Msg, from, name string) (names []string, zone string) {
	if m.Authoritative || len(m.Answer) > 0 {
		return nil, ""
	}
	for _, rr := range m.Ns {
		ns, ok := rr.(*dns.NS)
		if !ok {
			continue
		}
		owner := dns.CanonicalName(ns.Hdr.Name)
		if owner == from || !dns.IsSubDomain(from, owner) || !dns.IsSubDomain(owner, name) || zone != "" && owner != zone {
			continue
		}
		zone = owner
		if target := dns.CanonicalName(ns.Ns); len(names) < maxServers && !slices.Contains(names, target) {
			names = append(names, target)
		}
	}
	slices.Sort(names)
	return names, zone
}

// glueOf returns the addresses that came with a referral, by name.
func glueOf(m *dns.Msg) map[string][]netip.Addr {
	glue := make(map[string][]netip.Addr)
	for _, rr := range m.Extra {
		name := dns.CanonicalName(rr.Header().Name)
		glue[name] = append(glue[name], addressesOf([]dns.RR{rr})...)
	}
	return glue
}

// put asks one name server, without recursion.
func (i *inquiry) put(ctx context.Context, network string, to netip.Addr, q question) (*dns.Msg, error) {
	m := q.message(true)
	m.RecursionDesired = false
	msg, _, err := exchange(ctx, network, m, func(ctx context.Context) (net.Conn, error) {
		c, err := i.cfg.Dialer.Authority(ctx, network, to)
		if err == nil {
			i.asked.Add(1)
		}
		return c, err
	})
	return msg, err
}
