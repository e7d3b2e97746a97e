package ask

import (
	"cmp"
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
	"mxseal/checks/tls/probe"
)

// older goes on below the version that has answered: one hello offers all that a version
// knows, the server answers with the best it has, and the next hello stops just below. A
// refusal rules out whatever is left.
func (l *look) older() {
	l.unsure = nil
	for l.lowest > hello.SSL3 {
		v := l.lowest - 1
		answered, a := l.enumerate(offer{version: v, suites: class.WeakestFirst(v), limit: 1, wide: &l.wide})
		if answered == 0 {
			if l.unsure == nil && l.Confirmed(a) {
				l.refuseFrom(v)
			}
			break
		}
	}
	if len(l.tls.Versions) == 0 && slices.Contains(l.tls.Refused, report.SSL3) && !l.Stopped().Made() { // perhaps it stumbles over extensions
		l.enumerate(offer{version: hello.SSL3, suites: class.WeakestFirst(hello.SSL3), limit: 1, wide: &l.wide})
	}
}

// leftovers offers at the lowest version what no other one showed: some libraries keep
// their worst suites for old versions.
//
// Before that it settles what older has left open until all of TLS 1.2 was known: whether a
// list was refused for what is in it, or for its length.
func (l *look) leftovers() {
	if l.unsure != nil {
		if !l.wide {
			l.older()
		} else if l.Confirmed(*l.unsure) {
			l.refuseFrom(l.lowest - 1)
		}
	}
	if l.lowest == 0 || l.lowest == hello.TLS12 {
		return
	}
	shown := make(map[int]bool)
	for _, c := range l.tls.Ciphers {
		if s, ok := hello.SuiteNamed(c.Name); ok {
			shown[class.Family(s)] = true
		}
	}
	l.enumerate(offer{version: l.lowest, suites: slices.DeleteFunc(class.WeakestFirst(l.lowest), func(s hello.Suite) bool {
		return shown[class.Family(s)] && !l.full || l.has(s.Name)
	}), wide: &l.wide})
}

// ssl2 asks for SSL 2.0, which no library has that has TLS 1.3.
func (l *look) ssl2() *hello.Hello {
	if l.accepts(hello.TLS13) && !l.full {
		l.Note("SSL2", report.ProbeRefused, report.Say(report.SaysInferred))
		l.refuse(hello.SSL2)
		return nil
	}
	return &hello.Hello{Version: hello.SSL2}
}

func (l *look) noSSL2(a probe.Answer) {
	if a.Refused() {
		l.refuse(hello.SSL2)
	}
}

// fallback asks for the best version below TLS 1.2 as a client does that has failed with a
// better one (RFC 7507): a server that knows the sign refuses, since it has better.
func (l *look) fallback() *hello.Hello {
	for v := hello.TLS11; v >= hello.SSL3; v-- {
		switch {
		case !l.accepts(v):
		case l.top() == named(v):
			return nil
		default:
			return l.classic(v, append(l.accepted(v, anySuite), hello.FallbackSCSV))
		}
	}
	return nil
}

func (l *look) fellBack(a probe.Answer) {
	const inappropriateFallback = 86
	if known := a.Refused() && a.Alert == inappropriateFallback; known || a.Accepted() {
		l.feature().FallbackSCSV = &known
	}
}

// spare is how many connections are kept for what has to be asked once more at the end.
const spare = 4

// eachVersion lists at full depth every version below TLS 1.2 by itself. It comes last: what
// the connections no longer suffice for is noted as not asked, and by then it can only be what
// a newer version has shown already. The versions go side by side, the better one with as much of
// what is left as it can need.
func (l *look) eachVersion() {
	var versions []*single
	var parts []func()
	left := l.Left() - spare
	for v := hello.TLS11; v >= hello.SSL3; v-- {
		if !l.accepts(v) {
			continue
		}
		s := &single{version: v, left: class.WeakestFirst(v)}
		slices.SortStableFunc(s.left, func(a, b hello.Suite) int { // the likely ones first
			return cmp.Compare(bit(!l.has(a.Name)), bit(!l.has(b.Name)))
		})
		need := len(s.left)/short + 1 // refusals
		for _, suite := range s.left {
			need += bit(l.has(suite.Name))
		}
		share := max(0, min(need, left))
		left -= share
		versions = append(versions, s)
		parts = append(parts, func() { l.row(func() { l.byItself(s, share) }) })
	}
	l.SideBySide(parts...)
	for _, s := range versions {
		l.byItself(s, l.Left()-spare)
		for _, suite := range s.left {
			if l.has(suite.Name) && !l.Stopped().Made() {
				l.tls.NotAsked = append(l.tls.NotAsked, report.Suite{Version: named(s.version), Name: suite.Name})
			}
		}
	}
}

// single is a version that is listed by itself, and which suites are still to be offered in it.
type single struct {
	version uint16
	left    []hello.Suite
}

// byItself goes on with a version for so many questions at most.
func (l *look) byItself(s *single, most int) {
	for ; len(s.left) > 0 && !l.Stopped().Made(); most-- {
		s.left = slices.DeleteFunc(s.left, func(suite hello.Suite) bool { return l.settled(s.version, suite, nil) })
		offer := s.left
		if !l.wide {
			offer = offer[:min(len(offer), short)]
		}
		if len(offer) == 0 || most <= 0 {
			return
		}
		a := l.Ask(hello.VersionName(s.version), l.classic(s.version, class.IDs(offer)))
		switch {
		case a.Accepted() && a.Flight.Version == s.version:
		case a.Accepted(), a.Refused():
			s.left = s.left[len(offer):]
		default: // it says of itself what was not asked
			s.left = nil
		}
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
