package ask

import (
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/tls/class"
	"mxseal/checks/tls/probe"
)

// The stage that finds out all of TLS 1.2, and the milestone that the first answer is.
const (
	all12      = "TLS1.2"
	answered12 = all12 + probe.FirstAnswer
)

// offer is what enumerate asks for.
type offer struct {
	version uint16
	suites  []hello.Suite
	limit   int   // suites asked for; 0 for all
	wide    *bool // the server is known to read lists beyond 64 entries
	odd     bool  // oddities may go along; of stages side by side those of one only
}

// windows cuts a list into pieces that every server reads to the end, the usual suites first.
func (o offer) cut(list []hello.Suite) (windows [][]hello.Suite) {
	for end := len(list); end > 0; end -= short {
		windows = append(windows, list[max(0, end-short):end])
		if o.limit == 1 { // only whether the version is there: the usual suites tell
			break
		}
	}
	return windows
}

// enumeration is how far an offer has come.
type enumeration struct {
	offer
	windows  [][]hello.Suite // still to be offered
	hit      map[int]bool    // families that were accepted
	answered uint16          // version that answered; 0 for none
	last     probe.Answer
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
	e := &enumeration{offer: o, hit: make(map[int]bool), windows: [][]hello.Suite{o.suites}}
	if l.Unclear() && !*o.wide { // it was silent before, perhaps at the length
		e.windows = o.cut(o.suites)
	}
	for more := true; more && len(e.windows) > 0; {
		more = l.next(e)
	}
	return e.answered, e.last
}

// next asks one question of an enumeration, and reports whether there may be another one.
func (l *look) next(e *enumeration) (more bool) {
	list := slices.DeleteFunc(slices.Clone(e.windows[0]), func(s hello.Suite) bool { return l.settled(e.version, s, e.hit) })
	if len(list) == 0 {
		e.windows = e.windows[1:]
		return true
	}
	h, ask := l.classic(e.version, class.IDs(list)), l.Ask
	if e.odd && len(l.picks) >= sure {
		ask = l.carry
	}
	e.last = ask(hello.VersionName(e.version), h)
	long := !*e.wide && len(list) > short
	switch {
	case e.last.Accepted():
		return l.picked(e, list, h)
	case long && !l.Stopped().Made() && e.last.Alert != alertProtocolVersion:
		if e.version < hello.TLS12 && !l.Passed(all12) {
			l.unsure = &e.last // the picks of TLS 1.2 may yet show that the server reads on
			return false
		}
		e.windows = e.cut(list)
	case e.last.Refused():
		e.windows = e.windows[1:]
	default:
		return false
	}
	return true
}

// picked notes which suite of a list was accepted, and reports whether others are to be asked for.
func (l *look) picked(e *enumeration, list []hello.Suite, h *hello.Hello) (more bool) {
	f := e.last.Flight
	at := slices.Index(h.Suites, f.Suite)
	*e.wide = *e.wide || at >= short
	e.answered = max(e.answered, f.Version)
	l.descend(e.version, f.Version)
	l.Pass(answered12)
	if f.Version != e.version {
		return false
	}
	if e.version == hello.TLS12 {
		l.picks = append(l.picks, pick{f.Suite, h.Suites})
	}
	e.hit[class.Family(list[at])] = true
	e.limit--
	return e.limit != 0
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
		if c.Version == named(version) && c.Name == s.Name && (l.full || hit[class.Family(s)]) {
			return true
		}
	}
	if l.full || !hit[class.Family(s)] {
		return false
	}
	return s.KeyExchange != "ECDHE" || s.Auth == "anon" || l.auths[s.Auth]
}
