package ask

import (
	"cmp"
	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
	"slices"
)

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
		if !slices.Contains(l.tls.Versions, hello.VersionName(v)) {
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
			if l.has(suite.Name) && l.Stopped() == "" {
				l.tls.NotAsked = append(l.tls.NotAsked, report.Suite{Version: hello.VersionName(s.version), Name: suite.Name})
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
	for ; len(s.left) > 0 && l.Stopped() == ""; most-- {
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
