package pages

import (
	"net/http"

	"mxseal/checks/report"
	"mxseal/templates"
	"mxseal/web/live"
	"mxseal/web/problem"
	"mxseal/web/scans"
)

// Events streams a running check as server-sent events: all that was said so far, or what
// came after the event that the client names, and then what comes. The end is an event of
// its own; behind it the address of the check shows the report. It starts nothing.
func (p *Pages) Events(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	d, err := p.Parse(pathValue(r, "domain"))
	if err != nil {
		return problem.NoSuchAddress
	}
	c := p.Scans.Running(d.ASCII)
	if c == nil { // it may have ended since the page was made
		if list, err := p.Store.History(r.Context(), d.ASCII, 1); err != nil {
			return err
		} else if _, fresh := p.Scans.Fresh(d.ASCII); len(list) == 0 && !fresh {
			return problem.NotChecked
		}
		c = scans.Ended(&report.Report{Meta: report.Meta{Domain: d.ASCII}})
	}
	return live.Stream(w, r, p.Scans, who, c, audience())
}

// audience is the page of the check, which loads itself again at the end.
func audience() live.Listener {
	var v scans.View
	return live.Listener{
		Event: func(e scans.Event) (string, any) {
			v.Add(e)
			page := templates.Running{Waiting: v.Waiting, Before: v.Queue.Before, Waits: string(v.Queue.For), Stages: stages(v)}
			switch {
			case e.Queue != nil:
				return "queue", templates.Queue{Say: page.Now()}
			case e.Progress != nil:
				return "progress", page.Advance(e.Progress.Stage, e.Progress.Host)
			}
			return "finding", templates.NewArrival(*e.Finding)
		},
		End: func() (string, any) {
			return "done", templates.Finish{Rest: templates.Running{Stages: stages(v)}.Rest()}
		},
	}
}
