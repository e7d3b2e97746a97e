package mx

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"mxseal/checks/report"
)

// judgeMissing says what may have gone wrong where a host has no address, or only that of a
// wildcard.
func judgeMissing(j *report.Judgement, r report.Observed, h *report.Host) {
	name, origin, alias := h.Name, r.Domain, ""
	if steps := h.DNSSEC.Steps; len(steps) > 0 {
		end := steps[len(steps)-1]
		if !repeated(h.Name, r.Domain) {
			name, origin, alias = strings.TrimSuffix(end.Target, "."), strings.TrimSuffix(end.Name, "."), strings.TrimSuffix(end.Name, ".")
		}
	}
	gone := h.NotTested == report.NotTestedNoAddress && !lookupFailed(h)
	meant, sure := dotless(name, origin, h.Undotted)
	if meant != "" && (gone || repeated(name, origin)) {
		f := j.Add("MX-30").At(h.Name, "").With("name", name).With("meant", meant).Saying("record", report.Say(report.SaysMXRecordOf, "domain", r.Domain)).
			Saying("sign", report.Say(report.SaysEndsInOwnZone)).Saying("fate", report.Say(report.SaysNoNameNoMail))
		if alias != "" {
			f.Saying("record", report.Say(report.SaysAliasAt, "name", alias))
		}
		switch {
		case repeated(name, origin):
			f.Saying("sign", report.Say(report.SaysSameNameTwice))
		case sure:
			f.Saying("sign", report.Say(report.SaysThatHasOne, "meant", meant, "name", name))
		}
		if !gone {
			f.Saying("fate", report.Say(report.SaysWildcardAddress))
		}
	}
	if s := h.Shadow; s != nil && gone {
		what := report.Say(report.SaysSomeRecord)
		if s.By != "" {
			what = report.Say(report.SaysRecordAt, "type", s.Type, "name", s.By)
		}
		j.Add("MX-31").At(h.Name, "").With("wildcard", s.Wildcard).Saying("what", what)
	}
}

// repeated reports whether a name ends in that of a zone, or of one above it, twice.
func repeated(name, origin string) bool {
	for zone := origin; strings.Contains(zone, "."); zone = parent(zone) {
		if strings.HasSuffix("."+name, "."+zone+"."+zone) {
			return true
		}
	}
	return false
}

// dotless returns what may have been meant by a name that was written in the zone of origin,
// or in one above it, and got the name of that zone behind it; empty where it looks like no
// other name. known is such a name that has an address. Sure says that there is no doubt.
func dotless(name, origin, known string) (meant string, sure bool) {
	for zone := origin; strings.Contains(zone, "."); zone = parent(zone) {
		head, within := strings.CutSuffix(name, "."+zone)
		if within && (head == zone || strings.HasSuffix(head, "."+zone) || head == known) {
			return head, true
		}
	}
	for zone := origin; strings.Contains(zone, "."); zone = parent(zone) {
		if head, within := strings.CutSuffix(name, "."+zone); within && registered(head) {
			return head, false
		}
	}
	return "", false
}

// registered reports whether a name looks like one of the public DNS: a host in a domain of
// somebody's, or one of the old top-level domains.
func registered(name string) bool {
	suffix, icann := publicsuffix.PublicSuffix(name)
	labels := strings.Count(name, ".") - strings.Count(suffix, ".")
	return icann && (labels > 1 || labels == 1 && slices.Contains([]string{"com", "net", "org"}, suffix))
}
