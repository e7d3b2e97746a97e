package checks

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

// refusal says why an address is not looked at; nil where it is, and then the look is counted.
// again: what is remembered will do. c.mu is held, and let go while others are asked.
func (c *hostCache) refusal(w wish, again bool) *report.Failure {
	if err := w.may(w.brief); err != nil {
		why := egress.Say(err)
		if errors.Is(err, errLate) {
			why = report.Say(report.SaysCheckOver)
		}
		return report.Failed(report.PhaseConnect, report.KindSpent, report.Say(report.SaysNotAskedAs, "server", w.at, "name", w.name).About(why))
	}
	claim, n := egress.Claim{Name: w.name, Again: again}, briefs
	if w.brief {
		n = 1
	}
	wait, where := c.looks.Take(w.at.Addr(), claim, n)
	if wait > 0 && !again && w.own != nil {
		c.mu.Unlock()
		claim.Own = w.own()
		c.mu.Lock()
		if claim.Own {
			wait, where = c.looks.Take(w.at.Addr(), claim, n)
		}
	}
	if wait <= 0 {
		return nil
	}
	says, most := report.SaysAddressLookedAt, c.looks.N/briefs
	if !where.IsSingleIP() {
		says, most = report.SaysNetworkLookedAt, most*egress.Times(where)
	}
	return report.Failed(report.PhaseConnect, report.KindRateLimited, report.Say(says, "server", w.at, "network", where, "most", most,
		"account", egress.Account(w.name), "until", time.Now().Add(wait).UTC().Format("15:04 UTC")))
}

// vouch notes the names that an address has shown to be its own, by a certificate or in its
// greeting.
func (c *hostCache) vouch(name string, addr netip.Addr, a report.Address) {
	shown := slices.ContainsFunc(a.Named(), func(c *report.Certificate) bool { return c.NameMatch })
	if a.SMTP != nil && !shown {
		greeted, _, _ := strings.Cut(a.SMTP.Banner, " ")
		shown = strings.Contains(greeted, ".") && egress.Account(greeted) == egress.Account(name)
	}
	if shown {
		c.looks.Vouch(addr, name)
	}
}

// alone is what is known of an address that was not contacted, and why not.
func alone(f *report.Failure) report.Address {
	return report.Address{SMTP: &report.SMTP{STARTTLS: report.NotTried}, Failure: f}
}
