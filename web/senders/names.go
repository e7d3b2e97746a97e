package senders

import (
	"crypto/sha256"
	"net/netip"
	"strconv"
	"strings"

	"mxseal/checks/sender"
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

// place is what a name below the zone is.
type place struct {
	trap   sender.Trap
	test   string
	host   bool   // a mail server, else a mail domain
	prefix string // labels before it
}

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
		n, err := strconv.Atoi(strings.TrimPrefix(p.test, "p"))
		if err != nil || n < 0 || n >= len(s.slots) || leased(p.trap, n) != last {
			return p, false
		}
		p.host, p.test = false, s.slots[n].test
		if end := len(before) - 1; end >= 0 && isID(before[end]) {
			p.host, p.test, p.prefix = true, before[end], strings.Join(before[:end], ".")
		}
	} else if end := len(before) - 1; end >= 0 && before[end] == "mx" {
		p.prefix = strings.Join(before[:end], ".")
	}
	return p, s.is(p)
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
