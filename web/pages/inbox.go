package pages

import (
	"errors"
	"net/http"

	"mxseal/templates"
	"mxseal/web/inbox"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/store"
)

// OpenInbox makes an inbox for TLS reports and leads to its page.
func (p *Pages) OpenInbox(w http.ResponseWriter, r *http.Request, _ scans.Client) error {
	if err := r.ParseForm(); err != nil {
		return problem.NoForm
	}
	d, err := p.Parse(r.PostForm.Get("domain"))
	if err != nil {
		return problem.NotMailDomain(err, http.StatusUnprocessableEntity, "")
	}
	key, err := p.Inboxes.Open(r.Context(), d.ASCII)
	if errors.Is(err, inbox.ErrTooMany) {
		return problem.NoInboxes
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/tlsrpt/"+key, http.StatusSeeOther)
	return nil
}

// Inbox shows what was delivered to an inbox. The address of the page is its only key.
func (p *Pages) Inbox(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	box, summary, err := p.Inboxes.Read(r.Context(), pathValue(r, "key"))
	if errors.Is(err, store.ErrNotFound) {
		return problem.NoSuchInbox
	}
	if err != nil {
		return err
	}
	private(w)
	if rendering.WantsJSON(r) {
		return rendering.WriteJSON(w, http.StatusOK, "application/json", summary.Whole())
	}
	page := templates.TLSInbox{Domain: box.Domain, Addresses: p.Inboxes.Addresses(box.Token), Key: box.Key, Watch: p.Watches != nil, Last: box.Last, Summary: summary}
	for _, d := range summary.Domains() {
		shown := templates.ReportedDomain{Domain: d}
		for _, seen := range p.Inboxes.See(r.Context(), d) {
			shown.Seen = append(shown.Seen, (*templates.Seen)(seen))
		}
		page.Domains = append(page.Domains, shown)
	}
	f := p.tlsReportsFrame()
	f.Private = true
	return p.renderOnce(w, r, who, http.StatusOK, templates.TLSInboxPage(f, page))
}

// Deliver takes reports from who sends (RFC 8460 §5.4).
func (p *Pages) Deliver(w http.ResponseWriter, r *http.Request, _ scans.Client) error {
	leave, err := p.upload(w)
	if err != nil {
		return err
	}
	defer leave()
	var long *http.MaxBytesError
	switch err := p.Inboxes.Deliver(r.Context(), pathValue(r, "token"), r.Body); {
	case err == nil:
		w.WriteHeader(http.StatusCreated)
		return nil
	case errors.Is(err, store.ErrNotFound):
		return problem.NoSuchInbox
	case errors.Is(err, inbox.ErrNotNamed):
		return problem.InboxNotNamed
	case errors.Is(err, inbox.ErrUnknown):
		return problem.InboxUnknown
	case errors.Is(err, inbox.ErrFull):
		return problem.InboxFull
	case errors.Is(err, inbox.ErrNothing):
		return problem.NothingInIt
	case errors.As(err, &long):
		return problem.ReportsTooLarge
	default:
		return err
	}
}

// RemoveInbox deletes an inbox with all that is in it.
func (p *Pages) RemoveInbox(w http.ResponseWriter, r *http.Request, _ scans.Client) error {
	err := p.Inboxes.Remove(r.Context(), pathValue(r, "key"))
	if errors.Is(err, store.ErrNotFound) {
		return problem.NoSuchInbox
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/tlsrpt", http.StatusSeeOther)
	return nil
}
