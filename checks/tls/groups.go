package tls

import (
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/tls/class"
	"mxseal/checks/tls/probe"
)

// tls13 asks for suites and groups of TLS 1.3 in lockstep: each hello offers what is not
// yet known of both, and each answer tells one of each. Once such a hello is refused the
// two go apart, each with all that is known of the other.
//
// The first hello brings a share of P-384, hardly anybody's favourite: OpenSSL, NSS and
// JSSE then list all groups they have.
func (l *look) tls13() {
	var apart, noSuites, noGroups bool
	for listing := true; ; listing = false {
		suites, groups := l.unknown13()
		if noSuites {
			suites = nil
		}
		if noGroups || l.listed {
			groups = nil
		}
		if len(suites)+len(groups) == 0 {
			return
		}
		knownSuites, knownGroups := l.known13()
		var a probe.Answer
		if listing && len(knownSuites) > 0 {
			ask := suites
			if len(ask) == 0 {
				ask = knownSuites
			}
			a = l.carry("TLS1.3-groups", l.only13(ask, []uint16{hello.P384, 25, hello.P256}, hello.P384))
			if a.Accepted() || a.Refused() { // refused: it may lack the suites, the curves or both
				continue
			}
			return
		}
		askSuites, askGroups, share := suites, groups, uint16(0)
		switch {
		case len(knownSuites) == 0:
			askGroups = groups13(true)
		case len(suites) == 0:
			askSuites = knownSuites
		case apart, len(groups) == 0:
			askGroups = knownGroups
			share = shareable(knownGroups)
		}
		a = l.carry("TLS1.3", l.only13(askSuites, askGroups, share))
		switch {
		case a.Accepted():
		case !a.Refused():
			return
		case len(knownSuites) == 0:
			if l.Confirmed(a) {
				l.refuse(hello.TLS13)
			}
			return
		case !apart && len(suites) > 0 && len(groups) > 0:
			apart = true
		case len(suites) > 0:
			noSuites = true
		default:
			noGroups = true
		}
	}
}

// shareable returns a group of the list that we can make a small share of; 0 for none.
func shareable(list []uint16) uint16 {
	for _, g := range []uint16{hello.X25519, hello.P256, hello.P384, 25} {
		if slices.Contains(list, g) {
			return g
		}
	}
	return 0
}

// otherKeyType asks a server that has nothing below TLS 1.3, where suites do not speak of
// certificates, for one of the other key type.
func (l *look) otherKeyType() {
	suites, groups := l.known13()
	if len(suites) == 0 || l.top() != "TLS1.3" || len(l.tls.Versions) > 1 || len(l.auths) != 1 {
		return
	}
	h := l.only13(suites, groups, shareable(groups))
	h.Schemes = schemesWhere(func(s hello.Scheme) bool { return !l.auths[schemeAuth(s.Name)] })
	l.Ask("other-key-type", h)
}

// anotherKey asks for a certificate of another key type than those known, in one hello of
// both versions that senders use.
func (l *look) anotherKey() {
	h := l.usual()
	h.Suites = slices.DeleteFunc(h.Suites, func(id uint16) bool {
		s := hello.SuiteOf(id)
		return !s.TLS13 && l.auths[s.Auth]
	})
	h.Schemes = schemesWhere(func(s hello.Scheme) bool { return !l.auths[schemeAuth(s.Name)] })
	l.Ask("other-key-type", h)
}

// groups13 lists groups for TLS 1.3: the hybrids and the two that every server should have
// (RFC 9325 §4.2.1), or all.
func groups13(all bool) []uint16 {
	var out []uint16
	for _, g := range hello.Groups {
		common := g.ID == hello.X25519 || g.ID == hello.P256
		rare := g.Finite || g.ID >= 24 && g.ID <= 33 || g.ID == 41
		if g.MLKEM || common || all && rare {
			out = append(out, g.ID)
		}
	}
	return out
}

func (l *look) known13() (suites, groups []uint16) {
	for _, c := range l.tls.Ciphers {
		if s, ok := hello.SuiteNamed(c.Name); ok && s.TLS13 {
			suites = append(suites, s.ID)
		}
	}
	for _, x := range l.tls.KeyExchange {
		if g, ok := hello.GroupNamed(x.Name); ok && slices.Contains(x.Versions, "TLS1.3") {
			groups = append(groups, g.ID)
		}
	}
	return suites, groups
}

// unknown13 lists what is still worth asking for: at standard depth one suite of each class
// among the usual ones, a hybrid group and a common one.
func (l *look) unknown13() (suites, groups []uint16) {
	knownSuites, knownGroups := l.known13()
	for _, s := range hello.Offers(hello.TLS13) {
		usual := s.ID >= 0x1301 && s.ID <= 0x1304
		same := func(id uint16) bool {
			return id == s.ID || !l.full && class.Of(hello.SuiteOf(id), 0) == class.Of(s, 0)
		}
		if (usual || l.full) && !slices.ContainsFunc(knownSuites, same) {
			suites = append(suites, s.ID)
		}
	}
	for _, id := range groups13(l.full) {
		same := func(known uint16) bool {
			return known == id || !l.full && hello.GroupOf(known).MLKEM == hello.GroupOf(id).MLKEM &&
				(hello.GroupOf(id).MLKEM || known == hello.X25519 || known == hello.P256)
		}
		if !slices.ContainsFunc(knownGroups, same) {
			groups = append(groups, id)
		}
	}
	return suites, groups
}
