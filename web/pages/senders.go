package pages

import (
	"context"
	"errors"
	"net/http"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/sender"
	"mxseal/templates"
	"mxseal/web/badge"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/senders"
)

const quietAfter = 2 * time.Minute // without anything; then the page says why that may be

// Sender shows the page on which a test begins.
func (p *Pages) Sender(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	return p.renderOnce(w, r, who, http.StatusOK, templates.SendersPage(p.senderFrame(), templates.Senders{Missing: p.Senders.Missing()}))
}

func (p *Pages) senderFrame() templates.Frame {
	f := p.frame("Does your mail server verify when it sends?")
	f.Here = "/sender"
	return f
}

// StartSender begins a test and leads to its page.
func (p *Pages) StartSender(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	id, err := p.Senders.Start(r.Context(), who.Addr)
	switch {
	case errors.Is(err, senders.ErrNetwork), errors.Is(err, senders.ErrFull):
		f := p.senderFrame()
		return p.renderOnce(w, r, who, http.StatusTooManyRequests, templates.SendersPage(f, templates.Senders{Problem: "No test can begin now: " + err.Error() + ". Please try again in a few minutes."}))
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/sender/"+id, http.StatusSeeOther)
	return nil
}

// SenderTest shows one test. Its address is the only key to it.
func (p *Pages) SenderTest(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	t, err := p.senderTest(r.Context(), pathValue(r, "id"))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	if rendering.WantsJSON(r) {
		return rendering.WriteJSON(w, http.StatusOK, "application/json", senders.Summarize(t.Evidence, t.Verdict, t.Running))
	}
	f := p.senderFrame()
	f.Private = true
	if t.Running {
		f.Refresh = 5
	}
	return p.renderOnce(w, r, who, http.StatusOK, templates.SenderPage(f, t))
}

// senderTest is a test at this moment.
func (p *Pages) senderTest(ctx context.Context, id string) (templates.SenderTest, error) {
	e, err := p.Senders.Evidence(ctx, id)
	if errors.Is(err, senders.ErrNoTest) {
		return templates.SenderTest{}, problem.NoSuchTest
	}
	if err != nil {
		return templates.SenderTest{}, err
	}
	now := time.Now()
	t := templates.SenderTest{Evidence: e, Verdict: sender.Judge(e, now), Addresses: senders.Addresses(e), Running: now.Before(e.Ends)}
	if t.Running && now.Sub(e.Began) > quietAfter && len(t.View.Clients) == 0 {
		t.Quiet = quiet(e)
	}
	return t, nil
}

// quiet says why nothing may have come, from what was asked.
func quiet(e *sender.Evidence) string {
	if len(e.Questions) == 0 {
		return "Nothing was asked about these addresses. The message may still be in the outbox or in a queue, or its addresses were copied wrongly."
	}
	return "A name server asked about these addresses, and no message has come. Your server may wait in its queue, or be unable to connect to port 25: many networks block it."
}

// EndSender closes the traps of a test.
func (p *Pages) EndSender(w http.ResponseWriter, r *http.Request, _ scans.Client) error {
	id := pathValue(r, "id")
	if err := p.Senders.End(r.Context(), id); errors.Is(err, senders.ErrNoTest) {
		return problem.NoSuchTest
	} else if err != nil {
		return err
	}
	http.Redirect(w, r, "/sender/"+id, http.StatusSeeOther)
	return nil
}

// SenderBadge says in a picture that a server verifies, with the date.
func (p *Pages) SenderBadge(w http.ResponseWriter, r *http.Request, _ scans.Client) error {
	t, err := p.senderTest(r.Context(), pathValue(r, "id"))
	if err != nil {
		return err
	}
	b := templates.SenderBadge{Says: "not tested", Color: badge.Color(report.LetterT), Day: t.Evidence.Began.Format(time.DateOnly)}
	switch {
	case t.Grade.Letter == report.LetterT || t.Running:
	case t.Verifies():
		b.Says, b.Color = "this server verifies", badge.Color("A")
	default:
		b.Says, b.Color = "does not verify", badge.Color("F")
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "public, max-age=300")
	return templates.SenderBadgeSVG(b).Render(r.Context(), w)
}
