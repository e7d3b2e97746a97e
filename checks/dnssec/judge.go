package dnssec

import (
	"cmp"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Judge says which rules apply to the chains of trust. Every fact is set by one finding:
// D.mxdns by SEC-01 to 05, M.addr of a host by SEC-06, 07, 35 or 36, and either by SEC-17 where a
// key that anyone can compute makes a secure chain worthless.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement(ID, Rules)
	if r.MX != nil && r.MX.DNSSEC.State != "" {
		judgeDomain(j, r)
	}
	for _, h := range r.Hosts {
		if len(h.Addresses) > 0 && h.DNSSEC.State != "" {
			judgeAddress(j, r, h)
		}
		judgeDenial(j, h)
	}
	judgeLinks(j, r)
	judgeZones(j, r)
	judgeServers(j, r)
	judgeWitnesses(j, r)
	judgeSignatures(j, r)
	judgePolicies(j, r)
	j.Unanswered("SEC-42", r, rests(r))
	return j.Findings()
}

// judgeDomain judges the way to the MX records.
func judgeDomain(j *report.Judgement, r report.Observed) {
	t := r.MX.DNSSEC
	zone := cmp.Or(culprit(t), r.Domain)
	switch t.State {
	case report.Secure:
		if zone, bits := factorable(t); bits > 0 {
			j.Add("SEC-17").With("zone", zone).With("bits", bits).Setting("D.mxdns=insecure").Fixing("D.mxdns=secure").Showing(lines(t)...)
			return
		}
		j.Add("SEC-01").Showing(lines(t)...)
	case report.Insecure:
		id := "SEC-02"
		if len(t.Steps) > 0 {
			id = "SEC-05"
		}
		j.Add(id).With("zone", zone).Saying("why", t.Statement.Or(t.Detail)).Showing(lines(t)...)
	case report.Bogus:
		j.Add("SEC-03").With("zone", zone).Saying("why", t.Statement.Or(t.Detail)).Showing(lines(t)...).Showing(asked(r, zone)...)
	case report.Indeterminate:
		j.Add("SEC-04").Saying("why", t.Statement.Or(t.Detail)).Showing(lines(t)...).Showing(asked(r, zone)...)
	}
}

// judgeAddress judges the way to the addresses of a mail host, and to the name at which a
// sender asks for its TLSA records.
func judgeAddress(j *report.Judgement, r report.Observed, h *report.Host) {
	t := h.DNSSEC
	zone := cmp.Or(culprit(t), h.Name)
	domain := report.State("")
	if r.MX != nil {
		domain = r.MX.DNSSEC.State
	}
	fix := report.Say(report.SaysHaveSigned, "zone", zone)
	if !within(zone, r.Domain) {
		fix = report.Say(report.SaysAskForSigned, "host", h.Name)
	}
	add := func(id string) *report.Finding {
		return j.Add(id).At(h.Name, "").Saying("fix", fix).Showing(lines(t)...)
	}
	state := func(state report.Says, meaning report.Statement) *report.Finding {
		return add("SEC-06").Saying("state", report.Say(state)).Saying("meaning", meaning)
	}
	signed, unsigned := h.Signing()
	switch h.Base() {
	case report.Secure:
		if zone, bits := factorable(t); bits > 0 {
			j.Add("SEC-17").At(h.Name, "").With("zone", zone).With("bits", bits).Setting("M.addr=insecure").Fixing("M.addr=secure").Showing(lines(t)...)
			return
		}
		if t.State == report.Secure {
			state(report.SaysIsSigned, report.Say(report.SaysAddressSafe)).With("fix", "")
		} else {
			f := add("SEC-35").With("target", cmp.Or(h.Canonical, h.Name)).Saying("why", t.Statement.Or(t.Detail))
			if within(h.Name, r.Domain) {
				f.Saying("fix", report.Say(report.SaysGiveAddresses, "host", h.Name))
			}
		}
		if domain == report.Insecure {
			j.Add("SEC-08").At(h.Name, "").With("zone", cmp.Or(culprit(r.MX.DNSSEC), r.Domain))
		}
	case report.Insecure:
		switch {
		case signed != "" && unsigned != "":
			add("SEC-36").With("signed", signed).With("unsigned", unsigned).Saying("why", t.Statement.Or(t.Detail))
		case domain == report.Secure:
			add("SEC-07").Saying("why", t.Statement.Or(t.Detail))
		default:
			state(report.SaysIsUnsigned, report.Say(report.SaysAddressForgeable).About(t.Statement.Or(t.Detail))).
				As(report.Info).Setting("M.addr=insecure")
		}
	case report.Bogus:
		f := state(report.SaysSignedWrongly, report.Say(report.SaysNoAddressThere).About(t.Statement.Or(t.Detail))).
			Saying("fix", report.Say(report.SaysFixSignatures, "zone", zone)).
			As(report.Fail)
		if domain == report.Bogus && zone == culprit(r.MX.DNSSEC) {
			f.Setting() // the very fault of SEC-03: fixed there, it is fixed here
		} else {
			f.Setting("M.addr=bogus").Fixing("M.addr=secure")
		}
	case report.Indeterminate:
		state(report.SaysSigningUnknown, t.Statement.Or(t.Detail)).With("fix", "").As(report.Untested).Setting(report.Provisional)
	}
}

// judgeDenial judges the answer for TLSA records that are not there. What it does to the
// grade is the DANE check's to say.
func judgeDenial(j *report.Judgement, h *report.Host) {
	t := h.TLSA
	if t.State != report.TLSALookupFail || len(t.Records) > 0 || h.Base() != report.Secure {
		return
	}
	why := report.Statement{}
	switch {
	case t.DNSSEC != nil && t.DNSSEC.Detail != "":
		why = t.DNSSEC.Statement.Or(t.DNSSEC.Detail)
	case t.Failure != nil:
		why = t.Failure.Statement.Or(t.Failure.Text)
	case t.DNSSEC != nil && t.DNSSEC.Contested():
		why = report.Say(report.SaysPartlyUnanswered)
	}
	j.Add("SEC-26").At(h.Name, "").With("base", cmp.Or(t.Base, h.Name)).Saying("why", why)
}

// judgeZones judges what was asked of the zones themselves.
func judgeZones(j *report.Judgement, r report.Observed) {
	if r.DNSSEC == nil {
		return
	}
	for _, z := range r.DNSSEC.Zones {
		if z.DNSKEY && z.Trust.State == report.Insecure && z.Trust.Reason == report.CauseNoDS && culprit(z.Trust) == z.Name {
			j.Add("SEC-09").With("zone", z.Name)
		}
		if registry(z.Name) {
			continue
		}
		judgeVacant(j, z)
		judgeCDS(j, z)
		if n := z.Iterations; n != nil && *n > 50 {
			j.Add("SEC-20").With("zone", z.Name).With("iterations", *n)
		} else if n != nil && *n > 0 {
			j.Add("SEC-19").With("zone", z.Name).With("iterations", *n)
		}
		var what []string
		if z.Salted {
			what = append(what, "a salt")
		}
		if optOut(r, z.Name) {
			what = append(what, "opt-out")
		}
		if len(what) > 0 {
			j.Add("SEC-21").With("zone", z.Name).With("what", strings.Join(what, " and "))
		}
	}
}

// optOut reports whether a denial by the zone rested on an opt-out span.
func optOut(r report.Observed, zone string) bool {
	for t := range trusts(r) {
		if slices.Contains(t.Notes, report.NoteOptOut) && last(*t).Zone == zone {
			return true
		}
	}
	return false
}

// judgePolicies says whether the names of MTA-STS and TLS reporting that are in use are
// signed.
func judgePolicies(j *report.Judgement, r report.Observed) {
	var names []string
	signed := true
	note := func(name string, t *report.Trust) {
		if t != nil && t.State == report.Secure {
			names = append(names, name)
		} else {
			signed = false
		}
	}
	if m := r.MTASTS; m != nil && m.State != report.STSAbsent && m.State != "" {
		note("_mta-sts."+r.Domain, m.DNSSEC)
		if m.Fetch != nil {
			note("mta-sts."+r.Domain, m.Fetch.DNSSEC)
		}
	}
	if t := r.TLSRPT; t != nil && t.State != report.RPTAbsent && t.State != "" {
		note("_smtp._tls."+r.Domain, t.DNSSEC)
	}
	if len(names) == 0 {
		return
	}
	f := j.Add("SEC-27").With("names", strings.Join(names, ", "))
	if signed {
		f.As(report.Pass)
	}
}

// factorable returns the zone of a chain, and the size, of an RSA key below 1024 bits.
func factorable(t report.Trust) (zone string, bits int) {
	for _, l := range t.Chain {
		if n := shortest(l); n > 0 && n < 1024 {
			return l.Zone, n
		}
	}
	return "", 0
}
