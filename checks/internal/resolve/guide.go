package resolve

import (
	"context"
	"net/netip"
	"slices"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

const (
	maxServers     = 6 // names of name servers looked at
	maxGuides      = 3 // of those that are only asked for the way
	maxDelegations = 6 // followed from server to server
)

// lead finds the name servers that have to answer the question: those of the zone that the
// name lies in, or for its DS those of the zone above.
func (i *inquiry) lead(ctx context.Context) (*delegation, *report.Failure) {
	name := i.name
	if i.qtype == dns.TypeDS {
		name = parent(name)
	}
	at := i.known(name)
	if at == nil {
		top := i.top(ctx, i.name)
		at = &top
	}
	if len(at.servers) == 0 {
		return nil, failed(report.KindNoAddress, report.SaysNoServerAddress, "name", plain(i.name))
	}
	if at.above == nil && !slices.ContainsFunc(at.servers, func(s server) bool { return i.cfg.Dialer.Vet(s.addr) == nil }) {
		return nil, failed(report.KindForbidden, report.SaysServersSpecial, "place", plain(at.zone))
	}
	for level := range maxDelegations {
		next, heard := i.refer(ctx, at, name)
		switch {
		case level > 0 || at.above != nil:
		case heard == lacking:
			return nil, failed(report.KindExhausted, report.SaysServersNotAskedFor, "place", plain(at.zone))
		case heard == held:
			return nil, failed(report.KindRateLimited, report.SaysServersAskedEnough, "place", plain(at.zone))
		case heard == nothing:
			return nil, failed(report.KindBlocked, report.SaysDNSBlocked, "place", plain(at.zone))
		case heard == other:
			return nil, failed(report.KindIntercepted, report.SaysDNSIntercepted, "place", plain(at.zone))
		}
		if next == nil {
			break
		}
		next.above, at = at, next
		i.store(at.zone).ways.PutFor(at.zone, at, i.least(at.zone, failureLifetime))
	}
	return at, nil
}

// known returns the deepest zone above a name whose servers were found before; nil for none.
func (i *inquiry) known(name string) *delegation {
	for ; name != "."; name = parent(name) {
		if at, ok := i.store(name).ways.Get(name); ok {
			return at
		}
	}
	return nil
}

// top returns where the way down to a name begins: the top-level domain, or the root where
// the upstream knows no servers of that, or the name is no longer itself. What the upstream
// says of them is taken as it is: nothing rests on it but whom to ask.
func (i *inquiry) top(ctx context.Context, name string) delegation {
	for n := suffix(name, 1); ; n = "." {
		if n != name || n == "." {
			var names []string
			for _, rr := range i.ask(ctx, question{n, dns.TypeNS}).records() {
				if ns, ok := rr.(*dns.NS); ok && len(names) < maxAnswers {
					names = append(names, dns.CanonicalName(ns.Ns))
				}
			}
			slices.Sort(names)
			d := delegation{zone: n, servers: i.find(ctx, names[:min(len(names), maxGuides)], nil)}
			d.servers = slices.DeleteFunc(d.servers, func(s server) bool { return !s.addr.IsValid() })
			if len(d.servers) > 0 || n == "." {
				return d
			}
		}
	}
}

// maxAnswers bounds the records of a reply that are looked at.
const maxAnswers = 64

// records returns all records of the answer section.
func (rep *reply) records() (all []dns.RR) {
	for _, set := range rep.answer {
		all = append(all, set.rrs...)
	}
	return all[:min(len(all), maxAnswers)]
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
				found[k] = append(found[k], addressesOf(i.ask(ctx, question{name, t}).records())...)
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
	held    // no question was put: we have asked enough
	lacking // no question was put: we lack the means
	other   // an answer, but none that a server of the zone would give
	useful
)

// refer asks some servers of a zone for the way to a name, side by side. next is the zone to
// which they lead on, nil where they answer for the name themselves.
func (i *inquiry) refer(ctx context.Context, at *delegation, name string) (next *delegation, heard int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type word struct {
		from server
		msg  *dns.Msg
		err  error
	}
	ask := at.servers[:min(len(at.servers), 2*maxGuides)]
	words := make(chan word, len(ask))
	for _, s := range ask {
		go func() {
			m, err := i.insist(ctx, s.addr, question{name, dns.TypeSOA})
			words <- word{s, m, err}
		}()
	}
	lacks := nothing
	for range ask {
		w := <-words
		if w.err != nil {
			switch egress.Kind(w.err) {
			case report.KindExhausted:
				lacks = lacking
			case report.KindRateLimited, report.KindNotAdmitted, report.KindSpent:
				lacks = max(lacks, held)
			}
			continue
		}
		if names, zone := referral(w.msg, at.zone, name); len(names) > 0 {
			return &delegation{zone: zone, servers: i.find(ctx, names, glueOf(w.msg))}, useful
		}
		if !w.msg.Authoritative {
			heard = other
			continue
		}
		// A server that has a zone and one below it answers for that at once.
		if zone := answering(w.msg, name); zone != at.zone && dns.IsSubDomain(at.zone, zone) {
			if below := i.below(ctx, w.from.addr, zone); below != nil {
				return below, useful
			}
		}
		return nil, useful
	}
	if heard == nothing {
		heard = lacks
	}
	return nil, heard
}

// answering returns the zone from which a server answers for a name: that of its SOA, or the
// one that its signatures name; the root where nothing does.
func answering(m *dns.Msg, name string) string {
	zone := "."
	for _, rr := range slices.Concat(m.Answer, m.Ns) {
		from := "."
		switch rr := rr.(type) {
		case *dns.SOA:
			from = dns.CanonicalName(rr.Hdr.Name)
		case *dns.RRSIG:
			from = dns.CanonicalName(rr.SignerName)
		}
		if dns.IsSubDomain(from, name) && dns.CountLabel(from) > dns.CountLabel(zone) {
			zone = from
		}
	}
	return zone
}

// below asks a server that has a zone for the names of all that have it.
func (i *inquiry) below(ctx context.Context, from netip.Addr, zone string) *delegation {
	m, err := i.insist(ctx, from, question{zone, dns.TypeNS})
	if err != nil {
		return nil
	}
	var names []string
	for _, rr := range m.Answer {
		if ns, ok := rr.(*dns.NS); ok && dns.CanonicalName(ns.Hdr.Name) == zone && len(names) < maxServers {
			if target := dns.CanonicalName(ns.Ns); !slices.Contains(names, target) {
				names = append(names, target)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return &delegation{zone: zone, servers: i.find(ctx, names, glueOf(m))}
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
