package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"mxseal/checks/report"
	"mxseal/web/scans"
	"mxseal/web/store"
)

const (
	apiV1      = "/api/v1"
	reportKept = "public, max-age=3600" // a report never changes, but its sentences may with a new version of the program
)

func apiReport(id string) string { return apiV1 + "/reports/" + id }

// addressOf is where programs find a report: one that could not be kept only as the latest of
// its domain.
func (s *Site) addressOf(r *report.Report) string {
	if s.scans.Lost(r.ID) {
		return apiV1 + "/domains/" + r.Domain
	}
	return apiReport(r.ID)
}

// order asks for a check.
type order struct {
	_      struct{} `additionalProperties:"false"`
	Domain string   `json:"domain" example:"example.org" doc:"The domain, as a person would type it: a mail address or an internationalised name will do."`
}

type orderInput struct{ Body order }

// orderCheck starts a check, joins the running one, or hands out the fresh report.
func (s *Site) orderCheck(w http.ResponseWriter, r *http.Request, in *orderInput) error {
	d, err := s.parse(in.Body.Domain)
	if err != nil {
		return notMailDomain(err, http.StatusUnprocessableEntity, "body.domain")
	}
	fresh, c, err := s.scans.Start(r.Context(), client(r), d)
	if err != nil {
		return err
	}
	if fresh != nil {
		address := s.addressOf(fresh)
		w.Header().Set("Content-Location", address)
		return s.sendJSON(w, r, head{kind: "application/json", keep: "no-cache"}, s.nameOf("POST "+address, fresh.ID), func(context.Context) (any, error) { return fresh, nil })
	}
	w.Header().Set("Location", apiReport(c.ID))
	return writeState(w, c)
}

type reportInput struct {
	ID string `path:"id" doc:"Id of the report." example:"h3ekrutlpqyr2mljcgnz3mhbz4"`
}

// apiShowReport sends one report, or how far its check is.
func (s *Site) apiShowReport(w http.ResponseWriter, r *http.Request, in *reportInput) error {
	if c := s.scans.ByID(in.ID); c != nil {
		return writeState(w, c)
	}
	err := s.sendJSON(w, r, head{kind: "application/json", keep: reportKept}, apiReport(in.ID), func(ctx context.Context) (any, error) { return s.scans.Report(ctx, in.ID) })
	if errors.Is(err, store.ErrNotFound) {
		return s.missing(in.ID)
	}
	return err
}

type domainInput struct {
	Domain string `path:"domain" doc:"The domain, in any form that the form of the site takes." example:"example.org"`
}

// apiLatest sends the latest report of a domain. It starts nothing.
func (s *Site) apiLatest(w http.ResponseWriter, r *http.Request, in *domainInput) error {
	d, err := s.parse(in.Domain)
	if err != nil {
		return notMailDomain(err, http.StatusNotFound, "path.domain")
	}
	c := s.scans.Running(d.ASCII) // before the look for a report: its end would fall between the two
	name := s.nameOf(apiV1+"/domains/"+d.ASCII, s.scans.LastOf(d.ASCII))
	err = s.sendJSON(w, r, head{kind: "application/json", keep: "no-cache"}, name, func(ctx context.Context) (any, error) { return s.scans.Latest(ctx, d.ASCII) })
	switch {
	case errors.Is(err, store.ErrNotFound) && c != nil:
		return writeState(w, c)
	case errors.Is(err, store.ErrNotFound):
		return notChecked
	}
	return err
}

type historyInput struct {
	Domain string    `path:"domain" doc:"The domain, in any form that the form of the site takes." example:"example.org"`
	Limit  int       `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most."`
	Before time.Time `query:"before" doc:"Only reports older than this moment. The header Link names the one to go on with."`
}

// history is a part of the reports of a domain.
type history struct {
	Domain  string  `json:"domain" doc:"The domain in its A-label form."`
	Entries []entry `json:"entries" nullable:"false" doc:"Reports, the newest first."`
}

// entry is what a list of reports tells of one.
type entry struct {
	ID          string        `json:"id" doc:"Id of the report."`
	CheckedAt   time.Time     `json:"checked_at" doc:"When the check began."`
	Letter      report.Letter `json:"letter,omitempty" doc:"The letter that it got, by the rules of its day."`
	Provisional bool          `json:"provisional" doc:"Something that could move the letter was not found out."`
	Rules       int           `json:"rules" doc:"Version of the rule set that was in force."`
	URL         string        `json:"url" doc:"Address of the report on this site."`
}

// apiHistory lists the reports of a domain.
func (s *Site) apiHistory(w http.ResponseWriter, r *http.Request, in *historyInput) error {
	d, err := s.parse(in.Domain)
	if err != nil {
		return notMailDomain(err, http.StatusNotFound, "path.domain")
	}
	until := time.Now()
	if !in.Before.IsZero() {
		until = in.Before.Add(-time.Nanosecond).Truncate(time.Millisecond) // the store counts milliseconds
	}
	list, err := s.cfg.Store.Until(r.Context(), d.ASCII, until, in.Limit+1)
	if err != nil {
		return err
	}
	if len(list) == 0 && in.Before.IsZero() {
		return notChecked
	}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		next := url.Values{"limit": {fmt.Sprint(in.Limit)}, "before": {list[len(list)-1].CheckedAt.Format(time.RFC3339Nano)}}
		w.Header().Set("Link", fmt.Sprintf(`<%s/domains/%s/history?%s>; rel="next"`, apiV1, d.ASCII, next.Encode()))
	}
	page := history{Domain: d.ASCII, Entries: []entry{}}
	for _, e := range list {
		page.Entries = append(page.Entries, entry{e.ID, e.CheckedAt, e.Letter, e.Provisional, e.Rules, apiReport(e.ID)})
	}
	return s.sendJSON(w, r, head{kind: "application/json", keep: "no-cache"}, "", func(context.Context) (any, error) { return page, nil })
}

type eventsInput struct {
	ID    string `path:"id" doc:"Id of the report."`
	Last  string `header:"Last-Event-ID" doc:"Number of the last event that was heard. Browsers send it by themselves when they connect again."`
	After string `query:"after" doc:"The same, for clients that cannot set headers."`
}

// apiEvents tells what happens in a check, and its end.
func (s *Site) apiEvents(w http.ResponseWriter, r *http.Request, in *eventsInput) error {
	c := s.scans.ByID(in.ID)
	if c == nil { // it has ended, if there ever was one
		if _, err := s.entry(r.Context(), in.ID); err != nil {
			return err
		}
		c = scans.Ended(&report.Report{Meta: report.Meta{ID: in.ID}})
	}
	return s.stream(w, r, c, audience{
		func(e scans.Event) (string, any) {
			switch {
			case e.Queue != nil:
				return "queue", e.Queue
			case e.Progress != nil:
				return "progress", e.Progress
			}
			return "finding", e.Finding
		},
		func() (string, any) { return s.ending(r, c) },
	})
}

// notMailDomain says that a part of a request is no mail domain, and why. An error of another
// kind comes back as it is.
func notMailDomain(err error, status int, at string) error {
	why, err := reason(err)
	if err != nil {
		return err
	}
	return &problem{status: status, title: "Not a mail domain", reason: "not-a-mail-domain", text: why, at: at}
}

// writeState says how far a check is.
func writeState(w http.ResponseWriter, c *scans.Scan) error {
	w.Header().Set("Retry-After", fmt.Sprint(refresh))
	return writeJSON(w, http.StatusAccepted, "application/json", underWay(c))
}

// sendJSON answers with what load gives, as rendering of that name.
func (s *Site) sendJSON(w http.ResponseWriter, r *http.Request, h head, name string, load func(context.Context) (any, error)) error {
	if name != "" {
		name = "JSON " + name
	}
	p, err := s.renderer.get(r, s.renderer.pages, name, h, func(ctx context.Context, w io.Writer) error {
		v, err := load(ctx)
		if err != nil {
			return err
		}
		return json.NewEncoder(w).Encode(v)
	})
	if err != nil {
		return err
	}
	return s.send(w, r, http.StatusOK, p)
}

// entry is what the list of reports tells of one.
func (s *Site) entry(ctx context.Context, id string) (store.Entry, error) {
	e, err := s.cfg.Store.Entry(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		err = s.missing(id)
	}
	return e, err
}

// apiError makes huma's errors problems in our words. Nothing that the client sent is in
// them, though huma would quote it: neither values, nor names of fields, nor media types.
func apiError(c huma.Context, status int, _ string, causes ...error) huma.StatusError {
	p := ourFault
	switch status {
	case http.StatusRequestEntityTooLarge:
		p = tooLong
	case http.StatusRequestTimeout:
		p = tooSlow
	case http.StatusUnsupportedMediaType:
		p = notJSON
	case http.StatusBadRequest:
		p = brokenJSON
	case http.StatusUnprocessableEntity:
		p = notTaken
	}
	base := ""
	if c != nil {
		base, _ = c.Context().Value(baseKey{}).(string)
	}
	d := p.details(base, true)
	if p == notTaken {
		for _, cause := range causes {
			var at *huma.ErrorDetail
			if errors.As(cause, &at) {
				d.Errors = append(d.Errors, whatIsWrong(at))
			}
		}
	}
	return d
}

// whatIsWrong says in our words what is wrong with a part of a request.
func whatIsWrong(at *huma.ErrorDetail) problemPlace {
	switch at.Location {
	case "body.domain":
		return problemPlace{"The domain is a text.", at.Location}
	case "query.limit":
		return problemPlace{"The limit is a number from 1 to 100.", at.Location}
	case "query.before":
		return problemPlace{"The moment is a time such as 2026-01-31T12:00:00Z.", at.Location}
	}
	return problemPlace{`The body is an object with one field, the domain: {"domain": "example.org"}.`, "body"}
}

// GetStatus, Error and ContentType are what huma asks of an error.
func (d *problemDetails) GetStatus() int            { return d.Status }
func (d *problemDetails) Error() string             { return d.Title }
func (d *problemDetails) ContentType(string) string { return problemJSON }
