package ask

import (
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
)

// tls13 asks for suites and groups of TLS 1.3 in lockstep: each hello offers what is not yet
// known of both, and each answer tells one of each. Once such a hello is refused the
// two go apart, each with all that is known of the other.
func (l *look) tls13() {
	var s lockstep
	for more := l.listing(); more; {
		more = l.step(&s)
	}
}

// lockstep is what refusals have shown of the suites and groups that are still unknown.
type lockstep struct {
	apart              bool // the two no longer go together
	noSuites, noGroups bool // there are no further ones
}

// listing asks with a share of P-384, hardly anybody's favourite: OpenSSL, NSS and JSSE then list
// all groups they have. It reports whether the server goes on answering.
func (l *look) listing() bool {
	suites, groups := l.unknown13()
	known, _ := l.known13()
	if len(known) == 0 || len(suites)+len(groups) == 0 {
		return true
	}
	if len(suites) == 0 {
		suites = known
	}
	a := l.carry("TLS1.3-groups", l.only13(suites, []uint16{hello.P384, 25, hello.P256}, hello.P384))
	return a.Accepted() || a.Refused() // refused: it may lack the suites, the curves or both
}

// step asks one question, and reports whether there may be another one.
func (l *look) step(s *lockstep) (more bool) {
	suites, groups := l.unknown13()
	if s.noSuites {
		suites = nil
	}
	if s.noGroups {
		groups = nil
	}
	if len(suites)+len(groups) == 0 {
		return false
	}
	known, _ := l.known13()
	a := l.carry("TLS1.3", l.together(s, suites, groups))
	switch {
	case a.Accepted():
		return true
	case !a.Refused():
		return false
	case len(known) == 0:
		if l.Confirmed(a) {
			l.refuse(hello.TLS13)
		}
		return false
	case !s.apart && len(suites) > 0 && len(groups) > 0:
		s.apart = true
	case len(suites) > 0:
		s.noSuites = true
	default:
		s.noGroups = true
	}
	return true
}

// together is the hello that asks for suites and groups that are not yet known.
func (l *look) together(s *lockstep, suites, groups []uint16) *hello.Hello {
	knownSuites, knownGroups := l.known13()
	switch {
	case len(knownSuites) == 0:
		return l.only13(suites, groups13(true), 0)
	case len(suites) == 0:
		return l.only13(knownSuites, groups, 0)
	case s.apart, len(groups) == 0:
		return l.only13(suites, knownGroups, shareable(knownGroups))
	}
	return l.only13(suites, groups, 0)
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
func (l *look) otherKeyType() *hello.Hello {
	suites, groups := l.known13()
	if len(suites) == 0 || l.top() != report.TLS13 || len(l.tls.Versions) > 1 || len(l.auths) != 1 {
		return nil
	}
	h := l.only13(suites, groups, shareable(groups))
	h.Schemes = l.otherAuth()
	return h
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
	for _, x := range l.tls.KeyExchange {
		if g, ok := hello.GroupNamed(x.Name); ok && slices.Contains(x.Versions, report.TLS13) {
			groups = append(groups, g.ID)
		}
	}
	return l.accepted(hello.TLS13, anySuite), groups
}

// unknown13 lists what is still worth asking for: at standard depth one suite of each class
// among the usual ones, a hybrid group and a common one.
func (l *look) unknown13() (suites, groups []uint16) {
	knownSuites, knownGroups := l.known13()
	for _, s := range hello.Offers(hello.TLS13) {
		usual := s.ID >= 0x1301 && s.ID <= 0x1304
		same := func(known uint16) bool {
			return known == s.ID || !l.full && class.Of(hello.SuiteOf(known), 0) == class.Of(s, 0)
		}
		if (usual || l.full) && !slices.ContainsFunc(knownSuites, same) {
			suites = append(suites, s.ID)
		}
	}
	if l.listed {
		return suites, nil
	}
	for _, id := range groups13(l.full) {
		same := func(known uint16) bool { return known == id || !l.full && alike(known, id) }
		if !slices.ContainsFunc(knownGroups, same) {
			groups = append(groups, id)
		}
	}
	return suites, groups
}

// alike reports whether a known group tells all that the judge asks of another: a hybrid that of
// hybrids, a common one that of the others.
func alike(known, id uint16) bool {
	hybrid := hello.GroupOf(id).MLKEM
	return hello.GroupOf(known).MLKEM == hybrid && (hybrid || known == hello.X25519 || known == hello.P256)
}
