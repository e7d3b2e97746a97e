package pages

import (
	"fmt"
	"net/http"
	"time"

	"mxseal/templates"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
)

// What a site has beside its pages, for operators and for machines that find their way by it.

// Imprint and Privacy show the texts of the operator.
func (p *Pages) Imprint(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	return p.text(w, r, who, "/imprint", "Imprint", p.Operator.Imprint)
}

func (p *Pages) Privacy(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	return p.text(w, r, who, "/privacy", "Privacy", p.Operator.Privacy)
}

func (p *Pages) text(w http.ResponseWriter, r *http.Request, who scans.Client, address, title, text string) error {
	switch {
	case text == "":
		return problem.NoSuchAddress
	case templates.Elsewhere(text):
		http.Redirect(w, r, text, http.StatusSeeOther)
		return nil
	}
	f := p.frame(title)
	return p.render(w, r, who, http.StatusOK, address, f, templates.TextPage(f, title, text))
}

// robots keeps machines from what is made for other machines. Pages that are not to be found say so
// themselves: who is kept from them here could not read it, nor show a picture beside a link to them.
const robots = "User-agent: *\nDisallow: /api/v1/\nDisallow: /check/*/events\nDisallow: /domain/\n"

// Robots is robots.txt (RFC 9309).
func (p *Pages) Robots(w http.ResponseWriter, r *http.Request, _ scans.Client) error {
	return sendText(w, "public, max-age=86400", robots)
}

// Security is security.txt (RFC 9116): whom to tell of a weakness of this site. It holds for half a year
// from the day on which it is read, and is not there without a contact.
func (p *Pages) Security(w http.ResponseWriter, r *http.Request, _ scans.Client) error {
	contact := p.Operator.Link()
	if contact == "" {
		return problem.NoSuchAddress
	}
	text := fmt.Sprintf("Contact: %s\nExpires: %s\nPreferred-Languages: en\n", contact, time.Now().UTC().AddDate(0, 6, 0).Format("2006-01-02T00:00:00Z"))
	if p.BaseURL != "" {
		text += "Canonical: " + p.BaseURL + "/.well-known/security.txt\n"
	}
	return sendText(w, "no-cache", text)
}

func sendText(w http.ResponseWriter, keep, text string) error {
	w.Header().Set("Content-Type", rendering.PlainText)
	w.Header().Set("Cache-Control", keep)
	w.Write([]byte(text)) // an error means that the visitor has left
	return nil
}
