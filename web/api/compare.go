package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/store"
)

type compareInput struct {
	One   string `path:"one" doc:"Id of a report." example:"h3ekrutlpqyr2mljcgnz3mhbz4"`
	Other string `path:"other" doc:"Id of another report of the same domain, earlier or later." example:"j5fmsxvnrsaktbolzepb5ojdb6"`
}

// Comparison is what differs between two reports of a domain.
type Comparison struct {
	Domain  string           `json:"domain" doc:"The domain in its A-label form."`
	Before  Entry            `json:"before" doc:"The earlier report."`
	After   Entry            `json:"after" doc:"The later report."`
	Changes []report.Change  `json:"changes" nullable:"false" doc:"What was seen differently, and the letter where it is another one."`
	Came    []report.Finding `json:"came" nullable:"false" doc:"Findings of the later report that the earlier one does not have."`
	Went    []report.Finding `json:"went" nullable:"false" doc:"Findings of the earlier report that the later one does not have."`
}

// compared is what differs between two reports, as programs are told of it.
func compared(one, other *report.Report) Comparison {
	c := checks.Compare(one, other)
	return Comparison{
		Domain: c.After.Domain, Before: entryOf(c.Before.Report), After: entryOf(c.After.Report),
		Changes: append([]report.Change{}, c.After.Changes...),
		Came:    append([]report.Finding{}, c.Came.Findings...),
		Went:    append([]report.Finding{}, c.Went.Findings...),
	}
}

func entryOf(r *report.Report) Entry {
	e := Entry{ID: r.ID, CheckedAt: r.CheckedAt, Rules: r.Rules, URL: reportAt(r.ID)}
	if r.Grade != nil {
		e.Letter, e.Provisional = r.Grade.Letter, r.Grade.Provisional
	}
	return e
}

// compare sends what differs between two reports, whichever is named first.
func (a *API) compare(w http.ResponseWriter, r *http.Request, who scans.Client, in *compareInput) error {
	return SendComparison(a.Renderer, w, r, who, apiV1+"/compare/"+in.One+"/"+in.Other, func(ctx context.Context) (one, other *report.Report, err error) {
		return Pair(ctx, a.Scans, a.Keep, in.One, in.Other)
	})
}

// SendComparison sends what differs between two reports to a program. It is kept under a name.
func SendComparison(m *rendering.Renderer, w http.ResponseWriter, r *http.Request, who scans.Client, name string, load func(context.Context) (one, other *report.Report, err error)) error {
	return m.SendJSON(w, r, who, rendering.Head{Keep: reportKept, Vary: "Accept, Accept-Encoding"}, name, func(ctx context.Context) (any, error) {
		one, other, err := load(ctx)
		if err != nil {
			return nil, err
		}
		return compared(one, other), nil
	})
}

// Pair are two reports of one domain. Where there is no such pair the error is a problem that says so;
// keep is how long reports are kept.
func Pair(ctx context.Context, s *scans.Scanner, keep time.Duration, first, second string) (one, other *report.Report, err error) {
	var pair [2]*report.Report
	for i, id := range []string{first, second} {
		if pair[i], err = s.Report(ctx, id); errors.Is(err, store.ErrNotFound) {
			err = problem.Missing(id, s.Lost(id), keep)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if pair[0].Domain != pair[1].Domain {
		return nil, nil, problem.TwoDomains
	}
	return pair[0], pair[1], nil
}
