package tls

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

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
			f.Setting().Fixing() // SMT-19 sets the fact already
		}
	case e.top == "SSL3", e.top == "SSL2":
		f := e.add("TLS-10").With("version", spoken(e.top))
		if e.smtp != nil && e.smtp.STARTTLS == "handshake-failed" {
			f.Setting().Fixing() // SMT-18 sets the fact already
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
