package mtasts

import (
	"mxseal/checks/check"
)

// Compare notes another state, id or text of the policy.
func Compare(c *check.Comparison) {
	m := c.MTASTS
	if m == nil || m.Failure != nil {
		return
	}
	c.Note("mta-sts", "", "", string(c.Past.MTASTS), string(m.State))
	if c.Past.Policy != nil && m.InForce() {
		c.Note("mta-sts-id", "", "", c.Past.Policy.ID, m.ID)
		c.Note("mta-sts-policy", "", "", c.Past.Policy.Digest, m.Digest())
	}
}
