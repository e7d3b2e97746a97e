package starttls

import (
	"mxseal/checks/check"
	"mxseal/checks/report"
)

// Compare notes where STARTTLS comes further than before, or less far.
func Compare(c *check.Comparison) {
	c.EachAddress(func(h *report.Host, a *report.Address, before *report.PastAddress) {
		c.Note(report.AspectSTARTTLS, h.Name, a.IP, check.Tested(string(before.STARTTLS)), check.Tested(string(a.SMTP.STARTTLS)))
	})
}
