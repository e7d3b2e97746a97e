package dane

import (
	"slices"
	"time"

	"mxseal/checks/report"
)

// judgeFit holds the records against the certificates of every address.
func judgeFit(j *report.Judgement, r report.Observed, h *report.Host) {
	sights := examine(r, h, (*report.Address).ToDANE)
	if h.TLSA.State == report.TLSAUnusable || len(sights) == 0 {
		return
	}
	inForce := strongest(h.TLSA.Records)
	fits := true
	for _, a := range h.Addresses {
		var here, unmatched []sight
		for _, s := range sights {
			if s.address != a.IP {
				continue
			}
			here = append(here, s)
			if !s.matched(inForce) {
				unmatched = append(unmatched, s)
			}
		}
		switch {
		case len(here) == 0:
			continue
		case len(unmatched) == 0 && further(a):
			fits = false
			j.Add("DAN-38").At(h.Name, a.IP).Saying("why", report.Say(report.SaysMoreShown, "count", a.TLS.FurtherChains)).Showing(compared(h.TLSA, here)...)
		case len(unmatched) == 0:
			j.Add("DAN-09").At(h.Name, a.IP).Showing(compared(h.TLSA, here)...)
			judgeDates(j, r, h, here)
			judgeWays(j, r, h, here)
		case !slices.ContainsFunc(unmatched, func(s sight) bool { return !s.open(h.TLSA) }):
			fits = false
			j.Add("DAN-38").At(h.Name, a.IP).Saying("why", report.Say(unseen(h.TLSA, unmatched))).Showing(compared(h.TLSA, here)...)
		case len(unmatched) < len(here):
			fits = false
			j.Add("DAN-28").At(h.Name, a.IP).Saying("unmatched", report.Say(report.SaysCertificateOfKey, "key", unmatched[0].cert.Key)).
				With("record", line(h, unmatched[0].cert)).Showing(compared(h.TLSA, here)...)
		default:
			fits = false
			judgeMismatch(j, r, h, a, here)
		}
		judgeAgility(j, h, here)
	}
	if fits {
		judgeKinds(j, h, sights)
	}
	judgeUsages(j, h, sights)
}

// judgeMismatch judges an address that serves nothing that fits. DAN-10 carries the fact;
// the others say more closely what is wrong.
func judgeMismatch(j *report.Judgement, r report.Observed, h *report.Host, a *report.Address, here []sight) {
	j.Add("DAN-10").At(h.Name, a.IP).With("record", line(h, here[0].cert)).Showing(compared(h.TLSA, here)...)
	if slices.ContainsFunc(here, func(s sight) bool { return slices.Contains(s.why, absent) }) {
		j.Add("DAN-13").At(h.Name, a.IP).With("record", line(h, here[0].cert))
	}
	judgeBelow(j, h, a, here)
	inForce := strongest(h.TLSA.Records)
	for _, s := range examine(r, h, toOthers) {
		if s.address == a.IP && s.matched(inForce) {
			j.Add("DAN-32").At(h.Name, a.IP).With("base", baseOf(h)).Showing(served(s.cert))
			break
		}
	}
}

// toOthers is what an address presents to those who do not check DANE.
func toOthers(a *report.Address) []*report.Certificate {
	if a.AsBase != nil {
		return a.Certificates
	}
	return a.Unnamed()
}

// judgeDates notes what DANE-EE lets pass and others do not.
func judgeDates(j *report.Judgement, r report.Observed, h *report.Host, here []sight) {
	for _, s := range here {
		if !slices.ContainsFunc(indexes(h.TLSA.Records, s), func(i int) bool { return h.TLSA.Records[i].Usage == 3 }) {
			continue
		}
		fault := report.Statement{}
		switch {
		case s.cert.NotAfter.IsZero(): // it could not be read, which CRT-01 says
		case s.cert.NotAfter.Before(r.CheckedAt):
			fault = report.Say(report.SaysOutOfDate, "since", s.cert.NotAfter.Format(time.DateOnly))
		case s.cert.NotBefore.After(r.CheckedAt):
			fault = report.Say(report.SaysNotValidYet)
		case s.cert.Kept() && !s.cert.NameMatch:
			fault = report.Say(report.SaysForOtherName)
		}
		if fault.Made() {
			j.Add("DAN-35").At(h.Name, s.address).Saying("fault", fault)
			return
		}
	}
}
