package pages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/templates"
	"mxseal/web/api"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/store"
)

// Report shows one report, for ever.
func (p *Pages) Report(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	p = p.at(r)
	id := pathValue(r, "id")
	err := p.sendReport(w, r, who, "/report/"+id, "", func(ctx context.Context) (*report.Report, error) { return p.Scans.Report(ctx, id) })
	if errors.Is(err, store.ErrNotFound) {
		return problem.Missing(id, p.Scans.Lost(id), p.Keep)
	}
	return err
}

// wantsData reports whether a report is asked for as JSON, or as text.
func wantsData(r *http.Request) bool {
	return r.URL.RawQuery != "" && r.URL.Query().Get("format") == "json" || !rendering.WantsPage(r)
}

// sendReport sends the report of an address of pages, in the form that is asked for. last is
// the last report of the domain that was made here, where the address shows the latest: what
// was kept before that one is not shown behind it.
func (p *Pages) sendReport(w http.ResponseWriter, r *http.Request, who scans.Client, address, last string, load func(context.Context) (*report.Report, error)) error {
	if wantsData(r) {
		return api.SendReport(p.Renderer, w, r, who, "no-cache", rendering.Name(address, last, p.Scans.Lost(last)), load)
	}
	b, all := p.banner(), r.URL.Query().Get("show") == "all"
	name := rendering.Name(address, last, p.Scans.Lost(last))
	if all {
		name += " all"
	}
	made, err := p.Renderer.Get(r.Context(), who, p.Renderer.Pages, p.pageKey(name, b), pageHead, func(ctx context.Context, w io.Writer) error {
		kept, err := load(ctx)
		if err != nil {
			return err
		}
		return p.writeReport(ctx, w, kept, strings.HasPrefix(address, "/check/"), all)
	})
	if err != nil {
		return err
	}
	return p.Renderer.Send(w, r, http.StatusOK, made)
}

// writeReport writes the page of a report, as the latest of its domain or under its permanent address,
// and where all is asked for with nothing folded.
func (p *Pages) writeReport(ctx context.Context, w io.Writer, kept *report.Report, latest, all bool) error {
	page := templates.Report{Report: checks.View(kept), All: all, Latest: latest, Link: p.BaseURL + "/report/" + kept.ID, RulesNow: report.RulesSet}
	page.Today = judgedToday(kept)
	history, err := p.Store.Until(ctx, kept.Domain, kept.CheckedAt, maxHistory)
	if err != nil {
		return err
	}
	for _, e := range history {
		page.History = append(page.History, templates.Moment{ID: e.ID, At: e.CheckedAt, Letter: e.Letter, Provisional: e.Provisional})
	}
	if latest {
		if page.Newer, err = p.newer(ctx, kept); err != nil {
			return err
		}
	}
	lost := p.Scans.Lost(kept.ID)
	switch {
	case lost:
		page.Notice = "This report could not be kept: our disk did not take it. You can read it here for a minute, and its permanent link will lead nowhere. Save the page if you need it, or check again later."
	case latest:
		page.Notice = p.notice(kept.Domain, history)
	}
	f := p.frame(page.Name() + ": " + page.Stated())
	f.Private = true
	if kept.Grade != nil {
		f.Summary = page.Headline()
	}
	if p.BaseURL != "" {
		f.Canonical, f.Card = page.Link, page.Link+"/card.png"
	}
	return templates.ReportPage(f, page).Render(ctx, w)
}

// newer is the youngest report of a domain where it stands behind this one, since trouble of
// our own has spoilt it.
func (p *Pages) newer(ctx context.Context, shown *report.Report) (*templates.Moment, error) {
	list, err := p.Store.History(ctx, shown.Domain, 1)
	if err != nil || len(list) == 0 || list[0].ID == shown.ID || !list[0].CheckedAt.After(shown.CheckedAt) {
		return nil, err
	}
	return &templates.Moment{ID: list[0].ID, At: list[0].CheckedAt, Letter: list[0].Letter, Provisional: list[0].Provisional}, nil
}

const maxHistory = 100 // reports on the chart of a page

// judgedToday is the letter that the present rules give for the evidence of a report, or
// empty where it is the one that the report has.
func judgedToday(kept *report.Report) report.Letter {
	again := *kept // judging puts new findings and a new grade in the place of the old ones
	again.Conclusions = checks.Judge(again.Meta, again.Evidence)
	if kept.Grade == nil || again.Grade == nil || again.Grade.Letter == kept.Grade.Letter {
		return ""
	}
	return again.Grade.Letter
}

// notice says on the page of the latest report why no other will follow it for now; history
// are the reports of the domain, youngest first.
func (p *Pages) notice(domain string, history []store.Entry) string {
	if p.OptOuts.Domain(domain) {
		return "The owner of this domain has asked not to be checked from here. This report is from before, and no check will follow it."
	}
	if until := scans.Rests(history); time.Now().Before(until) {
		return fmt.Sprintf("This domain was checked %d times within an hour. The next check can begin at %s.", scans.DomainHour, until.UTC().Add(time.Minute-1).Format("15:04 UTC"))
	}
	return ""
}
