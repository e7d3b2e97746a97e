package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"mxseal/checks/report"
	"mxseal/web/live"
	"mxseal/web/problem"
	"mxseal/web/scans"
	"mxseal/web/store"
)

type eventsInput struct {
	ID    string `path:"id" doc:"Id of the report."`
	Last  string `header:"Last-Event-ID" doc:"Number of the last event that was heard. Browsers send it by themselves when they connect again."`
	After string `query:"after" doc:"The same, for clients that cannot set headers."`
}

// events tells what happens in a check, and its end.
func (a *API) events(w http.ResponseWriter, r *http.Request, who scans.Client, in *eventsInput) error {
	c := a.Scans.ByID(in.ID)
	if c == nil { // it has ended, if there ever was one
		if _, err := a.entry(r.Context(), in.ID); err != nil {
			return err
		}
		c = scans.Ended(&report.Report{Meta: report.Meta{ID: in.ID}})
	}
	return live.Stream(w, r, a.Scans, who, c, live.Listener{
		Event: func(e scans.Event) (string, any) {
			switch {
			case e.Queue != nil:
				return "queue", Queue{e.Queue.Before, e.Queue.For}
			case e.Progress != nil:
				return "progress", e.Progress
			}
			return "finding", e.Finding
		},
		End: func() (string, any) { return a.ending(r.Context(), c) },
	})
}

// Done is the last event that programs hear of a check.
type Done struct {
	ID          string        `json:"id" doc:"Id of the report."`
	Letter      report.Letter `json:"letter,omitempty" doc:"Its letter."`
	Provisional bool          `json:"provisional" doc:"Something that could move the letter was not found out."`
	URL         string        `json:"url" doc:"Address of the report on this site."`
}

// ending is the report that a check made, or why there is none.
func (a *API) ending(ctx context.Context, c *scans.Scan) (kind string, end any) {
	kept, fresh := a.Scans.Fresh(c.Domain.ASCII)
	if fresh && kept.ID == c.ID {
		e := Done{ID: kept.ID, URL: a.addressOf(kept)}
		if kept.Grade != nil {
			e.Letter, e.Provisional = kept.Grade.Letter, kept.Grade.Provisional
		}
		kind, end = "done", e
	} else if kept, err := a.entry(ctx, c.ID); err == nil {
		kind, end = "done", Done{ID: kept.ID, Letter: kept.Letter, Provisional: kept.Provisional, URL: reportAt(kept.ID)}
	} else {
		kind, end = "failed", problem.Fault.Details(a.BaseURL, true)
		if c.View().Waiting {
			end = problem.Refused(&scans.Refusal{Reason: scans.Closing, Wait: time.Minute / 2}).Details(a.BaseURL, true)
		}
	}
	return kind, end
}

// entry is what the list of reports tells of one.
func (a *API) entry(ctx context.Context, id string) (store.Entry, error) {
	e, err := a.Store.Entry(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		err = problem.Missing(id, a.Scans.Lost(id), a.Keep)
	}
	return e, err
}
