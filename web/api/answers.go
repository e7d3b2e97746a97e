package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"mxseal/checks/report"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/store"
)

// addressOf is where programs find a report: one that could not be kept only as the latest of
// its domain.
func (a *API) addressOf(r *report.Report) string {
	if a.Scans.Lost(r.ID) {
		return apiV1 + "/domains/" + r.Domain
	}
	return reportAt(r.ID)
}

// order asks for a check.
type order struct {
	_      struct{} `additionalProperties:"false"`
	Domain string   `json:"domain" example:"example.org" doc:"The domain, as a person would type it: a mail address or an internationalised name will do."`
}

type orderInput struct {
	Wait int `query:"wait" minimum:"0" maximum:"90" default:"0" doc:"How many seconds to wait for the report at most; the answer is the report if it is ready in time."`
	Body order
}

// nameOf is under which the answer of an address is kept in memory; last is the last report of it.
func (a *API) nameOf(address, last string) string {
	return rendering.Name(address, last, a.Scans.Lost(last))
}

// orderCheck starts a check, joins the running one, or hands out the fresh report.
func (a *API) orderCheck(w http.ResponseWriter, r *http.Request, who scans.Client, in *orderInput) error {
	d, err := a.Parse(in.Body.Domain)
	if err != nil {
		return problem.NotMailDomain(err, http.StatusUnprocessableEntity, "body.domain")
	}
	fresh, c, err := a.Scans.Start(r.Context(), who, d)
	if err == nil && fresh == nil && in.Wait > 0 {
		fresh, err = a.awaited(w, r, who, c, time.Duration(in.Wait)*time.Second)
	}
	if err != nil {
		return err
	}
	if fresh != nil {
		address := a.addressOf(fresh)
		w.Header().Set("Content-Location", address)
		return SendReport(a.Renderer, w, r, who, "no-cache", a.nameOf("POST "+address, fresh.ID), func(context.Context) (*report.Report, error) { return fresh, nil })
	}
	w.Header().Set("Location", reportAt(c.ID))
	return WritePending(w, r, c)
}

// awaited is the report of a scan if it ends within a time; nil where it does not, and where so
// many wait and follow already that this client cannot.
func (a *API) awaited(w http.ResponseWriter, r *http.Request, who scans.Client, c *scans.Scan, long time.Duration) (*report.Report, error) {
	leave, err := a.Scans.Subscribe(who)
	if err != nil {
		return nil, nil
	}
	defer leave()
	// The server's limits are made for pages. Where the connection knows no deadlines there is none to lift.
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Time{})
	control.SetWriteDeadline(time.Now().Add(long + answerWrite))
	enough := time.NewTimer(long)
	defer enough.Stop()
	for n := 0; ; {
		news, ended, more := c.Events(n)
		if n += len(news); ended {
			return a.made(r.Context(), c)
		}
		select {
		case <-more:
		case <-enough.C:
			return nil, nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

const answerWrite = 30 * time.Second // for the answer, behind the wait

// made is the report that a scan made.
func (a *API) made(ctx context.Context, c *scans.Scan) (*report.Report, error) {
	if kept, fresh := a.Scans.Fresh(c.Domain.ASCII); fresh && kept.ID == c.ID {
		return kept, nil
	}
	kept, err := a.Scans.Report(ctx, c.ID)
	switch {
	case err == nil:
		return kept, nil
	case c.View().Waiting:
		return nil, &scans.Refusal{Reason: scans.Closing, Wait: time.Minute / 2}
	}
	return nil, problem.Fault
}

type reportInput struct {
	ID string `path:"id" doc:"Id of the report." example:"h3ekrutlpqyr2mljcgnz3mhbz4"`
}

// showReport sends one report, or how far its check is.
func (a *API) showReport(w http.ResponseWriter, r *http.Request, who scans.Client, in *reportInput) error {
	if c := a.Scans.ByID(in.ID); c != nil {
		return WritePending(w, r, c)
	}
	err := SendReport(a.Renderer, w, r, who, reportKept, reportAt(in.ID), func(ctx context.Context) (*report.Report, error) { return a.Scans.Report(ctx, in.ID) })
	if errors.Is(err, store.ErrNotFound) {
		return problem.Missing(in.ID, a.Scans.Lost(in.ID), a.Keep)
	}
	return err
}

type domainInput struct {
	Domain string `path:"domain" doc:"The domain, in any form that the form of the site takes." example:"example.org"`
}

// latest sends the latest report of a domain. It starts nothing.
func (a *API) latest(w http.ResponseWriter, r *http.Request, who scans.Client, in *domainInput) error {
	d, err := a.Parse(in.Domain)
	if err != nil {
		return problem.NotMailDomain(err, http.StatusNotFound, "path.domain")
	}
	c := a.Scans.Running(d.ASCII) // before the look for a report: its end would fall between the two
	name := a.nameOf(apiV1+"/domains/"+d.ASCII, a.Scans.LastOf(d.ASCII))
	err = SendReport(a.Renderer, w, r, who, "no-cache", name, func(ctx context.Context) (*report.Report, error) { return a.Scans.Latest(ctx, d.ASCII) })
	switch {
	case errors.Is(err, store.ErrNotFound) && c != nil:
		return WritePending(w, r, c)
	case errors.Is(err, store.ErrNotFound):
		return problem.NotChecked
	}
	return err
}

type historyInput struct {
	Domain string    `path:"domain" doc:"The domain, in any form that the form of the site takes." example:"example.org"`
	Limit  int       `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most."`
	Before time.Time `query:"before" doc:"Only reports older than this moment. The header Link names the one to go on with."`
}

// History is a part of the reports of a domain.
type History struct {
	Domain  string  `json:"domain" doc:"The domain in its A-label form."`
	Entries []Entry `json:"entries" nullable:"false" doc:"Reports, the newest first."`
}

// Entry is what a list of reports tells of one.
type Entry struct {
	ID          string        `json:"id" doc:"Id of the report."`
	CheckedAt   time.Time     `json:"checked_at" doc:"When the check began."`
	Letter      report.Letter `json:"letter,omitempty" doc:"The letter that it got, by the rules of its day."`
	Provisional bool          `json:"provisional" doc:"Something that could move the letter was not found out."`
	Rules       int           `json:"rules" doc:"Version of the rule set that was in force."`
	URL         string        `json:"url" doc:"Address of the report on this site."`
}

// history lists the reports of a domain.
func (a *API) history(w http.ResponseWriter, r *http.Request, who scans.Client, in *historyInput) error {
	d, err := a.Parse(in.Domain)
	if err != nil {
		return problem.NotMailDomain(err, http.StatusNotFound, "path.domain")
	}
	until := time.Now()
	if !in.Before.IsZero() {
		until = in.Before.Add(-time.Nanosecond).Truncate(time.Millisecond) // the store counts milliseconds
	}
	list, err := a.Store.Until(r.Context(), d.ASCII, until, in.Limit+1)
	if err != nil {
		return err
	}
	if len(list) == 0 && in.Before.IsZero() {
		return problem.NotChecked
	}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		next := url.Values{"limit": {fmt.Sprint(in.Limit)}, "before": {list[len(list)-1].CheckedAt.Format(time.RFC3339Nano)}}
		w.Header().Set("Link", fmt.Sprintf(`<%s/domains/%s/history?%s>; rel="next"`, apiV1, d.ASCII, next.Encode()))
	}
	page := History{Domain: d.ASCII, Entries: []Entry{}}
	for _, e := range list {
		page.Entries = append(page.Entries, Entry{e.ID, e.CheckedAt, e.Letter, e.Provisional, e.Rules, reportAt(e.ID)})
	}
	return a.Renderer.SendJSON(w, r, who, rendering.Head{Keep: "no-cache"}, "", func(context.Context) (any, error) { return page, nil })
}
