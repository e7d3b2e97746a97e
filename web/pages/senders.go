package pages

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"mxseal/checks/sender"
	"mxseal/templates"
	"mxseal/web/api"
	"mxseal/web/badge"
	"mxseal/web/live"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/senders"
)

const quietAfter = 2 * time.Minute // without anything; then the page says why that may be

// Sender shows the page on which a test begins.
func (p *Pages) Sender(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	page := templates.Senders{Simulated: len(p.Simulated.Kinds) > 0}
	if err := p.Senders.Ready(); err != nil {
		page.Problem = noTest(err)
	} else {
		page.Missing = p.Senders.Missing()
	}
	return p.renderOnce(w, r, who, http.StatusOK, templates.SendersPage(p.senderFrame(), page))
}

func (p *Pages) senderFrame() templates.Frame {
	f := p.frame("Does your mail server verify when it sends?")
	f.Here = "/sender"
	return f
}

// noTest says why no test can begin.
func noTest(err error) string {
	return "No test can begin now: " + err.Error() + ". Please try again in a few minutes."
}

// StartSender begins a test and leads to its page.
func (p *Pages) StartSender(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	id, err := p.Senders.Start(r.Context(), who.Addr)
	if no := api.NoTest(err); no != nil {
		w.Header().Set("Retry-After", strconv.Itoa(no.Wait))
		return p.renderOnce(w, r, who, no.Status, templates.SendersPage(p.senderFrame(), templates.Senders{Problem: noTest(err)}))
	}
	if err != nil {
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
	private(w)
	if rendering.WantsJSON(r) {
		return rendering.WriteJSON(w, http.StatusOK, "application/json", api.SenderTestOf(t.Evidence, time.Now()))
	}
	f := p.senderFrame()
	f.Private = true
	switch {
	case t.Running && len(t.Evidence.Questions) > 0:
		f.Refresh = 5
	case t.Running: // he may be choosing what to send
		f.Refresh = 20
	}
	t.Base = p.base(r)
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
	if t.Running && len(e.Questions) == 0 {
		t.Simulated = p.Simulated.Kinds
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

// SenderBadge says in a picture what a test has proved, with the date.
func (p *Pages) SenderBadge(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	t, err := p.senderTest(r.Context(), pathValue(r, "id"))
	if err != nil {
		return err
	}
	_, form, err := badge.Form(pathValue(r, "name"))
	if err != nil {
		return err
	}
	return p.Badges.SendSender(w, r, who, t.Badge(), form)
}

// SenderEvents tells the page of a running test what becomes of the traps. It ends where the page has to be
// loaded again.
func (p *Pages) SenderEvents(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	id, shows := pathValue(r, "id"), r.URL.Query().Get("shows")
	first := true // what the page shows already is not read out
	return live.States(w, r, p.Scans, who, func(ctx context.Context) (live.State, error) {
		more := p.Senders.Changed(id) // before the look: what comes meanwhile is not missed
		t, err := p.senderTest(ctx, id)
		if err != nil {
			return live.State{}, err
		}
		now := live.State{More: more, Ended: !t.Running || t.Shows() != shows}
		for _, step := range t.Steps() {
			if first {
				step.Say = ""
			}
			now.Parts = append(now.Parts, live.Part{Kind: "progress", Of: string(step.Stage), Is: step.State + step.Text, Data: step})
		}
		first = false
		if now.Ended {
			now.Parts = append(now.Parts, live.Part{Kind: "done", Data: templates.Finish{Rest: []templates.Advance{}}})
		}
		return now, nil
	})
}

// Simulated are senders of the lab. Loose has one of a kind send one message to some addresses; it reports
// whether there is one, and room for it.
type Simulated struct {
	Kinds []templates.SimulatedKind
	Loose func(kind string, to []string) bool
}

// SimulateSender lets a simulated sender loose on a test.
func (p *Pages) SimulateSender(w http.ResponseWriter, r *http.Request, _ scans.Client) error {
	t, err := p.senderTest(r.Context(), pathValue(r, "id"))
	if err != nil {
		return err
	}
	if len(t.Simulated) > 0 && !p.Simulated.Loose(r.FormValue("kind"), t.Addresses) {
		return problem.NotLoose
	}
	http.Redirect(w, r, "/sender/"+t.Evidence.ID, http.StatusSeeOther)
	return nil
}
