package ask

import (
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
	"mxseal/checks/tls/probe"
)

// learned is what has come to light of a server: the evidence, and what else the next questions
// are chosen by.
type learned struct {
	chains
	tls *report.TLS

	lowest uint16            // the lowest version that has answered an offer of all up to TLS 1.2; 0 before
	wide   bool              // the server reads suite lists beyond 64 entries
	unsure *probe.Answer     // a refusal below TLS 1.2, perhaps of the hello's length; nil for none
	picks  []pick            // of the TLS 1.2 enumeration, in order
	listed bool              // the server has told all its TLS 1.3 groups
	past   map[bool]*session // that may be taken up again: of TLS 1.3, and of older versions
}

// pick is a suite that the server chose among those offered.
type pick struct {
	suite   uint16
	offered []uint16
}

// session is one that was finished and may be taken up again.
type session struct {
	version uint16
	hello   *hello.Hello
	ticket  *hello.Ticket
}

func newLearned(describe func([][]byte) *report.Certificate) *learned {
	return &learned{tls: &report.TLS{}, past: make(map[bool]*session),
		chains: chains{describe: describe, leaves: make(map[[32]byte]bool), auths: make(map[string]bool)}}
}

// with appends x unless it is there.
func with[T comparable](list []T, x T) []T {
	if slices.Contains(list, x) {
		return list
	}
	return append(list, x)
}

// named is how a version is called in the evidence.
func named(version uint16) report.Version { return report.Version(hello.VersionName(version)) }

// speaks notes a version that was accepted.
func (l *learned) speaks(v uint16) {
	t := l.tls
	t.Versions = with(t.Versions, named(v))
	t.Refused = slices.DeleteFunc(t.Refused, func(r report.Version) bool { return r == named(v) })
}

func (l *learned) refuse(v uint16) {
	if !l.accepts(v) {
		l.tls.Refused = with(l.tls.Refused, named(v))
	}
}

// refuseFrom notes that no version from v down to SSL 3.0 is there.
func (l *learned) refuseFrom(v uint16) {
	for ; v >= hello.SSL3; v-- {
		l.refuse(v)
	}
}

// descend notes which version has answered an offer of v and all below.
func (l *learned) descend(v, answered uint16) {
	for ; v > answered; v-- {
		l.refuse(v)
	}
	if l.lowest == 0 || answered < l.lowest {
		l.lowest = answered
	}
}

func (l *learned) accepts(v uint16) bool {
	return slices.Contains(l.tls.Versions, named(v))
}

// top is the best version accepted so far; empty if none is.
func (l *learned) top() report.Version {
	for _, v := range class.Versions {
		if slices.Contains(l.tls.Versions, v) {
			return v
		}
	}
	return ""
}

// suite notes an accepted suite and returns its entry.
func (l *learned) suite(version, id uint16, dhBits int) *report.Suite {
	t, s := l.tls, hello.SuiteOf(id)
	i := slices.IndexFunc(t.Ciphers, func(c report.Suite) bool {
		return c.Version == named(version) && c.Name == s.Name
	})
	if i < 0 {
		i = len(t.Ciphers)
		t.Ciphers = append(t.Ciphers, report.Suite{Version: named(version), Name: s.Name})
	}
	c := &t.Ciphers[i]
	if c.DHBits == 0 || dhBits > 0 && dhBits < c.DHBits {
		c.DHBits = dhBits
	}
	return c
}

func (l *learned) has(suite string) bool {
	return slices.ContainsFunc(l.tls.Ciphers, func(c report.Suite) bool { return c.Name == suite })
}

// accepted lists the accepted suites of a version that are wanted.
func (l *learned) accepted(version uint16, wanted func(hello.Suite) bool) []uint16 {
	var out []uint16
	for _, c := range l.tls.Ciphers {
		if s, ok := hello.SuiteNamed(c.Name); ok && c.Version == named(version) && wanted(s) {
			out = append(out, s.ID)
		}
	}
	return out
}

func anySuite(hello.Suite) bool { return true }

// ownOrder reports whether a pick shows that the server goes by an order of its own. The
// enumeration goes weakest first, so a pick that a later one stood before was the server's choice.
func (l *learned) ownOrder() bool {
	for i, early := range l.picks {
		for _, late := range l.picks[i+1:] {
			before := slices.Index(early.offered, late.suite)
			if before >= 0 && before < slices.Index(early.offered, early.suite) {
				return true
			}
		}
	}
	return false
}

// group notes a named group. In TLS 1.3 it may be one of the finite field.
func (l *learned) group(id, version uint16) {
	g := hello.GroupOf(id)
	kind := report.Curve
	switch {
	case g.MLKEM:
		kind = report.Hybrid
	case g.Finite:
		kind = report.FiniteField
	}
	l.tls.Groups = with(l.tls.Groups, g.Name)
	l.agreed(g.Name, kind, g.Bits, version)
}

// agreed notes what keys are agreed with, and in which versions.
func (l *learned) agreed(name string, kind report.ExchangeKind, bits int, version uint16) {
	v := named(min(version, hello.TLS12))
	if version == hello.TLS13 {
		v = report.TLS13
	}
	t := l.tls
	i := slices.IndexFunc(t.KeyExchange, func(x report.Exchange) bool { return x.Name == name })
	if i < 0 {
		i = len(t.KeyExchange)
		t.KeyExchange = append(t.KeyExchange, report.Exchange{Name: name, Kind: kind, Bits: bits})
	}
	t.KeyExchange[i].Versions = with(t.KeyExchange[i].Versions, v)
}

// feature returns the features, made when needed.
func (l *learned) feature() *report.Features {
	if l.tls.Features == nil {
		l.tls.Features = &report.Features{}
	}
	return l.tls.Features
}

// atLeastOnce notes what one connection at least showed; always, what every one did.
func atLeastOnce(b **bool, v bool) {
	if *b == nil || v {
		*b = &v
	}
}

func always(b **bool, v bool) {
	if *b == nil || !v {
		*b = &v
	}
}
