package tls

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
)

// Derive says of all that was seen of each server which class it is of (package class).
func Derive(r report.Observed) {
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			if a.TLS != nil {
				class.Derive(a.TLS)
			}
		}
	}
}

// Judge turns what was seen of every address into findings. A list that was not asked for
// is not spoken of.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement(ID, Rules)
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			if a.TLS == nil {
				continue
			}
			e := prepare(j, h.Name, a)
			e.large = r.LargeHellos || slices.ContainsFunc(r.Hosts, func(o *report.Host) bool { return slices.ContainsFunc(o.Addresses, takesLarge) })
			e.versions()
			e.chosenSuite()
			e.acceptedSuites()
			e.notAsked()
			e.order()
			e.keyExchange()
			e.common()
			e.features()
			e.stapling()
			e.strangers(a)
			e.untested()
		}
	}
	return j.Findings()
}

// evidence is what is known of one address, made ready to be judged.
type evidence struct {
	*report.TLS
	judgement *report.Judgement
	host, ip  string
	smtp      *report.SMTP
	top       string  // best version accepted; empty if none is known
	suites    []suite // accepted; SSL 2.0 has no part in it, TLS-05 says all of that
	large     bool    // a hello of more than one packet came through elsewhere
	chosen    *suite  // picked in the best version although everything was offered; nil if not asked
}

type suite struct {
	report.Suite
	is hello.Suite
}

// below reports whether version a is older than b.
func below(a, b string) bool { return class.CompareVersions(a, b) > 0 }

// spoken writes a version as people do: TLS 1.2, SSL 3.0.
func spoken(version string) string {
	if protocol, number, ok := strings.Cut(version, "SSL"); ok {
		return protocol + "SSL " + number + ".0"
	}
	return strings.Replace(version, "TLS", "TLS ", 1)
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

func (e *evidence) accepts(version string) bool { return slices.Contains(e.Versions, version) }

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
func (e *evidence) session() bool { return e.smtp == nil || e.smtp.STARTTLS != "handshake-failed" }

func (e *evidence) versions() {
	switch {
	case e.accepts("TLS1.3") && e.chosen != nil && e.chosen.Version != "TLS1.3" && len(e.suites) > 0:
		e.add("TLS-06").With("chosen", spoken(e.chosen.Version)).Showing(e.chosen.Version + " " + e.chosen.Name)
	case e.accepts("TLS1.3"):
		if e.session() {
			e.add("TLS-01")
		}
	case e.top == "TLS1.2" && e.minds13():
		e.add("TLS-67")
	case e.top == "TLS1.2" && slices.Contains(e.Refused, "TLS1.3"):
		if e.session() {
			e.add("TLS-02")
		}
	case e.top == "TLS1.1", e.top == "TLS1.0":
		f := e.add("TLS-09").With("version", spoken(e.top))
		if e.smtp != nil && slices.ContainsFunc(e.smtp.Ladder, func(r report.Rung) bool {
			return r.OK && (strings.HasPrefix(r.Hello, "tls1") || r.Version == e.top)
		}) {
			f.Setting().Repairing() // SMT-19 sets the fact already
		}
	case e.top == "SSL3", e.top == "SSL2":
		f := e.add("TLS-10").With("version", spoken(e.top))
		if e.smtp != nil && e.smtp.STARTTLS == "handshake-failed" {
			f.Setting().Repairing() // SMT-18 sets the fact already
		}
	}
	if e.top == "TLS1.3" && slices.Contains(e.Refused, "TLS1.2") && !e.accepts("TLS1.2") && e.session() && e.smtp != nil && isFalse(e.smtp.Enforced) {
		e.add("TLS-75")
	}
	if e.accepts("TLS1.3") || e.accepts("TLS1.2") {
		var old []string
		for _, v := range []string{"TLS1.1", "TLS1.0"} {
			if e.accepts(v) {
				old = append(old, spoken(v))
			}
		}
		if len(old) > 0 {
			e.add("TLS-03").With("versions", strings.Join(old, " and "))
		}
	}
	if e.accepts("SSL3") && below("SSL3", e.top) {
		e.add("TLS-04")
	}
	if e.accepts("SSL2") && below("SSL2", e.top) {
		f := e.add("TLS-05")
		for _, c := range e.Ciphers {
			if c.Version == "SSL2" {
				f.Showing("SSL2 " + c.Name)
			}
		}
	}
}

func (e *evidence) features() {
	f := e.Features
	if f == nil {
		return
	}
	if isTrue(f.GREASEIntolerant) {
		e.add("TLS-07")
	}
	if isTrue(f.HybridIntolerant) {
		e.hybrid()
	}
	switch {
	case weakHash(f.KeyExchangeHash):
		e.add("TLS-50").With("hash", f.KeyExchangeHash)
	case isTrue(f.WeakHash):
		e.add("TLS-51")
	}
	if isFalse(f.SecureRenegotiation) {
		e.add("TLS-52")
	}
	if isTrue(f.Renegotiation) {
		e.add("TLS-53")
	}
	if isFalse(f.ExtendedMasterSecret) {
		e.add("TLS-54")
	}
	if isTrue(f.Compression) {
		e.add("TLS-55")
	}
	if isTrue(f.EarlyData) {
		e.add("TLS-56").With("bytes", e.MaxEarlyData)
	}
	e.sessions()
	switch {
	case isTrue(f.NeedsSNI):
		e.add("TLS-61").With("which", "that name no host")
	case isTrue(f.RefusesUnknownName):
		e.add("TLS-61").With("which", "that name a host it does not know")
	}
	if isTrue(f.TruncatedHMAC) {
		e.add("TLS-62")
	}
	if isTrue(f.Heartbeat) {
		e.add("TLS-65")
	}
	if isFalse(f.FallbackSCSV) {
		e.add("TLS-66")
	}
}

// week is the longest life of a session ticket (RFC 9846 §4.7.1), in seconds.
const week = 7 * 24 * 60 * 60

// sessions judges whether sessions are taken up again, and for how long.
func (e *evidence) sessions() {
	f := e.Features
	if !isTrue(f.Tickets) && !isTrue(f.Resumed) {
		return
	}
	how := "tickets are given out"
	switch {
	case isTrue(f.Resumed):
		how = "a second connection took the first session up again"
	case isFalse(f.Resumed):
		how = "tickets are given out, but a second connection was not taken up"
	}
	finding := e.add("TLS-57").With("how", how)
	if e.TicketLifetime > 0 {
		finding.Showing(fmt.Sprintf("longest lifetime of a ticket: %d s", e.TicketLifetime))
	}
	if e.TicketLifetime > week {
		finding.As(report.Warn)
	}
}

func (e *evidence) stapling() {
	if e.Staple == nil {
		return
	}
	switch status := e.Staple.Status; {
	case status == "revoked":
		e.add("TLS-59")
	case e.MustStaple && status != "good":
		e.add("TLS-60").Showing("staple: " + status)
	case status != "absent":
		e.add("TLS-58").With("staple", status)
	}
}

// unasked reports whether some question was not answered.
func (e *evidence) unasked() bool {
	return slices.ContainsFunc(e.Probes, func(p report.Probe) bool { return p.Result == "untested" })
}

func (e *evidence) untested() {
	if !e.unasked() {
		return
	}
	f := e.add("TLS-64")
	for _, p := range e.Probes {
		if p.Result == "untested" {
			if f.Params == nil {
				f.With("reason", p.Text)
			}
			f.Showing(p.Name + ": " + p.Text)
		}
	}
}

func isTrue(b *bool) bool  { return b != nil && *b }
func isFalse(b *bool) bool { return b != nil && !*b }
