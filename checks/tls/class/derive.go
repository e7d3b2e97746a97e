package class

import (
	"cmp"
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
)

// Versions lists the versions of the protocol, best first.
var Versions = []report.Version{report.TLS13, report.TLS12, report.TLS11, report.TLS10, report.SSL3, report.SSL2}

// CompareVersions orders versions, best first.
func CompareVersions(a, b report.Version) int {
	return cmp.Compare(slices.Index(Versions, a), slices.Index(Versions, b))
}

// Derive sets beside everything seen of a server its class and how others see it, and puts it in
// order, best first; suites of one version stay in the server's own order where it has one, and
// groups of one class in the order of the registry. What stood there before is forgotten, so that
// it may be called again. Lists are replaced, not written to: reports may share them.
func Derive(t *report.TLS) {
	t.Versions, t.Refused, t.Ciphers, t.NotAsked = slices.Clone(t.Versions), slices.Clone(t.Refused), slices.Clone(t.Ciphers), slices.Clone(t.NotAsked)
	t.Groups, t.DHGroups, t.KeyExchange = slices.Clone(t.Groups), slices.Clone(t.DHGroups), slices.Clone(t.KeyExchange)
	t.Protocols = nil
	for _, v := range Versions {
		if accepted := slices.Contains(t.Versions, v); accepted || slices.Contains(t.Refused, v) {
			p := protocols[v]
			t.Protocols = append(t.Protocols, report.Protocol{Version: v, Accepted: accepted, Class: p.class, Recommended: p.Recommended})
		}
	}
	for i := range t.Ciphers {
		c := &t.Ciphers[i]
		c.Class, c.Recommended = ofNamed(c.Version, c.Name, c.DHBits)
	}
	for i := range t.NotAsked {
		c := &t.NotAsked[i]
		c.Class, _ = ofNamed(c.Version, c.Name, 0)
	}
	for i := range t.KeyExchange {
		x := &t.KeyExchange[i]
		x.Versions = slices.Clone(x.Versions)
		slices.SortFunc(x.Versions, CompareVersions)
		x.Class, x.Recommended = ofExchange(*x), recommendedExchange(*x)
	}
	sort(t)
}

func ofNamed(version report.Version, name string, dhBits int) (class report.Class, s report.Recommended) {
	if version == report.SSL2 {
		return OfKind(name), protocols[version].Recommended
	}
	if suite, known := hello.SuiteNamed(name); known {
		return Of(suite, dhBits), recommendedSuite(suite, dhBits)
	}
	return Of(hello.Suite{}, dhBits), protocols[version].Recommended
}

func sort(t *report.TLS) {
	number := func(name string) uint16 {
		g, _ := hello.GroupNamed(name) // a prime of the server's own is in no registry
		return g.ID
	}
	slices.SortStableFunc(t.Groups, func(a, b string) int { return cmp.Compare(number(a), number(b)) })
	slices.Sort(t.DHGroups)
	slices.SortStableFunc(t.KeyExchange, func(a, b report.Exchange) int {
		return cmp.Or(Compare(a.Class, b.Class), cmp.Compare(number(a.Name), number(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(t.Versions, CompareVersions)
	slices.SortStableFunc(t.Refused, CompareVersions)
	slices.SortStableFunc(t.Ciphers, func(a, b report.Suite) int {
		if c := CompareVersions(a.Version, b.Version); c != 0 || t.Preference == report.PrefersServer {
			return c
		}
		return Compare(a.Class, b.Class)
	})
}
