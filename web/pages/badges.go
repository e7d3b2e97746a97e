package pages

import (
	"net/http"

	"mxseal/templates"
	"mxseal/web/badge"
	"mxseal/web/problem"
	"mxseal/web/scans"
)

// Badge answers with a badge, or at an address without a known ending with the page that hands badges
// out.
func (p *Pages) Badge(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	domain, form, err := badge.Form(pathValue(r, "name"))
	if err != nil {
		return err
	}
	if form == "" {
		return p.badges(w, r, who, domain)
	}
	return p.Badges.Send(w, r, who, domain, form)
}

// Card answers with the card of a report.
func (p *Pages) Card(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	return p.Badges.SendCard(w, r, who, pathValue(r, "id"))
}

// badges hands out what can be copied into signatures and pages.
func (p *Pages) badges(w http.ResponseWriter, r *http.Request, who scans.Client, asked string) error {
	d, err := p.Parse(asked)
	if err != nil {
		return problem.NotMailDomain(err, http.StatusNotFound, "")
	}
	if d.ASCII != asked {
		http.Redirect(w, r, "/badge/"+d.ASCII, http.StatusMovedPermanently)
		return nil
	}
	known, err := p.Badges.Summary(r.Context(), d.ASCII)
	if err != nil {
		return err
	}
	page := templates.Badges{Domain: d.ASCII, Unicode: d.Unicode, Base: p.base(r), Checked: known.ID != "" && !known.Outdated()}
	if page.Checked {
		page.Label, page.Letter, page.At, page.Unsure = known.Label, known.Letter, known.CheckedAt, known.Message == "not tested"
	}
	f := p.frame("Badges of " + d.Unicode)
	f.Private = true
	return p.render(w, r, who, http.StatusOK, "", f, templates.BadgePage(f, page))
}

// base is scheme and host of the site: as configured, else as the visitor reached it.
func (p *Pages) base(r *http.Request) string {
	if p.BaseURL != "" {
		return p.BaseURL
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return scheme + r.Host
}
