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

// versions judges the best version, and what is accepted beside it.
func (e *evidence) versions() {
	switch e.top {
	case report.TLS13:
		e.best13()
	case report.TLS12:
		e.best12()
	case report.TLS11, report.TLS10:
		f := e.add("TLS-09").With("version", spoken(e.top))
		if e.smtp != nil && slices.ContainsFunc(e.smtp.Ladder, func(r report.Rung) bool {
			return r.OK && (strings.HasPrefix(string(r.Hello), "tls1") || r.Version == e.top)
		}) {
			f.Setting().Fixing() // SMT-19 sets the fact already
		}
	case report.SSL3, report.SSL2:
		f := e.add("TLS-10").With("version", spoken(e.top))
		if e.smtp != nil && e.smtp.STARTTLS == report.HandshakeFailed {
			f.Setting().Fixing() // SMT-18 sets the fact already
		}
	}
	e.olderVersions()
}

func (e *evidence) best13() {
	if e.chosen != nil && e.chosen.Version != report.TLS13 && len(e.suites) > 0 {
		e.add("TLS-06").With("chosen", spoken(e.chosen.Version)).Showing(e.chosen.String())
	} else if e.session() {
		e.add("TLS-01")
	}
	if slices.Contains(e.Refused, report.TLS12) && !e.accepts(report.TLS12) && e.session() && e.smtp != nil && isFalse(e.smtp.Enforced) {
		e.add("TLS-75")
	}
}

func (e *evidence) best12() {
	switch {
	case e.minds13():
		e.add("TLS-67")
	case slices.Contains(e.Refused, report.TLS13) && e.session():
		e.add("TLS-02")
	}
}

// olderVersions judges what is accepted beside something better.
func (e *evidence) olderVersions() {
	if e.accepts(report.TLS13) || e.accepts(report.TLS12) {
		var old []string
		for _, v := range []report.Version{report.TLS11, report.TLS10} {
			if e.accepts(v) {
				old = append(old, spoken(v))
			}
		}
		if len(old) > 0 {
			e.add("TLS-03").With("versions", strings.Join(old, " and "))
		}
	}
	if e.accepts(report.SSL3) && below(report.SSL3, e.top) {
		e.add("TLS-04")
	}
	if e.accepts(report.SSL2) && below(report.SSL2, e.top) {
		f := e.add("TLS-05")
		for _, c := range e.Ciphers {
			if c.Version == report.SSL2 {
				f.Showing(c.String())
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
		if p.Result == report.ProbeUntested {
			if f.Says == nil {
				f.Saying("reason", p.Statement.Or(p.Text))
			}
			f.Showing(p.Name + ": " + p.Text)
		}
	}
}
