package dane

import (
	"fmt"
	"slices"

	"mxseal/checks/report"
)

// Forecast says when certificates are renewed of which the TLSA records will not survive that.
func Forecast(r *report.Report) []report.Due {
	var list []report.Due
	for _, h := range r.Hosts {
		seen := make(map[string]bool)
		for _, a := range h.Addresses {
			for _, c := range a.ToDANE() {
				if seen[c.SHA256] {
					continue
				}
				seen[c.SHA256] = true
				if due, ok := renewalDue(r, h, a, c); ok {
					list = append(list, due)
				}
			}
		}
	}
	return list
}

// renewalDue is the next renewal of a public certificate where DANE hangs on what the
// renewal changes: the certificate itself (3 0), or a key of which the successor is not yet
// published (a single 3 1), or an issuer that may change (some of several 2 1).
// An automatic renewal comes after two thirds of the lifetime.
func renewalDue(r *report.Report, h *report.Host, a *report.Address, c *report.Certificate) (report.Due, bool) {
	own := h.TLSA.Matched(a.IP, 3)
	turns := len(own) == 0 && slices.ContainsFunc(r.Findings, func(f report.Finding) bool {
		return f.Rule == "DAN-49" && f.Verdict == report.Warn && f.Host == h.Name
	})
	if !c.PublicCA || h.TLSA.State != report.TLSAMatch || !turns && (len(own) == 0 || len(h.TLSA.Matched(a.IP, 2)) > 0) {
		return report.Due{}, false
	}
	due := report.Due{What: report.EndsRenewal, Host: h.Name, Since: c.NotBefore, At: c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) / 3 * 2)}
	when := "is usually renewed about then"
	if !due.At.After(r.CheckedAt) {
		due.At, when = c.NotAfter, "has to be renewed before that"
	}
	keyed := slices.ContainsFunc(own, func(t report.TLSARecord) bool { return t.Selector == 1 })
	switch {
	case turns:
		due.Rule = "DAN-49"
		due.Text = fmt.Sprintf("The certificate of %s %s. The next one may come from another issuer of the same authority, which the TLSA records do not name. From then on, senders that check DANE do not deliver there.", h.Name, when)
	case !keyed:
		due.Rule = "DAN-19"
		due.Text = fmt.Sprintf("The certificate of %s %s, and the TLSA record names this very one: from the renewal on, senders that check DANE do not deliver there.", h.Name, when)
	case len(h.TLSA.Records) == 1:
		due.Rule = "DAN-23"
		due.Text = fmt.Sprintf("The certificate of %s %s. If the renewal makes a new key, senders that check DANE do not deliver there: the only TLSA record names the present one.", h.Name, when)
	default:
		return report.Due{}, false
	}
	return due, true
}
