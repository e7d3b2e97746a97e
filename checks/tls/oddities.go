package tls

import (
	"mxseal/checks/internal/hello"
	"mxseal/checks/tls/probe"
)

// oddity is something out of the ordinary that a hello can carry beside its own question:
// when the hello is accepted, that is accepted too and has cost no connection.
type oddity struct {
	name  string
	put   func(h *hello.Hello)
	found func(fails bool)
}

// oddities are those still to be asked for, and what is known of how they may travel.
type oddities struct {
	pending  []oddity
	version  uint16 // of the hellos that they go with; 0 for any
	apart    bool   // they go one by one: one of several was refused
	stranded bool   // none goes along any more: the last one was refused and so was the hello without it
}

// unknownName is no name of anybody's (RFC 2606 §2).
const unknownName = "unknown.invalid"

// everyOddity lists what every server has to put up with: values that nobody knows (RFC 8701), and
// clients that send no server name or one the server does not know (RFC 7672 §8.1).
func (l *look) everyOddity() []oddity {
	list := []oddity{{"grease", grease, func(v bool) { l.feature().GREASEIntolerant = &v }}}
	if l.sni == "" {
		return list
	}
	return append(list,
		oddity{"without-sni", func(h *hello.Hello) { h.ServerName = "" }, func(v bool) { l.feature().NeedsSNI = &v }},
		oddity{"unknown-sni", func(h *hello.Hello) { h.ServerName = unknownName }, func(v bool) { l.feature().RefusesUnknownName = &v }})
}

// grease puts in a version, a suite, a group and an extension that nobody knows.
func grease(h *hello.Hello) {
	if len(h.Versions) == 0 {
		h.Versions = []uint16{h.Version}
	}
	h.Versions = append([]uint16{0x1A1A}, h.Versions...)
	h.Suites = append([]uint16{0x2A2A}, h.Suites...)
	h.Groups = append([]uint16{0x3A3A}, h.Groups...)
	h.Other = []uint16{0x5A5A}
}

// aboard returns the oddities that one hello can carry: at most one of those that speak of
// the name, and after a refusal one in all.
func (l *look) aboard() []oddity {
	n := min(len(l.odd.pending), 2)
	if l.odd.apart {
		n = min(n, 1)
	} else if n == 2 && l.odd.pending[0].name != "grease" {
		n = 1
	}
	return l.odd.pending[:n]
}

func carrying(h *hello.Hello, list []oddity) (odd *hello.Hello, name string) {
	c := *h
	for _, r := range list {
		r.put(&c)
		name += "+" + r.name
	}
	return &c, name
}

// carry asks a hello that is likely to be accepted, with oddities. When it is refused, it is
// asked again alone. That says nothing of the oddities yet: a server whose certificate for
// strangers has another key type lacks a suite for this hello only.
func (l *look) carry(name string, h *hello.Hello) probe.Answer {
	list := l.aboard()
	if len(list) == 0 || l.odd.stranded || l.odd.version != 0 && (h.Versions == nil) != (l.odd.version < hello.TLS13) {
		return l.Ask(name, h)
	}
	odd, with := carrying(h, list)
	a := l.Ask(name+with, odd)
	switch {
	case a.Accepted():
		l.arrived(list, false)
		return a
	case !a.Refused():
		return a
	}
	l.odd.stranded = true
	return l.Ask(name, h)
}

// arrived notes of oddities whether the server failed on them.
func (l *look) arrived(list []oddity, fails bool) {
	for _, r := range list {
		r.found(fails)
	}
	l.odd.pending = l.odd.pending[len(list):]
}

// tolerance gives the oddities that found no hello to go with connections of their own, on a
// hello that leaves the server every choice. Only one that refuses it with and accepts it
// without is said to fail on the oddity.
func (l *look) tolerance() {
	for len(l.odd.pending) > 0 && l.Stopped() == "" {
		list := l.aboard()
		h := l.Permissive
		if h == nil {
			h = l.usual()
		}
		odd, with := carrying(h, list)
		a := l.Ask(with[1:], odd)
		switch {
		case a.Accepted():
			l.arrived(list, false)
		case a.Refused() && len(list) > 1: // which of them was it?
			l.odd.apart = true
		case a.Refused() && l.Ask(with[1:]+"-control", h).Accepted():
			l.arrived(list, true)
		default:
			l.odd.pending = l.odd.pending[1:] // nothing can be said
		}
	}
}

// nameless is a chain that came in answer to a hello without the host's name.
type nameless struct {
	leaf  [32]byte // its digest
	seen  Seen
	hello *hello.Hello
	suite uint16
	auth  string // its key type
}

// settleNameless says of chains that only came without the host's name whether they come with
// it too.
func (l *look) settleNameless() {
	for _, n := range l.nameless {
		if l.leaves[n.leaf] {
			continue
		}
		if !l.auths[n.auth] {
			h := *n.hello
			h.ServerName, h.Suites, h.Resume = l.sni, []uint16{n.suite}, nil
			h.Schemes = schemesWhere(func(k hello.Scheme) bool { return n.auth == "" || schemeAuth(k.Name) == n.auth })
			if a := l.Ask("certificate", &h); a.Result == probe.Untested {
				continue
			}
		}
		if !l.leaves[n.leaf] && len(l.leaves) < maxChains {
			l.leaves[n.leaf] = true
			l.seen = append(l.seen, n.seen)
		}
	}
	l.nameless = nil
}
