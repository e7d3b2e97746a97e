package dane

import (
	"slices"
	"time"

	"mxseal/checks/report"
)

// judgeWays notes matches below an authority that not every sender sees as one.
func judgeWays(j *report.Judgement, r report.Observed, h *report.Host, here []sight) {
	inForce := strongest(h.TLSA.Records)
	for _, s := range here {
		// A record that fits for everybody leaves nothing to be said.
		var only string
		var stale *way
		sound := false
		for i := range s.why {
			if s.why[i] != "" || !inForce[i] {
				continue
			}
			w := &s.ways[i]
			switch {
			case w.only != "":
				only = w.only
			case w.anchor != nil && r.CheckedAt.After(w.anchor.NotAfter):
				stale = w
			default:
				sound = true
			}
		}
		switch {
		case sound:
		case stale != nil:
			j.Add("DAN-36").At(h.Name, s.address).With("authority", stale.anchor.Subject.Text).
				With("until", stale.anchor.NotAfter.Format(time.DateOnly)).With("record", line(h, s.cert))
			return
		case only != "":
			j.Add("DAN-37").At(h.Name, s.address).With("who", only).With("base", h.TLSA.Base).With("record", line(h, s.cert))
			return
		}
	}
}

// judgeBelow says what stands against the path below an authority that was found.
func judgeBelow(j *report.Judgement, h *report.Host, a *report.Address, here []sight) {
	for _, s := range here {
		for i, why := range s.why {
			plain := []string{"", unusable, differs, absent, unknown}
			if h.TLSA.Records[i].Usage == 2 && !slices.Contains(plain, why) {
				j.Add("DAN-39").At(h.Name, a.IP).With("fault", why).With("record", line(h, s.cert))
				return
			}
		}
	}
}

// unseen says why a certificate could not be held against everything.
func unseen(t report.TLSA, sights []sight) report.Says {
	switch {
	case t.Omitted > 0:
		return report.SaysRecordsNotKept
	case slices.ContainsFunc(sights, func(s sight) bool { return slices.Contains(s.why, unknown) }):
		return report.SaysPathNotFollowed
	}
	return report.SaysSentNotKept
}
