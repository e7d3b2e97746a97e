package ask

import (
	"cmp"
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
	"mxseal/checks/tls/probe"
)

// tls12 offers all suites there are in TLS 1.2, until no more is accepted. The first answer
// is in the best version that the server has up to that; a refusal rules out all.
func (l *look) tls12() {
	all := offer{version: hello.TLS12, suites: class.WeakestFirst(hello.TLS12), wide: &l.wide, odd: true}
	if l.full {
		all.limit = sure
	}
	l.row(func() {
		answered, a := l.enumerate(all)
		if answered == 0 && l.Confirmed(a) {
			l.refuseFrom(hello.TLS12)
		}
	})
	if !l.full || len(l.picks) < sure {
		return
	}
	if l.ownOrder() { // which one chain shows
		all.limit = 0
		l.row(func() { l.enumerate(all) })
		return
	}
	l.halves(all.suites)
}

// halves goes on with a server that has more than a few suites and no order of its own, in two
// chains side by side, each for every other suite: one would take as long as all else together.
func (l *look) halves(suites []hello.Suite) {
	var half [2][]hello.Suite
	order := make(map[string]int) // that does not depend on whose answers came first
	for i, s := range suites {
		half[i%2] = append(half[i%2], s)
		order[s.Name] = 1 + i%2
	}
	for _, p := range l.picks {
		order[hello.SuiteOf(p.suite).Name] = 0
	}
	wide := [2]bool{l.wide, l.wide}
	every := func(i int) func() {
		o := offer{version: hello.TLS12, suites: half[i], wide: &wide[i], odd: i == 0}
		return func() { l.row(func() { l.enumerate(o) }) }
	}
	l.SideBySide(every(0), every(1))
	l.wide = wide[0] || wide[1]
	slices.SortStableFunc(l.tls.Ciphers, func(a, b report.Suite) int {
		return cmp.Or(class.CompareVersions(a.Version, b.Version), cmp.Compare(order[a.Name], order[b.Name]))
	})
}

// certain is from how many picks in our order on it is taken for the server's rule, since
// weakest first is nobody's own order.
const certain = 6

// order says whose order counts where the enumeration has shown it. When all picks followed our
// order and are few, two suites are offered the other way round.
func (l *look) order() *hello.Hello {
	l.tls.Preference = report.PreferenceUnknown
	switch {
	case l.ownOrder():
		l.preferred(report.PrefersServer)
	case len(l.picks) >= certain:
		l.preferred(report.PrefersClient)
	case len(l.picks) >= 2:
		return l.classic(hello.TLS12, []uint16{l.picks[1].suite, l.picks[0].suite})
	}
	return nil
}

func (l *look) ordered(a probe.Answer) {
	switch {
	case !a.Accepted():
	case a.Flight.Suite == l.picks[0].suite:
		l.preferred(report.PrefersServer)
	default:
		l.preferred(report.PrefersClient)
	}
}

// preferred notes whose order counts. What a server of its own mind picked first in TLS 1.2
// it picked from everything, also where a better version kept it from saying so before.
func (l *look) preferred(whose report.Preference) {
	l.tls.Preference = whose
	asked := slices.ContainsFunc(l.tls.Ciphers, func(c report.Suite) bool { return c.Chosen && c.Version == report.TLS12 })
	if whose == report.PrefersServer && !asked {
		l.suite(hello.TLS12, l.picks[0].suite, 0).Chosen = true
	}
}
