package resolve

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

// examine asks every server of a zone for its SOA, by UDP and by TCP, and once for what
// could not be had, then compares what they said.
func (i *inquiry) examine(ctx context.Context, at delegation) []report.NameServer {
	z := i.enclosing(ctx, at.zone)
	said := make([]report.NameServer, len(at.servers))
	var all sync.WaitGroup
	for k, s := range at.servers {
		all.Go(func() { said[k] = i.interview(ctx, at, z, s) })
	}
	all.Wait()
	pardon(said)
	newest := compare(said, at.zone, z)
	for k, s := range at.servers {
		n := &said[k]
		switch {
		case n.Fault != "":
		case n.Serial != newest:
			n.Statement = report.Say(report.SaysServerBehind, "server", s, "zone", plain(at.zone), "serial", n.Serial, "newest", newest)
		default:
			n.Statement = report.Say(report.SaysServerAnswers, "server", s, "zone", plain(at.zone), "serial", n.Serial)
		}
		if n.TCP != "" && n.TCP != report.KindOK {
			n.Statement = report.Say(report.SaysMuteByTCP, "kind", n.TCP).About(n.Statement)
		}
	}
	return said
}

// interview puts the questions to one server.
func (i *inquiry) interview(ctx context.Context, at delegation, z *zone, s server) report.NameServer {
	zone := at.zone
	n := report.NameServer{Name: plain(s.name)}
	if !s.addr.IsValid() {
		return accuse(n, report.KindNoAddress, report.SaysServerHomeless, "server", s, "zone", plain(zone))
	}
	n.IP = s.addr.String()
	soa := question{zone, dns.TypeSOA}
	m, err := i.insist(ctx, s.addr, soa)
	if fault, why := silence(s, err); fault != "" {
		return blame(n, fault, why)
	}
	if fault, why := lame(s, m, zone); fault != "" {
		return blame(n, fault, why)
	}
	n.TCP = report.KindOK
	if t, err := i.put(ctx, "tcp", s.addr, soa); err != nil {
		n.TCP = kind(err)
	} else if fault, _ := lame(s, t, zone); fault != "" {
		n.TCP = fault
	}
	set := soaOf(m, zone)
	n.Serial, n.Signed = set.rrs[0].(*dns.SOA).Serial, len(set.sigs) > 0
	if z.fault == nil && z.name == zone {
		_, _, f := z.authenticate(set, i.trial())
		n.State = f.trust()
		if f != nil && n.Signed {
			return blame(n, report.Kind(f.code), report.Say(report.SaysServerFails, "server", s).About(f.says))
		}
	}
	if i.question == soa {
		return n
	}
	_, w := i.hear(ctx, at, s)
	switch {
	case w.Kind == report.KindAnswer || report.Own(w.Kind):
	case w.Kind == report.KindTimeout && w.Tries < report.Silences: // its time, or ours, ran out
	case slices.Contains([]report.Kind{report.KindTimeout, report.KindClosed, report.KindReset, report.KindFailed}, w.Kind):
		return accuse(n, w.Kind, report.SaysServerMuteOn, "server", s, "question", i.question, "zone", plain(zone))
	case w.Kind == report.KindNotAuthoritative:
		return accuse(n, w.Kind, report.SaysServerUnauthorised, "server", s, "question", i.question, "zone", plain(zone))
	default:
		return accuse(n, w.Kind, report.SaysServerErrsOn, "server", s, "rcode", strings.ToUpper(string(w.Kind)), "question", i.question, "zone", plain(zone))
	}
	return n
}

func accuse(n report.NameServer, fault report.Kind, says report.Says, pairs ...any) report.NameServer {
	return blame(n, fault, report.Say(says, pairs...))
}

func blame(n report.NameServer, fault report.Kind, why report.Statement) report.NameServer {
	n.Fault, n.Statement = fault, why
	return n
}

// silence is the fault of a server from which no answer came.
func silence(s server, err error) (fault report.Kind, why report.Statement) {
	switch fault = kind(err); fault {
	case "":
	case report.KindForbidden:
		why = report.Say(report.SaysServerSpecial, "server", s)
	case report.KindOptedOut:
		why = report.Say(report.SaysServerOptedOut, "server", s)
	case report.KindUnreachable:
		why = unreachable(s)
	case report.KindExhausted:
		why = report.Say(report.SaysServerNotAsked, "server", s)
	case report.KindRateLimited, report.KindNotAdmitted, report.KindSpent:
		why = report.Say(report.SaysServerHeld, "server", s).About(egress.Say(err))
	case report.KindTimeout:
		why = report.Say(report.SaysServerSilent, "server", s)
	default:
		why = report.Say(report.SaysServerMute, "server", s, "kind", fault)
	}
	return fault, why
}

func unreachable(s server) report.Statement {
	return report.Say(report.SaysServerUnreachable, "server", s)
}

// lame is the fault of a server that answers, but not as one that has the zone.
func lame(s server, m *dns.Msg, zone string) (fault report.Kind, why report.Statement) {
	switch {
	case m.Rcode == dns.RcodeRefused:
		return report.KindRefused, report.Say(report.SaysServerRefuses, "server", s, "zone", plain(zone))
	case m.Rcode != dns.RcodeSuccess:
		return rcodeWord(m.Rcode), report.Say(report.SaysServerErrs, "server", s, "zone", plain(zone), "rcode", rcodeName(m.Rcode))
	case !m.Authoritative || soaOf(m, zone) == nil:
		return report.KindNotAuthoritative, report.Say(report.SaysServerLame, "server", s, "zone", plain(zone))
	}
	return "", report.Statement{}
}

// soaOf returns the SOA that a reply gives for a zone, or nil.
func soaOf(m *dns.Msg, zone string) *rrset {
	for _, set := range rrsets(m.Answer) {
		if _, ok := set.rrs[0].(*dns.SOA); ok && set.name == zone {
			return set
		}
	}
	return nil
}

// pardon takes the blame for silence from a family of addresses none of which answers while
// the other does: it may be our network that lacks the family.
func pardon(said []report.NameServer) {
	answered := make(map[bool]bool)
	four := func(n report.NameServer) bool {
		a, err := netip.ParseAddr(n.IP)
		return err == nil && a.Is4()
	}
	for _, n := range said {
		if n.IP != "" && (n.Fault == report.KindUnreachable || !n.Blameless()) {
			answered[four(n)] = answered[four(n)] || n.Fault != report.KindTimeout && n.Fault != report.KindUnreachable
		}
	}
	for k, n := range said {
		if f := four(n); n.Fault == report.KindTimeout && !answered[f] && answered[!f] {
			a, _ := netip.ParseAddr(n.IP)
			said[k] = blame(n, report.KindUnreachable, unreachable(server{n.Name, a}))
		}
	}
}

// compare finds the servers that leave signatures out, and returns the newest serial (RFC 1982)
// of those without fault. To be behind it is no fault: secondaries take changes over one by one
// (RFC 1034 §4.3.5), and some operators count on each server by itself. A copy that is too
// old to be of use gives itself away, by signatures that have run out.
func compare(said []report.NameServer, zone string, z *zone) (newest uint32) {
	signed, seen := z.fault == nil && z.name == zone, false
	for _, n := range said {
		signed = signed || n.Fault == "" && n.Signed
	}
	for k, n := range said {
		switch {
		case n.Fault != "":
		case signed && !n.Signed:
			a, _ := netip.ParseAddr(n.IP)
			said[k] = accuse(n, report.KindUnsigned, report.SaysServerUnsigned, "server", server{n.Name, a}, "zone", plain(zone))
		case !seen || int32(n.Serial-newest) > 0:
			newest, seen = n.Serial, true
		}
	}
	return newest
}
