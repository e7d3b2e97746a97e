package pages

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/templates"
	"mxseal/web/api"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/store"
)

// StartCheck is the only way to start a check on these pages.
func (p *Pages) StartCheck(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return problem.NoForm
	}
	if err := r.ParseForm(); err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			return err
		}
		return problem.NoForm
	}
	typed := r.PostForm.Get("domain")
	d, err := p.Parse(typed)
	if err != nil {
		err = problem.NotMailDomain(err, http.StatusUnprocessableEntity, "")
		var why *problem.Problem
		if errors.As(err, &why) && !rendering.WantsJSON(r) {
			return p.form(w, r, who, "", typed, why.Text)
		}
		return err
	}
	_, _, err = p.Scans.Start(r.Context(), who, d)
	var no *scans.Refusal
	if errors.As(err, &no) && no.Reason == scans.DomainRests && !rendering.WantsJSON(r) {
		err = nil // the latest report stands there, and says until when
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/check/"+d.ASCII, http.StatusSeeOther)
	return nil
}

// Check shows the running check of a domain or its latest report. It starts nothing.
func (p *Pages) Check(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	p = p.at(r)
	asked := pathValue(r, "domain")
	d, err := p.Parse(asked)
	if err != nil {
		return problem.NotMailDomain(err, http.StatusNotFound, "")
	}
	if d.ASCII != asked { // one address a domain; and a local part leaves the address bar
		http.Redirect(w, r, "/check/"+d.ASCII, http.StatusMovedPermanently)
		return nil
	}
	if c := p.Scans.Running(d.ASCII); c != nil {
		return p.showRunning(w, r, who, c)
	}
	err = p.sendReport(w, r, who, "/check/"+d.ASCII, p.Scans.LastOf(d.ASCII), func(ctx context.Context) (*report.Report, error) { return p.Scans.Latest(ctx, d.ASCII) })
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if rendering.WantsJSON(r) {
		return problem.NotChecked
	}
	f := p.frame(d.Unicode)
	f.Private = true
	found, err := p.found(r.Context(), d.ASCII)
	if err != nil {
		return err
	}
	return p.render(w, r, who, http.StatusNotFound, "", f, templates.UnknownPage(f, d.ASCII, d.Unicode, found))
}

// showRunning shows how far a check is.
func (p *Pages) showRunning(w http.ResponseWriter, r *http.Request, who scans.Client, c *scans.Scan) error {
	if !rendering.WantsPage(r) {
		return api.WritePending(w, r, c)
	}
	f := p.frame("Checking " + c.Domain.Unicode)
	f.Private, f.Refresh = true, rendering.Brief
	page := runningPage(c, c.View())
	name := fmt.Sprint(c.ID, " ", page.Waiting, " ", page.Before, " ", page.Waits, " ", page.Heard, " ", f.Banner.Troubles)
	made, err := p.Renderer.Get(r.Context(), who, p.Renderer.Brief, name, pageHead, templates.RunningPage(f, page).Render)
	if err != nil {
		return err
	}
	return p.Renderer.Send(w, r, http.StatusOK, made)
}

// runningPage is what the page of a check shows that has come so far.
func runningPage(c *scans.Scan, v scans.View) templates.Running {
	page := templates.Running{Domain: c.Domain.ASCII, Unicode: c.Domain.Unicode, Waiting: v.Waiting, Before: v.Queue.Before, Waits: string(v.Queue.For), Stages: stages(v), Heard: v.Events}
	for _, f := range v.Findings {
		page.Arrivals = append(page.Arrivals, templates.NewArrival(f))
	}
	return page
}

func stages(v scans.View) (list []templates.Stage) {
	for _, t := range checks.Topics() {
		p := v.Stages[t.ID]
		list = append(list, templates.Stage{Topic: t, Begun: p.Begun, Ended: p.Ended})
	}
	return list
}
