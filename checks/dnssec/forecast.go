package dnssec

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Forecast says when the DNSSEC signatures end that delivery depends on, the soonest of each
// zone. Registries are left out: nobody can act there.
func Forecast(r *report.Report) []report.Due {
	soonest := make(map[string]*report.Signature)
	note := func(zone string, s *report.Signature) {
		if s == nil || zone == "" || registry(zone) {
			return
		}
		if first := soonest[zone]; first == nil || s.Expires.Before(first.Expires) {
			soonest[zone] = s
		}
	}
	take := func(t *report.Trust) {
		if t == nil || t.State != report.Secure {
			return
		}
		above := ""
		for _, l := range t.Chain {
			note(l.Zone, l.Window)
			note(above, l.DSWindow)
			above = l.Zone
		}
		note(above, t.Signature)
	}
	if r.MX != nil {
		take(&r.MX.DNSSEC)
	}
	for _, h := range r.Hosts {
		take(&h.DNSSEC)
		take(h.TLSA.DNSSEC)
	}
	var list []report.Due
	for zone, first := range soonest {
		list = append(list, report.Due{At: first.Expires, Since: first.Inception, Zone: zone, What: report.EndsSignatures, Rule: "SEC-22",
			Text: fmt.Sprintf("A DNSSEC signature of %s ends. Signers renew them in time by themselves; if this one has stopped, senders that validate DNSSEC cannot deliver from then on.", zone)})
	}
	slices.SortFunc(list, func(a, b report.Due) int { return strings.Compare(a.Text, b.Text) }) // a map has no order
	return list
}
