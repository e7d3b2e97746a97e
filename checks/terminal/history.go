package terminal

import (
	"cmp"
	"strings"

	"mxseal/checks/view"
)

// history prints what has changed since the report before and which dates are to come.
func (p *printer) history(r view.Report) {
	if changes := r.Differences(); len(changes) > 0 {
		p.heading(view.TitleChanges + " since the report of " + view.Moment(r.Past.CheckedAt))
		for _, c := range changes {
			p.line("  %s: %s → %s", strings.TrimSpace(c.What+" "+c.Place), cmp.Or(c.Before, "none"), cmp.Or(c.After, "none"))
		}
	}
	if len(r.Forecast) == 0 {
		return
	}
	p.heading(view.TitleForecast)
	for _, d := range r.Forecast {
		p.wrapped("  ", view.Day(d.At)+"  "+d.Rule+"  "+view.DueText(d))
	}
}
