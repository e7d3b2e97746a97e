package ask

import (
	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/probe"
)

// oddity is something out of the ordinary that a hello can carry beside its own question:
// when the hello is accepted, that is accepted too and has cost no connection.
type oddity struct {
	name  string
	put   func(h *hello.Hello)
	field func(f *report.Features) **bool // that says whether the server failed on it
}

// everyOddity is what every server has to put up with: values that nobody knows (RFC 8701), and
// clients that send no server name or one the server does not know (RFC 7672 §8.1).
var everyOddity = []oddity{
	{"grease", grease, func(f *report.Features) **bool { return &f.GREASEIntolerant }},
	{"without-sni", func(h *hello.Hello) { h.ServerName = "" }, func(f *report.Features) **bool { return &f.NeedsSNI }},
	{"unknown-sni", func(h *hello.Hello) { h.ServerName = unknownName }, func(f *report.Features) **bool { return &f.RefusesUnknownName }},
}

// unknownName is no name of anybody's (RFC 2606 §2).
const unknownName = "unknown.invalid"

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

// oddities are those still to be asked for, and what is known of how they may travel.
type oddities struct {
	line     *probe.Line
	learned  *learned
	hellos   hellos
	pending  []oddity
	version  uint16 // of the hellos that they go with; 0 for any
	apart    bool   // they go one by one: one of several was refused
	stranded bool   // none goes along any more: the last one was refused and so was the hello without it
}

func newOddities(line *probe.Line, learned *learned, hellos hellos) *oddities {
	o := &oddities{line: line, learned: learned, hellos: hellos, pending: everyOddity}
	if hellos.sni == "" {
		o.pending = everyOddity[:1]
	}
	return o
}

// aboard returns the oddities that one hello can carry: at most one of those that speak of
// the name, and after a refusal one in all.
func (o *oddities) aboard() []oddity {
	n := min(len(o.pending), 2)
	if o.apart {
		n = min(n, 1)
	} else if n == 2 && o.pending[0].name != "grease" {
		n = 1
	}
	return o.pending[:n]
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
func (o *oddities) carry(name string, h *hello.Hello) probe.Answer {
	list := o.aboard()
	if len(list) == 0 || o.stranded || o.version != 0 && (h.Versions == nil) != (o.version < hello.TLS13) {
		return o.line.Ask(name, h)
	}
	odd, with := carrying(h, list)
	a := o.line.Ask(name+with, odd)
	switch {
	case a.Accepted():
		o.arrived(list, false)
		return a
	case !a.Refused():
		return a
	}
	o.stranded = true
	return o.line.Ask(name, h)
}

// arrived notes of oddities whether the server failed on them.
func (o *oddities) arrived(list []oddity, fails bool) {
	for _, r := range list {
		*r.field(o.learned.feature()) = &fails
	}
	o.pending = o.pending[len(list):]
}

// tolerance gives the oddities that found no hello to go with connections of their own, on a
// hello that leaves the server every choice. Only one that refuses it with and accepts it
// without is said to fail on the oddity.
func (o *oddities) tolerance() {
	for len(o.pending) > 0 && !o.line.Stopped().Made() {
		list := o.aboard()
		h := o.line.Permissive
		if h == nil {
			h = o.hellos.usual()
		}
		odd, with := carrying(h, list)
		a := o.line.Ask(with[1:], odd)
		switch {
		case a.Accepted():
			o.arrived(list, false)
		case a.Refused() && len(list) > 1: // which of them was it?
			o.apart = true
		case a.Refused() && o.line.Ask(with[1:]+"-control", h).Accepted():
			o.arrived(list, true)
		default:
			o.pending = o.pending[1:] // nothing can be said
		}
	}
}

// settleNameless says of chains that only came without the host's name whether they come with
// it too.
func (o *oddities) settleNameless() {
	for _, n := range o.learned.nameless {
		if o.learned.leaves[n.leaf] {
			continue
		}
		if !o.learned.auths[n.auth] {
			h := *n.hello
			h.ServerName, h.Suites, h.Resume = o.hellos.sni, []uint16{n.suite}, nil
			h.Schemes = schemesWhere(func(k hello.Scheme) bool { return n.auth == "" || schemeAuth(k.Name) == n.auth })
			if a := o.line.Ask("certificate", &h); a.Result == report.ProbeUntested {
				continue
			}
		}
		o.learned.stranger(n)
	}
	o.learned.nameless = nil
}
