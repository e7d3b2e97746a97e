package senders

import (
	"crypto/sha256"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/sender"
	"mxseal/web/senders/certificates"
)

// Names of the zone, ID for that of a test, NN for a slot:
//
//	TRAP.ID             a mail domain
//	TRAP.ID.unsigned    one in the part that is not signed
//	TRAP-pNN            one with a policy; its policy host is mta-sts.TRAP-pNN
//	TRAP-ID             a mail server whose name the wildcard certificate fits
//	mx.TRAP-ID          one whose name it does not fit
//	ID.TRAP-pNN         the same, which a policy can name
//
// So each mail server has a name of its own, and senders do not put two traps into one conversation.

const (
	idLength = 16 // 80 bits in base32
	unsigned = "unsigned"
)

func (s *Senders) origin() string { return s.Zone + "." }

// domain is the mail domain of a trap in a test; empty where it needs a slot and there is none.
func (s *Senders) domain(d sender.Design, id string, slot int) string {
	switch {
	case d.Promise&sender.ByPolicy != 0 && slot < 0:
		return ""
	case d.Promise&sender.ByPolicy != 0:
		return leased(d.Trap, slot) + "." + s.Zone
	case d.Trap == sender.DANEInsecure:
		return string(d.Trap) + "." + id + "." + unsigned + "." + s.Zone
	}
	return string(d.Trap) + "." + id + "." + s.Zone
}

func leased(t sender.Trap, slot int) string { return string(t) + "-p" + strconv.Itoa(slot) }

// policyHost is where the policy of a leased domain lies (RFC 8461 §3.3).
func policyHost(t sender.Trap, slot int, zone string) string {
	return "mta-sts." + leased(t, slot) + "." + zone
}

// PolicyHosts are those of so many slots.
func PolicyHosts(slots int, zone string) (names []string) {
	for slot := range slots {
		for _, d := range sender.Designs {
			if d.Promise&sender.ByPolicy != 0 {
				names = append(names, policyHost(d.Trap, slot, zone))
			}
		}
	}
	return names
}

// server is the name of the mail server of a trap, without a final dot.
func (s *Senders) server(t sender.Trap, id string, slot int) string {
	switch t {
	case sender.WrongName, sender.DANEIssuer:
		return "mx." + string(t) + "-" + id + "." + s.Zone
	case sender.STSCert, sender.STSOutsideMX:
		return id + "." + leased(t, slot) + "." + s.Zone
	}
	return string(t) + "-" + id + "." + s.Zone
}

// find says what a name (without a final dot, in lower case) is. s.mu is held.
func (s *Senders) find(name string) (p place, ok bool) {
	rest, below := strings.CutSuffix(name, "."+s.Zone)
	if !below {
		return p, false
	}
	labels := strings.Split(rest, ".")
	if labels[len(labels)-1] == unsigned {
		if labels = labels[:len(labels)-1]; len(labels) < 2 || labels[len(labels)-2] != string(sender.DANEInsecure) {
			return p, false
		}
	}
	last := labels[len(labels)-1]
	before := labels[:len(labels)-1]
	if isID(last) {
		if len(before) == 0 {
			return p, false
		}
		p = place{trap: sender.Trap(before[len(before)-1]), test: last, prefix: strings.Join(before[:len(before)-1], ".")}
		return p, s.is(p)
	}
	i := strings.LastIndexByte(last, '-')
	if i < 0 {
		return p, false
	}
	p = place{trap: sender.Trap(last[:i]), test: last[i+1:], host: true, prefix: strings.Join(before, ".")}
	if !isID(p.test) {
		p, ok = s.ofSlot(p.trap, last, before)
		return p, ok && s.is(p)
	}
	if end := len(before) - 1; end >= 0 && before[end] == "mx" {
		p.prefix = strings.Join(before[:end], ".")
	}
	return p, s.is(p)
}

// ofSlot is what a name is whose last label should be that of a slot. s.mu is held.
func (s *Senders) ofSlot(t sender.Trap, last string, before []string) (p place, ok bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(last[len(t)+1:], "p"))
	if err != nil || n < 0 || n >= len(s.slots) || leased(t, n) != last {
		return p, false
	}
	if end := len(before) - 1; end >= 0 && isID(before[end]) {
		return place{trap: t, test: before[end], host: true, prefix: strings.Join(before[:end], ".")}, true
	}
	return place{trap: t, test: s.slots[n].test, prefix: strings.Join(before, ".")}, true
}

// is reports whether a test has the trap.
func (s *Senders) is(p place) bool {
	t := s.tests[p.test]
	return t != nil && t.evidence.Domains[p.trap] != ""
}

func isID(label string) bool {
	return len(label) == idLength && strings.Trim(label, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// housed reports whether every test and trap has an address of its own.
func (s *Senders) housed() bool { return s.prefix().IsValid() }

func (s *Senders) prefix() netip.Prefix {
	for _, r := range s.Roles {
		if r.As == allRole {
			return r.Net
		}
	}
	return netip.Prefix{}
}

// house gives the traps of a test their addresses; s.mu is held.
func (s *Senders) house(id string) {
	if !s.housed() {
		return
	}
	for _, d := range sender.Designs {
		s.hosts[s.ownAddress(d.Trap, id)] = place{trap: d.Trap, test: id, host: true}
	}
}

// ownAddress is the one that a trap of a test has for itself.
func (s *Senders) ownAddress(t sender.Trap, id string) netip.Addr {
	sum := sha256.Sum256([]byte(id + " " + string(t)))
	at := s.prefix().Addr().As16()
	copy(at[8:], sum[:8])
	return netip.AddrFrom16(at)
}

// ttl is that of every record, in seconds: names of tests come and go.
const ttl = uint32(certificates.Cached / time.Second)

func header(name string, rtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name + ".", Rrtype: rtype, Class: dns.ClassINET, Ttl: ttl}
}
