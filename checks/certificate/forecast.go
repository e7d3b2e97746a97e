package certificate

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Forecast says when the certificates end that somebody relies on.
func Forecast(r *report.Report) []report.Due {
	var list []report.Due
	for _, h := range r.Hosts {
		seen := make(map[string]bool)
		for _, a := range h.Addresses {
			dane := a.ToDANE()
			for _, c := range slices.Concat(a.Named(), dane) {
				if seen[c.SHA256] {
					continue
				}
				seen[c.SHA256] = true
				checked := slices.ContainsFunc(dane, func(d *report.Certificate) bool { return d.SHA256 == c.SHA256 })
				if who := relying(r, h, a, c, checked); len(who) > 0 {
					list = append(list, report.Due{At: c.NotAfter, Since: c.NotBefore, What: report.EndsCertificate, Rule: "CRT-06", Host: h.Name,
						Text: fmt.Sprintf("The certificate of %s ends. Unless a new one is in use before that, %s cannot deliver there.", h.Name, strings.Join(who, " and "))})
				}
			}
		}
	}
	return list
}

// relying names the senders that get through to an address thanks to the dates of a
// certificate; none for one whose dates nobody minds. dane says that those who check DANE
// are shown it.
func relying(r *report.Report, h *report.Host, a *report.Address, c *report.Certificate, dane bool) []string {
	var who []string
	if dane && h.TLSA.Matched(a.IP, 2) != nil && h.TLSA.Matched(a.IP, 3) == nil {
		who = append(who, "senders that check DANE")
	}
	if c.PKIX == report.PKIXOK {
		if r.MTASTS.InForce() && r.MTASTS.State == report.STSEnforce {
			who = append(who, "senders that check MTA-STS")
		}
		who = append(who, "partners who insist on a valid certificate")
	}
	return who
}
