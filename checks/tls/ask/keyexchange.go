package ask

import (
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
	"mxseal/checks/tls/probe"
)

// weakHash asks whether the server signs its TLS 1.2 key exchange with SHA-1 or MD5 when
// nothing better is offered.
func (l *look) weakHash() *hello.Hello {
	suites := l.accepted(hello.TLS12, func(s hello.Suite) bool {
		return s.Auth != "anon" && (s.KeyExchange == "ECDHE" || s.KeyExchange == "DHE")
	})
	if len(suites) == 0 {
		return nil
	}
	h := l.classic(hello.TLS12, suites)
	h.Schemes = schemesWhere(func(s hello.Scheme) bool { return class.WeakHash(s.Hash) })
	return h
}

// signed notes it. Some choose a suite first and fail then, so only a signature counts.
func (l *look) signed(a probe.Answer) {
	if a.Result == report.ProbeUntested {
		return
	}
	k := a.Flight.KeyExchange
	weak := a.Accepted() && k != nil && class.WeakHash(hello.SchemeOf(k.Scheme).Hash)
	l.feature().WeakHash = &weak
}

// curves asks for what the enumeration did not show of TLS 1.2: one of the common curves,
// the weak ones, and at full depth all.
func (l *look) curves() {
	suites := l.accepted(hello.TLS12, func(s hello.Suite) bool { return s.KeyExchange == "ECDHE" })
	if len(suites) == 0 {
		return
	}
	ask := func(name string, groups []uint16) bool {
		h := l.classic(hello.TLS12, suites)
		h.Groups = groups
		return l.Ask(name, h).Accepted()
	}
	if !slices.Contains(l.tls.Groups, "X25519") && !slices.Contains(l.tls.Groups, "P-256") {
		ask("common-curves", []uint16{hello.X25519, hello.P256})
	}
	weak := func(g hello.Group) bool { return !strongCurve(g) }
	if !l.full {
		ask("weak-curves", curvesWhere(weak))
		return
	}
	unseen := func(g hello.Group) bool { return !slices.Contains(l.tls.Groups, g.Name) }
	for more := true; more; {
		list := curvesWhere(func(g hello.Group) bool { return unseen(g) && weak(g) })
		list = append(list, curvesWhere(func(g hello.Group) bool { return unseen(g) && !weak(g) })...)
		more = len(list) > 0 && ask("curves", list)
	}
}
