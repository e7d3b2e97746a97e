package tls

import (
	"slices"

	"mxseal/checks/internal/hello"
)

// tls13 asks for suites and groups of TLS 1.3 in lockstep: each hello offers what is not
// yet known of both, and each answer tells one of each. Once such a hello is refused the
// two go apart, each with all that is known of the other.
//
// The first hello brings a share of P-384, hardly anybody's favourite: OpenSSL, NSS and
// JSSE then list all groups they have.
func (p *prober) tls13() {
	var apart, noSuites, noGroups bool
	for listing := true; ; listing = false {
		suites, groups := p.unknown13()
		if noSuites {
			suites = nil
		}
		if noGroups || p.listed {
			groups = nil
		}
		if len(suites)+len(groups) == 0 {
			return
		}
		knownSuites, knownGroups := p.known13()
		var a answer
		if listing && len(knownSuites) > 0 {
			ask := suites
			if len(ask) == 0 {
				ask = knownSuites
			}
			a = p.carry("TLS1.3-groups", p.only13(ask, []uint16{hello.P384, 25, hello.P256}, hello.P384))
			if a.accepted() || a.refused() { // refused: it may lack the suites, the curves or both
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
		a = p.carry("TLS1.3", p.only13(askSuites, askGroups, share))
		switch {
		case a.accepted():
		case !a.refused():
			return
		case len(knownSuites) == 0:
			if p.confirmed(a) {
				p.refuse(hello.TLS13)
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
func (p *prober) otherKeyType() {
	suites, groups := p.known13()
	if len(suites) == 0 || p.top() != "TLS1.3" || len(p.tls.Versions) > 1 || len(p.auths) != 1 {
		return
	}
	h := p.only13(suites, groups, shareable(groups))
	h.Schemes = schemesWhere(func(s hello.Scheme) bool { return !p.auths[schemeAuth(s.Name)] })
	p.ask("other-key-type", h)
}

// anotherKey asks for a certificate of another key type than those known, in one hello of
// both versions that senders use.
func (p *prober) anotherKey() {
	h := p.usual()
	h.Suites = slices.DeleteFunc(h.Suites, func(id uint16) bool {
		s := hello.SuiteOf(id)
		return !s.TLS13 && p.auths[s.Auth]
	})
	h.Schemes = schemesWhere(func(s hello.Scheme) bool { return !p.auths[schemeAuth(s.Name)] })
	p.ask("other-key-type", h)
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

func (p *prober) known13() (suites, groups []uint16) {
	for _, c := range p.tls.Ciphers {
		if s, ok := hello.SuiteNamed(c.Name); ok && s.TLS13 {
			suites = append(suites, s.ID)
		}
	}
	for _, x := range p.tls.KeyExchange {
		if g, ok := hello.GroupNamed(x.Name); ok && slices.Contains(x.Versions, "TLS1.3") {
			groups = append(groups, g.ID)
		}
	}
	return suites, groups
}

// unknown13 lists what is still worth asking for: at standard depth one suite of each class
// among the usual ones, a hybrid group and a common one.
func (p *prober) unknown13() (suites, groups []uint16) {
	knownSuites, knownGroups := p.known13()
	for _, s := range hello.Offers(hello.TLS13) {
		usual := s.ID >= 0x1301 && s.ID <= 0x1304
		same := func(id uint16) bool {
			return id == s.ID || !p.full && classOf(hello.SuiteOf(id), 0) == classOf(s, 0)
		}
		if (usual || p.full) && !slices.ContainsFunc(knownSuites, same) {
			suites = append(suites, s.ID)
		}
	}
	for _, id := range groups13(p.full) {
		same := func(known uint16) bool {
			return known == id || !p.full && hello.GroupOf(known).MLKEM == hello.GroupOf(id).MLKEM &&
				(hello.GroupOf(id).MLKEM || known == hello.X25519 || known == hello.P256)
		}
		if !slices.ContainsFunc(knownGroups, same) {
			groups = append(groups, id)
		}
	}
	return suites, groups
}
