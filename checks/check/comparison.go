package check

import "mxseal/checks/report"

// Comparison holds what a report saw against what the latest one before it saw, without a word on
// which of the two is better. What either of them could not find out is no difference.
type Comparison struct {
	report.Observed
	Changes []report.Change
}

// Note notes a difference between two values; an empty one was not found out.
func (c *Comparison) Note(what report.Aspect, host, address, before, after string) {
	if before != after && before != "" && after != "" {
		c.Changes = append(c.Changes, report.Change{What: what, Host: host, Address: address, Before: before, After: after})
	}
}

// Each calls note for each mail exchanger that both know.
func (c *Comparison) Each(note func(*report.Host, *report.PastHost)) {
	for _, h := range c.Hosts {
		if past := c.Past.Host(h.Name); past != nil {
			note(h, past)
		}
	}
}

// EachAddress calls note for each address that both talked to.
func (c *Comparison) EachAddress(note func(*report.Host, *report.Address, *report.PastAddress)) {
	c.Each(func(h *report.Host, past *report.PastHost) {
		for _, a := range h.Addresses {
			if before := past.Address(a.IP); before != nil && a.SMTP != nil && a.Reachable {
				note(h, a, before)
			}
		}
	})
}

// Tested is a state that was found out, else nothing.
func Tested[S ~string](state S) string {
	if state == "untested" {
		return ""
	}
	return string(state)
}
