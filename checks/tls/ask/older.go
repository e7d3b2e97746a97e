package ask

import (
	"mxseal/checks/internal/hello"
	"mxseal/checks/tls/class"
	"mxseal/checks/tls/probe"
	"slices"
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
	if len(l.tls.Versions) == 0 && slices.Contains(l.tls.Refused, "SSL3") && l.Stopped() == "" { // perhaps it stumbles over extensions
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
		l.Note("SSL2", probe.Refused, "inferred: no library has both TLS 1.3 and SSL 2.0")
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
		case l.top() == hello.VersionName(v):
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
