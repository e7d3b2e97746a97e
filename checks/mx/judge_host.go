package mx

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// judgeHost judges one mail exchanger and its addresses.
func judgeHost(j *report.Judgement, r report.Observed, h *report.Host) {
	if h.NotTested == report.NotTestedLimit {
		return
	}
	implicit := r.MX != nil && r.MX.State == report.MXImplicit
	preference := report.Effect(fmt.Sprintf("M.pref=%d", h.Preference))
	switch {
	case implicit:
		j.Add("MX-05").At(h.Name, "").Setting(preference).Fixing(preference)
	case r.MX != nil:
		j.Add("MX-04").At(h.Name, "").With("preference", h.Preference).Setting(preference)
	}
	if !implicit {
		judgeAlias(j, r, h)
	}
	judgeAddressed(j, r, h)
	if strings.Contains(h.Name, "_") {
		j.Add("MX-33").At(h.Name, "")
	}
	if p := parked(r.Domain, h); p != nil {
		j.Add("MX-36").At(h.Name, "").With("service", p.Service).Showing(p.Source + ", " + p.AsOf)
	}
	judgeMissing(j, r, h)
	judgeFamilies(j, h)
	judgeForbidden(j, h)
}

// judgeAlias judges a host whose name is an alias of another.
func judgeAlias(j *report.Judgement, r report.Observed, h *report.Host) {
	steps := h.DNSSEC.Steps
	if len(steps) == 0 && h.Canonical == "" {
		return
	}
	target := h.Canonical
	if target == "" {
		target = strings.TrimSuffix(steps[len(steps)-1].Target, ".")
	}
	fix := report.SaysPutRealName
	if h.Base() == report.Secure && h.DNSSEC.State == report.Insecure {
		fix = report.SaysKeepSignedName
	}
	j.Add("MX-12").At(h.Name, "").With("target", target).With("preference", h.Preference).
		Saying("fix", report.Say(fix, "domain", r.Domain, "preference", h.Preference, "target", target, "host", h.Name))
}

// judgeAddressed judges a host of which no address can be used.
func judgeAddressed(j *report.Judgement, r report.Observed, h *report.Host) {
	switch {
	case len(h.Families) > 0 && len(h.Usable()) > 0: // one family is enough to deliver by
	case lookupFailed(h), h.DNSSEC.State == report.Bogus && slices.ContainsFunc(r.Hosts, believed):
		f := j.Add("MX-25").At(h.Name, "").Saying("reason", reasonOf(h)).Saying("fate", report.Say(report.SaysHostSkipped)) // the fact M.addr comes from the check of DNSSEC
		unknown := slices.ContainsFunc(h.Families, func(f report.Family) bool { return !f.Holds() && !f.Broken() })
		if len(h.Addresses) == 0 && (unknown || lookupFailed(h) && !slices.ContainsFunc(h.Families, report.Family.Broken)) {
			f.As(report.Untested).Setting(report.Provisional).Saying("fate", report.Say(report.SaysHostMayBeOurs))
		}
	case h.NotTested == report.NotTestedNoAddress && slices.ContainsFunc(r.Hosts, hasAddress):
		j.Add("MX-14").At(h.Name, "").Saying("reason", reasonOf(h))
	}
}

// judgeForbidden judges addresses to which no mail can go.
func judgeForbidden(j *report.Judgement, h *report.Host) {
	for _, a := range h.Addresses {
		switch {
		case a.NotTested == report.NotTestedMapped:
			j.Add("MX-23").At(h.Name, a.IP)
		case a.NotTested == report.NotTestedForbidden && h.NotTested != report.NotTestedForbidden:
			j.Add("MX-18").At(h.Name, a.IP).Showing(failureLine(a.Failure)...)
		}
	}
	if h.NotTested == report.NotTestedForbidden {
		f := j.Add("MX-17").At(h.Name, "")
		for _, a := range h.Addresses {
			f.Showing(failureLine(a.Failure)...)
		}
	}
}

// judgeFamilies says what a question for addresses came to that failed beside one that holds.
func judgeFamilies(j *report.Judgement, h *report.Host) {
	usable := h.Usable()
	if len(usable) == 0 {
		return
	}
	for _, f := range h.Families {
		if f.Holds() {
			continue
		}
		reason := f.DNSSEC.Statement.Or(f.DNSSEC.Detail)
		if f.Failure != nil {
			reason = f.Failure.Statement.Or(f.Failure.Text)
		}
		id := "MX-29"
		if f.Broken() {
			id = "MX-28"
		}
		j.Add(id).At(h.Name, "").With("type", f.Type).With("other", usable[0].Type).Saying("reason", reason)
	}
}
