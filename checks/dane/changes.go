package dane

import (
	"mxseal/checks/check"
	"mxseal/checks/report"
)

// Compare notes another state of TLSA records.
func Compare(c *check.Comparison) {
	c.Each(func(h *report.Host, past *report.PastHost) {
		c.Note(report.AspectTLSA, h.Name, "", check.Tested(past.TLSA), check.Tested(h.TLSA.State))
	})
}
