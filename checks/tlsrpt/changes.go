package tlsrpt

import (
	"mxseal/checks/check"
	"mxseal/checks/report"
)

// Compare notes whether reports can be sent now and could not before, or the other way round.
func Compare(c *check.Comparison) {
	if c.TLSRPT != nil && c.TLSRPT.Failure == nil {
		c.Note(report.AspectTLSRPT, "", "", string(c.Past.TLSRPT), string(c.TLSRPT.State))
	}
}
