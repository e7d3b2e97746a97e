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
		f := j.Add("MX-30").At(h.Name, "").With("name", name).With("meant", meant).With("record", "the MX record of "+r.Domain).
			With("sign", "It ends in the name of its own zone.").With("fate", "A name that does not exist receives no mail.")
		if alias != "" {
			f.With("record", "the alias at "+alias)
		}
		switch {
		case repeated(name, origin):
			f.With("sign", "It holds the same name twice.")
		case sure:
			f.With("sign", meant+" has an address, "+name+" has none.")
		}
		if !gone {
			f.With("fate", "It still has an address, most likely that of a wildcard, which need not be the mail server.")
		}
	}
	if s := h.Shadow; s != nil && gone {
		what := "a record at or below its name"
		if s.By != "" {
			what = "the " + s.Type + " record at " + s.By
		}
		j.Add("MX-31").At(h.Name, "").With("wildcard", s.Wildcard).With("what", what)
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
