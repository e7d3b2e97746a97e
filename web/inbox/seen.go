package inbox

import (
	"context"
	"slices"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/tlsreport"
)

const (
	maxSeen = 20             // failures that are joined with what was seen
	near    = 24 * time.Hour // how far from the days of a failure a report may be
	maxNear = 10             // reports that are looked through for one
)

// Seen is what a check of ours saw of a server in the days of a failure.
type Seen struct {
	ID      string // of the report
	At      time.Time
	Problem string // the title of what was found there; empty where nothing was wrong
}

// See joins the failures of a domain, in their order, with what was seen of the servers in those days;
// nil where no check was made then.
func (i *Inboxes) See(ctx context.Context, d tlsreport.Domain) (list []*Seen) {
	for n, t := range d.Troubles {
		if n == maxSeen {
			break
		}
		list = append(list, i.see(ctx, d.Name, t))
	}
	return list
}

func (i *Inboxes) see(ctx context.Context, domain string, t tlsreport.Trouble) *Seen {
	entries, err := i.Store.Until(ctx, domain, t.Last.Add(2*near), maxNear) // a day has 24 hours, and one more
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.CheckedAt.Before(t.First.Add(-near)) {
			return nil
		}
		r, err := i.Store.Get(ctx, e.ID)
		if err != nil { // it was deleted meanwhile, or is damaged
			continue
		}
		checks.Explain(r)
		return &Seen{ID: e.ID, At: e.CheckedAt, Problem: problemOf(r, t)}
	}
	return nil
}

// tells reports whether a check is about what failed so.
func tells(id report.CheckID, of tlsreport.Result) bool {
	c, known := checks.Find(id)
	return known && slices.Contains(c.Reported, string(of))
}

// problemOf is the title of what a report has against a server in the matter of a failure; empty for nothing.
func problemOf(r *report.Report, t tlsreport.Trouble) string {
	for _, verdict := range []report.Verdict{report.Fail, report.Warn} {
		for _, f := range r.Findings {
			if f.Verdict == verdict && tells(f.Check, t.Result) && (f.Host == "" || t.Server == "" || f.Host == t.Server || f.Address == t.Server) {
				return f.Title
			}
		}
	}
	return ""
}
