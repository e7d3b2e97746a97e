package pages

import (
	"errors"
	"net/http"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/templates"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/store"
	"mxseal/web/watch"
)

func (p *Pages) watchFrame() templates.Frame {
	f := p.frame("Be told when something changes")
	f.Private = true
	return f
}

// WatchForm asks what is to be watched, and who is told.
func (p *Pages) WatchForm(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	asked := r.URL.Query()
	form := templates.WatchForm{Inbox: report.Clean(asked.Get("inbox"), 64)}
	if d, err := p.Parse(asked.Get("domain")); err == nil {
		form.Domain = d.ASCII
	}
	return p.watchForm(w, r, who, http.StatusOK, form)
}

func (p *Pages) watchForm(w http.ResponseWriter, r *http.Request, who scans.Client, status int, form templates.WatchForm) error {
	private(w)
	form.Mail, form.Webhooks = p.Watches.Mail(), p.Watches.Webhooks()
	return p.renderOnce(w, r, who, status, templates.WatchFormPage(p.watchFrame(), form))
}

// private keeps the address of a page, which is a key, from other sites and from memory on the way.
func private(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
}

// AskWatch has a message sent that asks to confirm. Whether one was sent it does not say: that would tell
// strangers who watches what.
func (p *Pages) AskWatch(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	if err := r.ParseForm(); err != nil {
		return problem.NoForm
	}
	form := templates.WatchForm{Domain: r.PostForm.Get("domain"), Target: r.PostForm.Get("target"), Inbox: r.PostForm.Get("inbox")}
	err := p.Watches.Ask(r.Context(), form.Domain, form.Target, form.Inbox)
	var typed *input.Error
	switch {
	case errors.As(err, &typed):
		form.Problem = typed.Sentence
	case errors.Is(err, watch.ErrKind) && p.Watches.Mail():
		form.Problem = "This instance sends mail only. Type a mail address."
	case errors.Is(err, watch.ErrKind):
		form.Problem = "This instance calls webhooks only. Type an https:// address."
	case errors.Is(err, watch.ErrTarget):
		form.Problem = "Type a mail address such as me@example.net, or the https:// address of a webhook: with a host name, and without a port or password."
	case err != nil:
		return err
	}
	if form.Problem != "" {
		return p.watchForm(w, r, who, http.StatusUnprocessableEntity, form)
	}
	return p.renderOnce(w, r, who, http.StatusAccepted, templates.WatchAskedPage(p.watchFrame()))
}

// ConfirmWatch shows the button that confirms a watch, by the token in its address.
func (p *Pages) ConfirmWatch(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	one, err := p.Watches.ToConfirm(r.Context(), pathValue(r, "token"))
	if err != nil {
		return noWatch(err)
	}
	private(w)
	return p.renderOnce(w, r, who, http.StatusOK, templates.WatchConfirmPage(p.watchFrame(), one.Token, one.Domain, one.Target))
}

// WatchConfirmed confirms a watch and leads to its page.
func (p *Pages) WatchConfirmed(w http.ResponseWriter, r *http.Request, _ scans.Client) error {
	one, err := p.Watches.Confirm(r.Context(), pathValue(r, "token"))
	if err != nil {
		return noWatch(err)
	}
	private(w)
	http.Redirect(w, r, "/watch/"+one.Key, http.StatusSeeOther)
	return nil
}

// Watch shows a watch and what was told. The address of the page is its only key.
func (p *Pages) Watch(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	one, told, err := p.Watches.Read(r.Context(), pathValue(r, "key"))
	if err == nil && one.Confirmed.IsZero() { // its key was told to nobody yet
		err = store.ErrNotFound
	}
	if err != nil {
		return noWatch(err)
	}
	private(w)
	if rendering.WantsJSON(r) {
		return rendering.WriteJSON(w, http.StatusOK, "application/json", p.Watches.Summarize(one, told))
	}
	page := templates.Watch{Key: one.Key, Domain: one.Domain, Target: one.Target, Made: one.Made, Next: one.Next, Own: watch.Own(one)}
	if watch.OfURL(one.Target) {
		page.Secret = one.Secret
	}
	for _, t := range told {
		page.Told = append(page.Told, templates.WatchTold{Made: t.Made, Sent: t.Sent, Tries: t.Tries, GivenUp: t.GivenUp, Error: t.Error, Report: t.Report, Events: t.Events})
	}
	return p.renderOnce(w, r, who, http.StatusOK, templates.WatchPage(p.watchFrame(), page))
}

// EndWatch deletes a watch, by its page's button or by the one click of a mail program (RFC 8058), which
// expects no page and follows no redirect.
func (p *Pages) EndWatch(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	if err := p.Watches.End(r.Context(), pathValue(r, "key")); err != nil {
		return noWatch(err)
	}
	private(w)
	return p.renderOnce(w, r, who, http.StatusOK, templates.WatchEndedPage(p.watchFrame()))
}

// ToEndWatch leads to the page with the button: some programs open what a POST is meant for.
func (p *Pages) ToEndWatch(w http.ResponseWriter, r *http.Request, _ scans.Client) error {
	private(w)
	http.Redirect(w, r, "/watch/"+pathValue(r, "key"), http.StatusSeeOther)
	return nil
}

func noWatch(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return problem.NoSuchWatch
	}
	return err
}
