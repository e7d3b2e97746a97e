package tls

import (
	"cmp"
	"crypto/tls"
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
	"mxseal/checks/tls/probe"
)

// everything finds out what the server chooses from all there is, best first. A server
// whose first handshake was TLS 1.3 has said so already.
func (l *look) everything(first *tls.ConnectionState) {
	if first != nil && first.Version == tls.VersionTLS13 {
		l.suite(first.Version, first.CipherSuite, 0).Chosen = true
		return
	}
	h := l.usual()
	h.Suites = class.IDs(class.StrongestFirst())
	h.Groups = append(slices.Clone(commonGroups), curvesWhere(func(g hello.Group) bool {
		return strongCurve(g) && !slices.Contains(commonGroups, g.ID)
	})...)
	h.Versions = []uint16{hello.TLS13, hello.TLS12, hello.TLS11, hello.TLS10}
	if a := l.Ask("everything", h); a.Accepted() {
		f := a.Flight
		l.suite(f.Version, f.Suite, 0).Chosen = true
		if first == nil && a.Completed {
			l.tls.Version, l.tls.Cipher = hello.VersionName(f.Version), hello.SuiteOf(f.Suite).Name
			if f.Group != 0 {
				l.tls.Group = hello.GroupOf(f.Group).Name
			}
		}
	}
	if first != nil { // the best it shares with us, though not with the whole of this hello
		l.suite(first.Version, first.CipherSuite, 0)
	}
}

// The stage that finds out all of TLS 1.2, and the milestone that the first answer is.
const (
	all12      = "TLS1.2"
	answered12 = all12 + probe.FirstAnswer
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

// row carries out questions of which each is likely to be followed by another one. Only at full
// depth are there so many that connections are worth opening ahead, though one be in vain.
func (l *look) row(ask func()) {
	if l.full {
		l.Chain(ask)
	} else {
		ask()
	}
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
	l.SideBySide(
		func() {
			l.row(func() { l.enumerate(offer{version: hello.TLS12, suites: half[0], wide: &wide[0], odd: true}) })
		},
		func() {
			l.row(func() { l.enumerate(offer{version: hello.TLS12, suites: half[1], wide: &wide[1]}) })
		},
	)
	l.wide = wide[0] || wide[1]
	slices.SortStableFunc(l.tls.Ciphers, func(a, b report.Suite) int {
		return cmp.Or(class.CompareVersions(a.Version, b.Version), cmp.Compare(order[a.Name], order[b.Name]))
	})
}

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
	if len(l.tls.Versions) == 0 && slices.Contains(l.tls.Refused, "SSL3") && l.Stopped() == "" { // perhaps it stumbles over extensions
		l.enumerate(offer{version: hello.SSL3, suites: class.WeakestFirst(hello.SSL3), limit: 1, wide: &l.wide})
	}
}

// refuseFrom notes that no version from v down to SSL 3.0 is there.
func (l *look) refuseFrom(v uint16) {
	for ; v >= hello.SSL3; v-- {
		l.refuse(v)
	}
}

// descend notes which version has answered an offer of v and all below.
func (l *look) descend(v, answered uint16) {
	for ; v > answered; v-- {
		l.refuse(v)
	}
	if l.lowest == 0 || answered < l.lowest {
		l.lowest = answered
	}
	l.Pass(answered12)
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

func (l *look) has(suite string) bool {
	for _, c := range l.tls.Ciphers {
		if c.Name == suite {
			return true
		}
	}
	return false
}

// offer is what enumerate asks for.
type offer struct {
	version uint16
	suites  []hello.Suite
	limit   int   // suites asked for; 0 for all
	wide    *bool // the server is known to read lists beyond 64 entries
	odd     bool  // oddities may go along; of stages side by side those of one only
}

// enumerate asks which of the suites a version accepts: each hello offers what is not yet
// known, each answer takes one suite away (at standard depth its whole family), and a
// refusal ends it. It returns the version that answered, 0 for none, and the last answer.
// An answer in a lower version ends it.
//
// Lists of more than 64 suites are too long for some servers, which stop reading there. A
// pick from beyond shows that this one reads on; without such a pick a refusal is asked
// again in lists of 64.
func (l *look) enumerate(o offer) (answered uint16, last probe.Answer) {
	hit := make(map[int]bool)
	windows := [][]hello.Suite{o.suites}
	if l.Unclear() && !*o.wide { // it was silent before, perhaps at the length
		windows = o.windows(o.suites)
	}
	for len(windows) > 0 {
		list := slices.DeleteFunc(slices.Clone(windows[0]), func(s hello.Suite) bool { return l.settled(o.version, s, hit) })
		if len(list) == 0 {
			windows = windows[1:]
			continue
		}
		h, ask := l.classic(o.version, class.IDs(list)), l.Ask
		if o.odd && len(l.picks) >= sure {
			ask = l.carry
		}
		last = ask(hello.VersionName(o.version), h)
		long := !*o.wide && len(list) > short
		switch {
		case last.Accepted():
			at := slices.Index(h.Suites, last.Flight.Suite)
			*o.wide = *o.wide || at >= short
			answered = max(answered, last.Flight.Version)
			l.descend(o.version, last.Flight.Version)
			if last.Flight.Version != o.version {
				return answered, last
			}
			if o.version == hello.TLS12 {
				l.picks = append(l.picks, pick{last.Flight.Suite, h.Suites})
			}
			hit[class.Family(list[at])] = true
			if o.limit--; o.limit == 0 {
				return answered, last
			}
		case long && l.Stopped() == "" && last.Alert != alertProtocolVersion:
			if o.version < hello.TLS12 && !l.Passed(all12) {
				l.unsure = &last // the picks of TLS 1.2 may yet show that the server reads on
				return answered, last
			}
			windows = o.windows(list)
		case last.Refused():
			windows = windows[1:]
		default:
			return answered, last
		}
	}
	return answered, last
}

// windows cuts a list into pieces that every server reads to the end, the usual suites first.
func (o offer) windows(list []hello.Suite) (windows [][]hello.Suite) {
	for end := len(list); end > 0; end -= short {
		windows = append(windows, list[max(0, end-short):end])
		if o.limit == 1 { // only whether the version is there: the usual suites tell
			break
		}
	}
	return windows
}

const alertProtocolVersion = 70

// short is how long a list of suites may be for every server.
const short = 64

// sure is after how many picks a server is taken to have more: fewer are what a strict one has.
const sure = 4

// settled reports whether nothing is to be learned from offering a suite again: it is
// known, or at standard depth its family is. Of the ECDHE families both key types are
// wanted until a certificate of each was seen.
func (l *look) settled(version uint16, s hello.Suite, hit map[int]bool) bool {
	for _, c := range l.tls.Ciphers {
		if c.Version == hello.VersionName(version) && c.Name == s.Name && (l.full || hit[class.Family(s)]) {
			return true
		}
	}
	if l.full || !hit[class.Family(s)] {
		return false
	}
	return s.KeyExchange != "ECDHE" || s.Auth == "anon" || l.auths[s.Auth]
}

// ssl2 asks for SSL 2.0, which no library has that has TLS 1.3.
func (l *look) ssl2() {
	if slices.Contains(l.tls.Versions, "TLS1.3") && !l.full {
		l.Note("SSL2", "refused", "inferred: no library has both TLS 1.3 and SSL 2.0")
		l.refuse(hello.SSL2)
		return
	}
	if l.Ask("SSL2", &hello.Hello{Version: hello.SSL2}).Refused() {
		l.refuse(hello.SSL2)
	}
}
