package mtasts

import (
	"fmt"
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
	if refused(m.Second) {
		if first == "" {
			j.Add("STS-19").With("what", "Over IPv6 there is no connection. "+why+" Senders go on to IPv4, so they get the policy, later.").
				Showing(m.Fetch.Address+": "+outcome(m.Fetch), m.Second.Address+": "+outcome(m.Second))
		}
		return
	}
	if first == second && (first != "" || m.SecondRaw == "") {
		return
	}
	f := j.Add("STS-19").Showing(m.Fetch.Address+": "+outcome(m.Fetch), m.Second.Address+": "+outcome(m.Second))
	if second != "" {
		f.With("what", "Over IPv6 there is no policy to be had. "+why)
		if m.InForce() {
			f.Setting(invalid...).Repairing(inForce(m.Policy)...)
		}
		return
	}
	if first != "" {
		f.With("what", "Over IPv6 there is a policy, over IPv4 there is none.")
		return
	}
	other := parsePolicy(m.SecondRaw)
	fault, bad := invalidating(other.faults)
	f.With("what", "The files differ.")
	if bad {
		f.With("what", "The file that comes over IPv6 is no policy: "+fault.text+".")
	}
	if !m.InForce() {
		return
	}
	if bad {
		f.Setting(invalid...).Repairing(inForce(m.Policy)...)
		return
	}
	f.Setting(inForce(&other.Policy)...).Repairing(inForce(m.Policy)...)
	judgeSecondHosts(j, r, other)
}

// judgeSecondHosts names the mail servers that only the first file covers.
func judgeSecondHosts(j *report.Judgement, r report.Observed, other *policy) {
	if other.Mode == "none" {
		return
	}
	for _, h := range r.Hosts {
		if pattern(r.MTASTS.Policy.MX, h.Name) != "" && pattern(other.MX, h.Name) == "" {
			j.Add("STS-19").At(h.Name, "").With("what", "The file that comes over IPv6 does not cover "+h.Name+".").
				Setting("M.sts=false").Repairing("M.sts=true")
		}
	}
}

// outcome says in a line what a fetch brought.
func outcome(f *report.Fetch) string {
	if f.Failure != nil {
		return f.Failure.Text
	}
	return fmt.Sprintf("status %d", f.Status)
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
		if gone && known.Mode == "enforce" && known.Ends().After(r.CheckedAt) {
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
