package mx

import (
	"fmt"
	"slices"

	"mxseal/checks/check"
	"mxseal/checks/report"
)

// Compare notes another state of the MX records, and the hosts that came, went, or have another
// preference.
func Compare(c *check.Comparison) {
	if c.MX == nil {
		return
	}
	c.Note(report.AspectMXState, "", "", string(c.Past.MX), string(c.MX.State))
	if c.MX.State == report.MXError || c.Past.MX == report.MXError {
		return
	}
	for _, h := range c.Hosts {
		after := fmt.Sprint(h.Preference)
		switch past := c.Past.Host(h.Name); {
		case h.NotTested == report.NotTestedLimit: // the earlier report need not have seen it
		case past == nil || past.SeenAt.Before(c.Past.CheckedAt):
			c.Changes = append(c.Changes, report.Change{What: "mx", Host: h.Name, After: after})
		default:
			c.Note(report.AspectMX, h.Name, "", fmt.Sprint(past.Preference), after)
		}
	}
	for _, past := range c.Past.Hosts {
		gone := !slices.ContainsFunc(c.Hosts, func(h *report.Host) bool { return h.Name == past.Name })
		if gone && !past.SeenAt.Before(c.Past.CheckedAt) {
			c.Changes = append(c.Changes, report.Change{What: "mx", Host: past.Name, Before: fmt.Sprint(past.Preference)})
		}
	}
}
