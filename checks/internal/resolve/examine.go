package resolve

import (
	"context"
	"fmt"
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
			n.Text = fmt.Sprintf("%v answers for %s, serial %d, while others are at %d, which is usual for a while after a change.", s, plain(at.zone), n.Serial, newest)
		default:
			n.Text = fmt.Sprintf("%v answers for %s, serial %d.", s, plain(at.zone), n.Serial)
		}
		if n.TCP != "" && n.TCP != "ok" {
			n.Text += fmt.Sprintf(" By TCP it gives no answer (%s).", n.TCP)
		}
	}
	return said
}

// interview puts the questions to one server.
func (i *inquiry) interview(ctx context.Context, at delegation, z *zone, s server) report.NameServer {
	zone := at.zone
	n := report.NameServer{Name: plain(s.name)}
	if !s.addr.IsValid() {
		return accuse(n, "no-address", "%v has no address, so nobody can ask it; the DNS host of %s must give it one or name another server.", s, plain(zone))
	}
	n.IP = s.addr.String()
	soa := question{zone, dns.TypeSOA}
	m, err := i.insist(ctx, s.addr, soa)
	if fault, text := silence(s, err); fault != "" {
		return accuse(n, fault, "%s", text)
	}
	if fault, text := lame(s, m, zone); fault != "" {
		return accuse(n, fault, "%s", text)
	}
	n.TCP = "ok"
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
			return accuse(n, f.code, "%v: %s", s, f.detail)
		}
	}
	if i.question == soa {
		return n
	}
	_, w := i.hear(ctx, at, s)
	switch {
	case w.Kind == "answer" || report.Own(w.Kind):
	case w.Kind == "timeout" && w.Tries < report.Silences: // its time, or ours, ran out
	case slices.Contains([]string{"timeout", "closed", "reset", "failed"}, w.Kind):
		return accuse(n, w.Kind, "%v gives no answer for the %v, though it does for the SOA of %s; its operator must correct that.", s, i.question, plain(zone))
	case w.Kind == "not-authoritative":
		return accuse(n, w.Kind, "%v answers for the %v without authority, though it has the zone %s; its operator must correct that.", s, i.question, plain(zone))
	default:
		return accuse(n, w.Kind, "%v answers %s for the %v, though it has the zone %s; its operator must correct that.", s, strings.ToUpper(w.Kind), i.question, plain(zone))
	}
	return n
}

func accuse(n report.NameServer, fault, format string, args ...any) report.NameServer {
	n.Fault, n.Text = fault, report.Clean(fmt.Sprintf(format, args...), 500)
	return n
}

// silence is the fault of a server from which no answer came.
func silence(s server, err error) (fault, text string) {
	switch fault = kind(err); fault {
	case "":
	case "forbidden":
		text = fmt.Sprintf("%v has a special-purpose address, which is not contacted.", s)
	case "opted-out":
		text = fmt.Sprintf("%v is not asked: its operator wants this checker to leave it alone.", s)
	case "unreachable":
		text = unreachable(s)
	case "exhausted":
		text = fmt.Sprintf("%v was not asked: this checker has no socket, descriptor or place free for it, which says nothing about it.", s)
	case egress.RateLimited, egress.NotAdmitted, egress.Spent:
		text = fmt.Sprintf("%v was not asked: %v. This says nothing about it.", s, err)
	case "timeout":
		text = fmt.Sprintf("%v does not answer.", s)
	default:
		text = fmt.Sprintf("%v gives no answer (%s).", s, fault)
	}
	return fault, text
}

func unreachable(s server) string {
	return fmt.Sprintf("%v cannot be reached from here, which says nothing about it.", s)
}

// lame is the fault of a server that answers, but not as one that has the zone.
func lame(s server, m *dns.Msg, zone string) (fault, text string) {
	switch {
	case m.Rcode == dns.RcodeRefused:
		return "refused", fmt.Sprintf("%v is named for %s and refuses to answer for it, as servers do that do not have the zone.", s, plain(zone))
	case m.Rcode != dns.RcodeSuccess:
		return rcodeWord(m.Rcode), fmt.Sprintf("%v is named for %s and answers %s for its SOA.", s, plain(zone), rcodeName(m.Rcode))
	case !m.Authoritative || soaOf(m, zone) == nil:
		return "not-authoritative", fmt.Sprintf("%v is named for %s and does not have the zone: it answers without authority.", s, plain(zone))
	}
	return "", ""
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
		if n.IP != "" && (n.Fault == "unreachable" || !n.Blameless()) {
			answered[four(n)] = answered[four(n)] || n.Fault != "timeout" && n.Fault != "unreachable"
		}
	}
	for k, n := range said {
		if f := four(n); n.Fault == "timeout" && !answered[f] && answered[!f] {
			a, _ := netip.ParseAddr(n.IP)
			said[k] = accuse(n, "unreachable", "%s", unreachable(server{n.Name, a}))
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
			said[k] = accuse(n, "unsigned", "%v serves %s without signatures, though the zone is signed; its operator must have it take the signed zone.", server{n.Name, a}, plain(zone))
		case !seen || int32(n.Serial-newest) > 0:
			newest, seen = n.Serial, true
		}
	}
	return newest
}
