package mtasts

import (
	"time"

	"mxseal/checks/report"
)

// judgeSecond holds what came over IPv6 against what came over IPv4. A sender may get
// either, so the worse policy is the one that counts.
func judgeSecond(j *report.Judgement, r report.Observed) {
	m := r.MTASTS
	if m.Second == nil || m.Fetch == nil {
		return
	}
	first, _ := fetchFault(m.Fetch)
	second, why := fetchFault(m.Second)
	if unseen(m.Fetch) || unseen(m.Second) {
		return // nothing was learnt there
	}
	both := []string{m.Fetch.Address + ": " + outcome(m.Fetch), m.Second.Address + ": " + outcome(m.Second)}
	switch {
	case refused(m.Second):
		if first == "" {
			j.Add("STS-19").Saying("what", report.Say(report.SaysNoConnectionIPv6).About(why)).Showing(both...)
		}
	case first == second && (first != "" || m.SecondRaw == ""):
	case second != "":
		f := j.Add("STS-19").Saying("what", report.Say(report.SaysNoPolicyIPv6).About(why)).Showing(both...)
		if m.InForce() {
			f.Setting(invalid...).Fixing(inForce(m.Policy)...)
		}
	case first != "":
		j.Add("STS-19").Saying("what", report.Say(report.SaysNoPolicyIPv4)).Showing(both...)
	default:
		judgeOther(j, r, j.Add("STS-19").Showing(both...))
	}
}

// judgeOther judges a file over IPv6 that is not that over IPv4.
func judgeOther(j *report.Judgement, r report.Observed, f *report.Finding) {
	m, other := r.MTASTS, parsePolicy(r.MTASTS.SecondRaw)
	fault, bad := invalidating(other.faults)
	f.Saying("what", report.Say(report.SaysFilesDiffer))
	if bad {
		f.Saying("what", report.Say(report.SaysOtherFileInvalid).About(fault.why))
	}
	if !m.InForce() {
		return
	}
	f.Fixing(inForce(m.Policy)...)
	if bad {
		f.Setting(invalid...)
		return
	}
	f.Setting(inForce(&other.Policy)...)
	judgeSecondHosts(j, r, other)
}

// judgeSecondHosts names the mail servers that only the first file covers.
func judgeSecondHosts(j *report.Judgement, r report.Observed, other *policy) {
	if other.Mode == report.ModeNone {
		return
	}
	for _, h := range r.Hosts {
		if pattern(r.MTASTS.Policy.MX, h.Name) != "" && pattern(other.MX, h.Name) == "" {
			j.Add("STS-19").At(h.Name, "").Saying("what", report.Say(report.SaysOtherFileLacks, "host", h.Name)).
				Setting("M.sts=false").Fixing("M.sts=true")
		}
	}
}

// judgePast holds the policy against what senders have in memory from before.
func judgePast(j *report.Judgement, r report.Observed) {
	m, past := r.MTASTS, r.Past
	if past == nil || past.Policy == nil {
		return
	}
	known := past.Policy
	until := func(p *report.PastPolicy) string { return p.Ends().UTC().Format(time.DateOnly) }
	switch {
	case !m.InForce():
		rule, _ := fetchFault(m.Fetch)
		gone := m.Failure == nil && !unseen(m.Fetch) && (!parseRecord(m.TXT).found || rule != "")
		if gone && known.Mode == report.ModeEnforce && known.Ends().After(r.CheckedAt) {
			j.Add("STS-37").With("until", until(known))
		}
	case m.ID != known.ID:
		if m.Digest() == known.Digest {
			j.Add("STS-36").With("id", m.ID).With("before", known.ID)
		}
	default:
		if past.Announced != nil {
			known = past.Announced // what senders fetched for this id
		}
		if m.Digest() != known.Digest && known.Ends().After(r.CheckedAt) {
			j.Add("STS-35").With("id", m.ID).With("until", until(known)).With("next", r.CheckedAt.UTC().Format("20060102T150405"))
		}
	}
}
