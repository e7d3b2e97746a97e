package tls

import (
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
	"mxseal/checks/tls/probe"
)

// certain is from how many picks in our order on it is taken for the server's rule, since
// weakest first is nobody's own order.
const certain = 6

// preference says whose order counts. The enumeration went weakest first, so a pick that a
// later one stood before was the server's own choice. When all picks followed our order and
// are few, two suites are offered the other way round.
func (l *look) preference() {
	l.tls.Preference = "unknown"
	if l.ownOrder() {
		l.preferred("server")
		return
	}
	if len(l.picks) >= certain {
		l.preferred("client")
		return
	}
	if len(l.picks) < 2 {
		return
	}
	a, b := l.picks[0].suite, l.picks[1].suite
	if answer := l.Ask("preference", l.classic(hello.TLS12, []uint16{b, a})); answer.Accepted() {
		if answer.Flight.Suite == a {
			l.preferred("server")
		} else {
			l.preferred("client")
		}
	}
}

// ownOrder reports whether a pick shows that the server goes by an order of its own.
func (l *look) ownOrder() bool {
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

// preferred notes whose order counts. What a server of its own mind picked first in TLS 1.2
// it picked from everything, also where a better version kept it from saying so before.
func (l *look) preferred(whose string) {
	l.tls.Preference = whose
	asked := slices.ContainsFunc(l.tls.Ciphers, func(c report.Suite) bool { return c.Chosen && c.Version == "TLS1.2" })
	if whose == "server" && !asked {
		l.suite(hello.TLS12, l.picks[0].suite, 0).Chosen = true
	}
}

// accepted12 lists the accepted TLS 1.2 suites that are wanted.
func (l *look) accepted12(wanted func(hello.Suite) bool) []uint16 {
	var out []uint16
	for _, c := range l.tls.Ciphers {
		if s, ok := hello.SuiteNamed(c.Name); ok && c.Version == "TLS1.2" && wanted(s) {
			out = append(out, s.ID)
		}
	}
	return out
}

// weakHash asks whether the server signs its TLS 1.2 key exchange with SHA-1 or MD5 when
// nothing better is offered. Some choose a suite first and fail then, so only a signature
// counts.
func (l *look) weakHash() {
	suites := l.accepted12(func(s hello.Suite) bool {
		return s.Auth != "anon" && (s.KeyExchange == "ECDHE" || s.KeyExchange == "DHE")
	})
	if len(suites) == 0 {
		return
	}
	h := l.classic(hello.TLS12, suites)
	h.Schemes = schemesWhere(func(s hello.Scheme) bool { return weakHash(s.Hash) })
	a := l.Ask("weak-hash", h)
	if a.Result == probe.Untested {
		return
	}
	k := a.Flight.KeyExchange
	weak := a.Accepted() && k != nil && weakHash(hello.SchemeOf(k.Scheme).Hash)
	l.feature().WeakHash = &weak
}

func weakHash(hash string) bool { return hash == "SHA-1" || hash == "MD5" }

// curves asks for what the enumeration did not show of TLS 1.2: one of the common curves,
// the weak ones, and at full depth all.
func (l *look) curves() {
	suites := l.accepted12(func(s hello.Suite) bool { return s.KeyExchange == "ECDHE" })
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

// fallback asks for the best version below TLS 1.2 as a client does that has failed with a
// better one (RFC 7507): a server that knows the sign refuses, since it has better.
func (l *look) fallback() {
	for _, v := range []uint16{hello.TLS11, hello.TLS10, hello.SSL3} {
		name := hello.VersionName(v)
		if !slices.Contains(l.tls.Versions, name) {
			continue
		}
		if l.top() == name {
			return
		}
		h := l.classic(v, nil)
		for _, c := range l.tls.Ciphers {
			if s, ok := hello.SuiteNamed(c.Name); ok && c.Version == name {
				h.Suites = append(h.Suites, s.ID)
			}
		}
		h.Suites = append(h.Suites, hello.FallbackSCSV)
		const inappropriateFallback = 86
		a := l.Ask("fallback", h)
		if known := a.Refused() && a.Alert == inappropriateFallback; known || a.Accepted() {
			l.feature().FallbackSCSV = &known
		}
		return
	}
}

// top is the best version accepted so far; empty if none is.
func (l *look) top() string {
	for _, v := range class.Versions {
		if slices.Contains(l.tls.Versions, v) {
			return v
		}
	}
	return ""
}
