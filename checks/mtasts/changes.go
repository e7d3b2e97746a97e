package mtasts

import (
	"mxseal/checks/check"
	"mxseal/checks/report"
)

// Compare notes another state, id or text of the policy.
func Compare(c *check.Comparison) {
	m := c.MTASTS
	if m == nil || m.Failure != nil {
		return
	}
	c.Note(report.AspectMTASTS, "", "", string(c.Past.MTASTS), string(m.State))
	if c.Past.Policy != nil && m.InForce() {
		c.Note(report.AspectPolicyID, "", "", c.Past.Policy.ID, m.ID)
		c.Note(report.AspectPolicy, "", "", c.Past.Policy.Digest, m.Digest())
	}
}
