package dnssec

import (
	"mxseal/checks/check"
	"mxseal/checks/report"
)

// Compare notes names that are signed and were not, or the other way round.
func Compare(c *check.Comparison) {
	if c.MX != nil {
		c.Note(report.AspectDNSSEC, "", "", known(c.Past.DNSSEC), known(c.MX.DNSSEC.State))
	}
	c.Each(func(h *report.Host, past *report.PastHost) {
		c.Note(report.AspectDNSSEC, h.Name, "", known(past.DNSSEC), known(h.DNSSEC.State))
	})
}

// known is a state of trust that was found out, else nothing.
func known(s report.State) string {
	if s == report.Indeterminate {
		return ""
	}
	return string(s)
}
