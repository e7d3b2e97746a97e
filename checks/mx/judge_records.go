package mx

import (
	"slices"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// judgeRecords judges the MX RRset.
func judgeRecords(j *report.Judgement, r report.Observed) {
	mx := r.MX
	if steps := mx.DNSSEC.Steps; len(steps) > 0 {
		j.Add("MX-10").With("target", steps[len(steps)-1].Target)
	}
	if judgeNone(j, mx) {
		return
	}
	if mx.DNSSEC.State == report.Bogus {
		j.Add("MX-03")
	}
	judgeTargets(j, r)
	judgeVain(j, r.Hosts)
	for _, registrable := range mx.Unregistered {
		for _, h := range r.Hosts {
			if h.Name == registrable || strings.HasSuffix(h.Name, "."+registrable) {
				j.Add("MX-16").At(h.Name, "").With("registrable", registrable)
			}
		}
	}
	if len(mx.Wildcard) > 0 {
		j.Add("MX-35").Showing(mx.Wildcard...)
	}
	judgeLimits(j, r)
	for _, name := range providers(r.Hosts) {
		j.Add("MX-26").With("provider", name)
	}
}

// judgeNone judges an answer that names no host, and reports whether it is one.
func judgeNone(j *report.Judgement, mx *report.MX) bool {
	if denied := mx.State == report.MXNoDomain || mx.State == report.MXNone || mx.State == report.MXNull; denied && mx.DNSSEC.State == report.Bogus {
		j.Add("MX-27")
		return true
	}
	switch mx.State {
	case report.MXNoDomain:
		j.Add("MX-01")
	case report.MXError:
		judgeError(j, mx)
	case report.MXNone:
		j.Add("MX-06")
	case report.MXNull:
		if first := slices.IndexFunc(mx.Records, func(r report.Record) bool { return r.Preference != 0 }); first >= 0 {
			j.Add("MX-08").With("preference", mx.Records[first].Preference)
		} else {
			j.Add("MX-07")
		}
	default:
		return false
	}
	return true
}

// judgeError judges a question for MX records that failed.
func judgeError(j *report.Judgement, mx *report.MX) {
	reason := report.Say(report.SaysNoAnswer)
	if mx.Failure != nil {
		reason = mx.Failure.Statement.Or(mx.Failure.Text)
	}
	if mx.Failure != nil && mx.Failure.Kind == report.KindLoop {
		j.Add("MX-11").Saying("reason", reason)
		return
	}
	f := j.Add("MX-02").Saying("reason", reason)
	if !mx.DNSSEC.Witnessed() { // it may be our resolver, or the way to it
		f.Setting(report.NotTestable, report.Provisional)
	}
}

// judgeTargets judges records that name no host, or one twice.
func judgeTargets(j *report.Judgement, r report.Observed) {
	times := make(map[string]int)
	for _, record := range r.MX.Records {
		switch record.Skipped {
		case report.SkippedLiteral:
			j.Add("MX-13").With("target", record.Host).Showing(line(r.Domain, record))
		case report.SkippedNull:
			j.Add("MX-09").Showing(line(r.Domain, record))
		default:
			if times[record.Host]++; times[record.Host] == 2 {
				j.Add("MX-19").At(record.Host, "")
			}
		}
	}
}

// judgeVain judges records of which no host has an address.
func judgeVain(j *report.Judgement, hosts []*report.Host) {
	if slices.ContainsFunc(hosts, func(h *report.Host) bool { return h.NotTested != report.NotTestedNoAddress || lookupFailed(h) }) {
		return
	}
	var reasons []string
	for _, h := range hosts {
		reasons = append(reasons, view.Say(reasonOf(h)))
	}
	f := j.Add("MX-15").With("reasons", "").Showing(reasons...)
	if len(reasons) > 0 {
		f.With("reasons", strings.Join(reasons[:min(len(reasons), 3)], " ")+" ")
	}
}

// judgeLimits counts what was left alone.
func judgeLimits(j *report.Judgement, r report.Observed) {
	left := r.MX.Omitted
	var names []string
	for _, h := range r.Hosts {
		if h.NotTested == report.NotTestedLimit {
			left++
			names = append(names, h.Name)
		}
		for _, a := range h.Addresses {
			if a.NotTested == report.NotTestedLimit {
				left++
				names = append(names, h.Name+" "+a.IP)
			}
		}
	}
	if left > 0 {
		j.Add("MX-21").With("left", left).Showing(names...)
	}
}
