package tls

import (
	"slices"
	"strings"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
)

// evidence is what is known of one address, made ready to be judged.
type evidence struct {
	*report.TLS
	judgement *report.Judgement
	host, ip  string
	smtp      *report.SMTP
	top       report.Version // best version accepted; empty if none is known
	suites    []suite        // accepted; SSL 2.0 has no part in it, TLS-05 says all of that
	large     bool           // a hello of more than one packet came through elsewhere
	chosen    *suite         // picked in the best version although everything was offered; nil if not asked
}

type suite struct {
	report.Suite
	is hello.Suite
}

// below reports whether version a is older than b.
func below(a, b report.Version) bool { return class.CompareVersions(a, b) > 0 }

// spoken writes a version as people do: TLS 1.2, SSL 3.0.
func spoken(version report.Version) string {
	if number, ok := strings.CutPrefix(string(version), "SSL"); ok {
		return "SSL " + number + ".0"
	}
	return strings.Replace(string(version), "TLS", "TLS ", 1)
}

func prepare(j *report.Judgement, host string, a *report.Address) *evidence {
	e := &evidence{TLS: a.TLS, judgement: j, host: host, ip: a.IP, smtp: a.SMTP}
	for _, v := range a.TLS.Versions {
		if e.top == "" || below(e.top, v) {
			e.top = v
		}
	}
	for _, s := range a.TLS.Ciphers {
		if is, ok := hello.SuiteNamed(s.Name); ok {
			e.suites = append(e.suites, suite{s, is})
		}
	}
	for i := range e.suites {
		if s := &e.suites[i]; s.Chosen && (e.chosen == nil || below(e.chosen.Version, s.Version)) {
			e.chosen = s
		}
	}
	// Where nothing was enumerated the first handshake was a choice all the same, among
	// suites of which most are good.
	if is, ok := hello.SuiteNamed(e.Cipher); ok && len(a.TLS.Ciphers) == 0 {
		e.chosen = &suite{report.Suite{Version: e.Version, Name: e.Cipher, Class: class.Of(is, 0)}, is}
	}
	return e
}

func (e *evidence) add(rule string) *report.Finding { return e.judgement.Add(rule).At(e.host, e.ip) }

func (e *evidence) accepts(version report.Version) bool { return slices.Contains(e.Versions, version) }

// of returns the accepted suites that are wanted.
func (e *evidence) of(wanted func(suite) bool) []suite {
	var out []suite
	for _, s := range e.suites {
		if wanted(s) {
			out = append(out, s)
		}
	}
	return out
}

// session reports whether a handshake was completed: an answer to a hello is no session yet.
func (e *evidence) session() bool { return e.smtp == nil || e.smtp.STARTTLS != report.HandshakeFailed }

// unasked reports whether some question was not answered.
func (e *evidence) unasked() bool {
	return slices.ContainsFunc(e.Probes, func(p report.Probe) bool { return p.Result == report.ProbeUntested })
}

func isTrue(b *bool) bool  { return b != nil && *b }
func isFalse(b *bool) bool { return b != nil && !*b }
