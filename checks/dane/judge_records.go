package dane

import (
	"slices"
	"strings"

	"mxseal/checks/report"

	"golang.org/x/net/publicsuffix"
)

// judgeAlias judges an alias in the place of TLSA records that leads to none. A record of its
// own cannot stand beside it (RFC 1034 §3.6.2).
func judgeAlias(j *report.Judgement, h *report.Host) {
	steps := h.TLSA.DNSSEC.Steps
	at, target := strings.TrimSuffix(steps[0].Name, "."), strings.TrimSuffix(steps[len(steps)-1].Target, ".")
	id, line := "DAN-46", advice(h)
	if h.TLSA.DNSSEC.State != report.Secure {
		id = "DAN-45"
	}
	f := j.Add(id).At(h.Name, "").With("alias", at).With("target", target).With("record", line).With("dot", "").Showing(ready(h)...)
	for _, s := range steps {
		f.Showing(s.Name + " is an alias of " + s.Target)
	}
	for zone := strings.TrimSuffix(steps[len(steps)-1].Name, "."); strings.Contains(zone, "."); {
		_, zone, _ = strings.Cut(zone, ".")
		if head, within := strings.CutSuffix(target, "."+zone); within && strings.Contains(zone, ".") && outside(head, zone) {
			f.Saying("dot", report.Say(report.SaysDotMissing, "name", head))
			break
		}
	}
}

// outside reports whether a name looks complete without the zone behind it: it ends in that
// very zone, or in a public top-level domain.
func outside(head, zone string) bool {
	suffix, icann := publicsuffix.PublicSuffix(head)
	return head == zone || strings.HasSuffix(head, "."+zone) || icann && strings.Count(head, ".") > strings.Count(suffix, ".")
}

// reasonOf says why the question for the records failed.
func reasonOf(t report.TLSA) report.Statement {
	switch {
	case t.Failure != nil:
		return t.Failure.Statement.Or(t.Failure.Text)
	case t.DNSSEC.Detail != "":
		return t.DNSSEC.Statement.Or(t.DNSSEC.Detail)
	case t.DNSSEC.Contested():
		return report.Say(report.SaysPartlyUnanswered)
	}
	return report.Say(report.SaysLookupFailed)
}

// judgeRecords judges the RRset by itself.
func judgeRecords(j *report.Judgement, h *report.Host) {
	t := h.TLSA
	judgeUnusable(j, h)
	var whole []string
	digests := make(map[uint8]bool)
	for _, r := range t.Records {
		weak := r.Unusable == report.UnusableWeakKey // a sender can use it
		if r.Matching == 0 && (r.Usable || weak) {
			whole = append(whole, presentation(r))
		}
		if r.Usable {
			digests[r.Matching] = true
		}
	}
	if digests[2] && !digests[1] && !digests[0] {
		j.Add("DAN-16").At(h.Name, "").With("record", advice(h))
	}
	if len(whole) > 0 {
		j.Add("DAN-17").At(h.Name, "").With("record", advice(h)).Showing(whole...)
	}
	if len(t.DNSSEC.Steps) > 0 {
		j.Add("DAN-29").At(h.Name, "")
	}
	if t.TTL > 86400 {
		j.Add("DAN-33").At(h.Name, "").With("hours", t.TTL/3600).With("base", t.Base)
	}
	if t.Size > 1232 {
		j.Add("DAN-34").At(h.Name, "").With("size", t.Size)
	}
}

// judgeUnusable judges the records that no sender of mail can use.
func judgeUnusable(j *report.Judgement, h *report.Host) {
	var pkixUsage, malformed, faults []string
	for _, r := range h.TLSA.Records {
		switch {
		case r.Usable, r.Unusable == report.UnusableWeakKey:
		case r.Unusable == report.UnusablePKIXUsage:
			pkixUsage = append(pkixUsage, presentation(r))
		default:
			malformed = append(malformed, presentation(r))
			if why := words[r.Unusable]; !slices.Contains(faults, why) {
				faults = append(faults, why)
			}
		}
	}
	if len(pkixUsage) > 0 {
		j.Add("DAN-06").At(h.Name, "").Showing(pkixUsage...)
	}
	if len(malformed) > 0 {
		j.Add("DAN-07").At(h.Name, "").With("reason", strings.Join(faults, ", ")).With("record", advice(h)).Showing(malformed...)
	}
	if h.TLSA.State == report.TLSAUnusable {
		j.Add("DAN-08").At(h.Name, "").With("record", advice(h)).Showing(published(h.TLSA)...)
	}
}

// words says what is wrong with a record.
var words = map[report.Unusable]string{
	report.UnusableUnknownUsage:    "the usage is unknown",
	report.UnusableUnknownSelector: "the selector is unknown",
	report.UnusableUnknownMatching: "the matching type is unknown",
	report.UnusableLength:          "the digest does not have the length of its kind",
	report.UnusableUndecodable:     "the data are neither a certificate nor a key",
}
