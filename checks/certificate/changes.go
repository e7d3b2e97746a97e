package certificate

import (
	"slices"

	"mxseal/checks/check"
	"mxseal/checks/report"
)

// Compare notes certificates that verify otherwise than before, and other keys.
func Compare(c *check.Comparison) {
	c.EachAddress(func(h *report.Host, a *report.Address, before *report.PastAddress) {
		c.Note(report.AspectCertificate, h.Name, a.IP, check.Tested(before.PKIX), check.Tested(a.PKIX()))
		if keys := a.Keys(); len(keys) > 0 && len(before.Keys) > 0 && !slices.Contains(before.Keys, keys[0]) {
			c.Note(report.AspectKey, h.Name, a.IP, before.Keys[0], keys[0])
		}
	})
}
