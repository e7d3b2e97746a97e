package tls

import "mxseal/checks/internal/hello"

// rider is something out of the ordinary that a hello can carry beside its own question:
// when the hello is accepted, that is accepted too and has cost no connection.
type rider struct {
	name  string
	put   func(h *hello.Hello)
	found func(fails bool)
}

// unknownName is no name of anybody's (RFC 2606 §2).
const unknownName = "unknown.invalid"

// riders are what every server has to put up with: values that nobody knows (RFC 8701), and
// clients that send no server name or one the server does not know (RFC 7672 §8.1).
func (p *prober) riders() []rider {
	list := []rider{{"grease", grease, func(v bool) { p.feature().GREASEIntolerant = &v }}}
	if p.sni == "" {
		return list
	}
	return append(list,
		rider{"without-sni", func(h *hello.Hello) { h.ServerName = "" }, func(v bool) { p.feature().NeedsSNI = &v }},
		rider{"unknown-sni", func(h *hello.Hello) { h.ServerName = unknownName }, func(v bool) { p.feature().RefusesUnknownName = &v }})
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

// aboard returns the riders that one hello can carry: at most one of those that speak of
// the name, and after a refusal one in all.
func (p *prober) aboard() []rider {
	n := min(len(p.pending), 2)
	if p.apart {
		n = min(n, 1)
	} else if n == 2 && p.pending[0].name != "grease" {
		n = 1
	}
	return p.pending[:n]
}

func carrying(h *hello.Hello, list []rider) (odd *hello.Hello, name string) {
	c := *h
	for _, r := range list {
		r.put(&c)
		name += "+" + r.name
	}
	return &c, name
}

// carry asks a hello that is likely to be accepted, with riders. When it is refused, it is
// asked again alone. That says nothing of the riders yet: a server whose certificate for
// strangers has another key type lacks a suite for this hello only.
func (p *prober) carry(name string, h *hello.Hello) answer {
	list := p.aboard()
	if len(list) == 0 || p.stranded || p.riding != 0 && (h.Versions == nil) != (p.riding < hello.TLS13) {
		return p.ask(name, h)
	}
	odd, with := carrying(h, list)
	a := p.ask(name+with, odd)
	switch {
	case a.accepted():
		p.arrived(list, false)
		return a
	case !a.refused():
		return a
	}
	p.stranded = true
	return p.ask(name, h)
}

// arrived notes of riders whether the server failed on them.
func (p *prober) arrived(list []rider, fails bool) {
	for _, r := range list {
		r.found(fails)
	}
	p.pending = p.pending[len(list):]
}

// tolerance gives the riders that found no hello to go with connections of their own, on a
// hello that leaves the server every choice. Only one that refuses it with and accepts it
// without is said to fail on the rider.
func (p *prober) tolerance() {
	for len(p.pending) > 0 && p.stopped == "" {
		list := p.aboard()
		h := p.permissive
		if h == nil {
			h = p.usual()
		}
		odd, with := carrying(h, list)
		a := p.ask(with[1:], odd)
		switch {
		case a.accepted():
			p.arrived(list, false)
		case a.refused() && len(list) > 1: // which of them was it?
			p.apart = true
		case a.refused() && p.ask(with[1:]+"-control", h).accepted():
			p.arrived(list, true)
		default:
			p.pending = p.pending[1:] // nothing can be said
		}
	}
}

// stray is a chain that came in answer to a hello without the host's name.
type stray struct {
	leaf  [32]byte // its digest
	seen  Seen
	hello *hello.Hello
	suite uint16
	auth  string // its key type
}

// settleStrays says of chains that only came without the host's name whether they come with
// it too.
func (p *prober) settleStrays() {
	for _, s := range p.strays {
		if p.leaves[s.leaf] {
			continue
		}
		if !p.auths[s.auth] {
			h := *s.hello
			h.ServerName, h.Suites, h.Resume = p.sni, []uint16{s.suite}, nil
			h.Schemes = schemesWhere(func(k hello.Scheme) bool { return s.auth == "" || schemeAuth(k.Name) == s.auth })
			if a := p.ask("certificate", &h); a.result == "untested" {
				continue
			}
		}
		if !p.leaves[s.leaf] && len(p.leaves) < maxChains {
			p.leaves[s.leaf] = true
			p.seen = append(p.seen, s.seen)
		}
	}
	p.strays = nil
}
