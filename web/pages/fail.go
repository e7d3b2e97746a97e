package pages

import (
	"fmt"
	"net/http"
	"strconv"

	"mxseal/templates"
	"mxseal/web/problem"
	"mxseal/web/rendering"
)

// Fail answers with what went wrong: a page for people, problem+json (RFC 9457) for programs.
func (p *Pages) Fail(w http.ResponseWriter, r *http.Request, err error) {
	no := problem.Of(r.Context(), p.Log, err)
	if no == nil {
		return
	}
	if no.Wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(no.Wait))
	}
	if rendering.WantsJSON(r) {
		rendering.WriteJSON(w, no.Status, problem.JSON, no.Details(p.BaseURL, false))
		return
	}
	f := p.frame(no.Title)
	f.Private = true
	page := templates.ErrorPage(f, templates.Problem{Status: no.Status, Title: no.Title, Text: no.Text, Latest: no.Latest})
	name := fmt.Sprint("problem ", no.Status, " ", no.Title, " ", no.Text)
	if no.Latest != nil {
		name += " " + no.Latest.ID
	}
	// It is small and needs no turn: that there is none has to be said too.
	name = p.pageKey(name, f.Banner)
	made, ok := p.Renderer.Brief.Get(name)
	if !ok {
		if made, err = rendering.Compose(r.Context(), pageHead, page.Render); err != nil {
			p.Log.Error("the error page failed", "error", err)
			http.Error(w, no.Title, no.Status)
			return
		}
		p.Renderer.Brief.Put(name, made)
	}
	if err := p.Renderer.Send(w, r, no.Status, made); err != nil {
		http.Error(w, no.Title, no.Status)
	}
}
