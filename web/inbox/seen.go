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
	read := make(map[string]*report.Report) // by id; nil for what cannot be read
	for n, t := range d.Troubles {
		if n == maxSeen {
			break
		}
		list = append(list, i.see(ctx, d.Name, t, read))
	}
	return list
}

func (i *Inboxes) see(ctx context.Context, domain string, t tlsreport.Trouble, read map[string]*report.Report) *Seen {
	entries, err := i.Store.Until(ctx, domain, t.Last.Add(2*near), maxNear) // a day has 24 hours, and one more
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.CheckedAt.Before(t.First.Add(-near)) {
			return nil
		}
		r, known := read[e.ID]
		if !known {
			if r, err = i.Store.Get(ctx, e.ID); err == nil { // else it was deleted meanwhile, or is damaged
				checks.Explain(r)
			}
			read[e.ID] = r
		}
		if r != nil {
			return &Seen{ID: e.ID, At: e.CheckedAt, Problem: problemOf(r, t)}
		}
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
