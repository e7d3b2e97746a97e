package starttls

import (
	"mxseal/checks/report"
)

// Judge says what the conversations with the mail servers of a report show.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement(ID, Rules)
	judgeReach(j, r)
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			switch {
			case ourTrouble(a) && !reached(a): // OPS-12 says so
			case leftAlone(a) && !reached(a):
				j.Add("NET-08").At(h.Name, a.IP).Saying("reason", a.Failure.Statement.Or(a.Failure.Text)).With("unseen", a.IP+" of "+h.Name).Setting(alone(r, h, a)...)
			case connected(a):
				judgeDialogue(j, r, h, a)
				judgeTLS(j, h, a)
				judgeEnforcement(j, r, h, a)
			case a.Failure != nil && a.NotTested == "":
				f := j.Add("NET-01").At(h.Name, a.IP).Saying("reason", a.Failure.Statement.Or(a.Failure.Text)).With("proxy", "")
				if p := behind(h.Name, a.IP); p != nil {
					f.Saying("proxy", report.Say(report.SaysIsWebProxy, "operator", p.Operator, "host", h.Name)).
						Showing(p.Source + ", " + p.AsOf)
				}
			}
		}
	}
	return j.Findings()
}
