package pages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/view"
	"mxseal/templates"
	"mxseal/web/api"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/store"
)

// oldAfter is how old a report may be that is shown without a warning, as on badges.
const oldAfter = 30 * 24 * time.Hour

// To shows a domain to those who write to it: what becomes of a mail from where they send. It starts
// nothing.
func (p *Pages) To(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	asked := pathValue(r, "domain")
	d, err := p.Parse(asked)
	if err != nil {
		return problem.NotMailDomain(err, http.StatusNotFound, "")
	}
	if d.ASCII != asked {
		http.Redirect(w, r, "/to/"+d.ASCII, http.StatusMovedPermanently)
		return nil
	}
	id := r.URL.Query().Get("from")
	from, known := view.OriginOf(id)
	if !known {
		from, _ = view.OriginOf(view.UnknownOrigin)
	}
	last := p.Scans.LastOf(d.ASCII)
	name := rendering.Name(fmt.Sprint("/to/", d.ASCII, " ", id != "", " ", known, " ", from.ID), last, p.Scans.Lost(last))
	load := func(ctx context.Context) (*report.Report, error) { return p.Scans.Latest(ctx, d.ASCII) }
	if rendering.WantsJSON(r) {
		if id != "" && !known {
			return api.UnknownSender("query.from")
		}
		return p.toJSON(w, r, who, name, load, from)
	}
	page, status := templates.To{Chosen: known}, http.StatusOK
	if id != "" && !known {
		page.Problem, status = "We do not know what that checks when it sends. Choose one of these.", http.StatusUnprocessableEntity
	}
	made, err := p.Renderer.Get(r.Context(), who, p.Renderer.Pages, p.pageKey(name, p.banner()), pageHead, func(ctx context.Context, w io.Writer) error {
		kept, err := load(ctx)
		if err != nil {
			return err
		}
		page.Report = checks.View(kept)
		page.Answer = page.To(from)
		page.Old = !report.Within(oldAfter, kept.CheckedAt, time.Now())
		return templates.ToPage(p.toFrame(page), page).Render(ctx, w)
	})
	if errors.Is(err, store.ErrNotFound) {
		f := p.frame("Writing to " + d.Unicode)
		f.Private = true
		return p.render(w, r, who, http.StatusNotFound, "", f, templates.ToNobody(f, d.ASCII, d.Unicode))
	}
	if err != nil {
		return err
	}
	return p.Renderer.Send(w, r, status, made)
}

// toJSON is the same for programs.
func (p *Pages) toJSON(w http.ResponseWriter, r *http.Request, who scans.Client, name string, load func(context.Context) (*report.Report, error), from view.Origin) error {
	err := p.Renderer.SendJSON(w, r, who, rendering.Head{Keep: "no-cache", Vary: "Accept, Accept-Encoding"}, name, func(ctx context.Context) (any, error) {
		kept, err := load(ctx)
		if err != nil {
			return nil, err
		}
		return api.AdviceOf(kept, from), nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return problem.NotChecked
	}
	return err
}

// toFrame is the frame of the page for who writes to a domain.
func (p *Pages) toFrame(t templates.To) templates.Frame {
	f := p.frame("Writing to " + t.Name())
	f.Private, f.Summary = true, t.Answer.Sentence
	if p.BaseURL != "" {
		f.Canonical, f.Card = p.BaseURL+"/to/"+t.Domain, p.BaseURL+"/report/"+t.ID+"/card.png"
	}
	return f
}
