package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"mxseal/templates"
)

// problem is an answer that is not what was asked for, in words for the visitor. It never
// holds internals, nor what the visitor typed.
type problem struct {
	status      int
	title, text string
	retry       int // seconds until it is worth another try; 0: not said
}

func (p *problem) Error() string { return p.title }

var (
	nothingHere = &problem{status: http.StatusNotFound, title: "There is nothing here", text: "The address may be mistyped, or the page has never existed. You can check a domain instead."}
	noReport    = &problem{status: http.StatusNotFound, title: "No such report", text: "Reports are kept for ever, so the address is probably mistyped or cut short."}
	noSuchCheck = &problem{status: http.StatusNotFound, title: "No such check", text: "The checks are listed at the foot of this page."}
	notChecked  = &problem{status: http.StatusNotFound, title: "Not checked yet", text: "There is no report of this domain. POST it to /check to start a check."}
	wrongMethod = &problem{status: http.StatusMethodNotAllowed, title: "This address does not work that way", text: "A check is started with the form; all other pages are for reading."}
	foreignForm = &problem{status: http.StatusForbidden, title: "This came from another site", text: "Another site tried to start a check through your browser. If it was you who wanted it, use the form here."}
	tooLong     = &problem{status: http.StatusRequestEntityTooLarge, title: "That is too much", text: "A mail domain has at most 253 characters. Type the part after the @."}
	unreadable  = &problem{status: http.StatusBadRequest, title: "The form could not be read", text: "What arrived is no form with a field named domain. Please use the form here."}
	tooMany     = &problem{status: http.StatusTooManyRequests, title: "That was fast", text: "So many checks were asked for from your address that the next has to wait a minute. Reports can be read all the time."}
	allBusy     = &problem{status: http.StatusServiceUnavailable, title: "All hands are busy", text: "So many checks are waiting that this one was not taken. Please try again in half a minute.", retry: 30}
	closingDown = &problem{status: http.StatusServiceUnavailable, title: "Closing for a moment", text: "The site is about to restart and takes no new checks. Please try again in half a minute.", retry: 30}
	ourFault    = &problem{status: http.StatusInternalServerError, title: "Something broke on our side", text: "It is not your fault, and it says nothing about the domain. Please try again; what happened has been noted."}
)

func notFound(http.ResponseWriter, *http.Request) error { return nothingHere }

// answer makes a handler of a function that may fail; here is the only place where a
// failure becomes an answer.
func (s *Site) answer(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

// fail answers with what went wrong: a page for people, problem+json (RFC 9457) for programs.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &long):
		p = tooLong
	case r.Context().Err() != nil && errors.Is(err, context.Canceled):
		return // the visitor has left
	default:
		s.cfg.Log.Error("a page failed", "error", err)
		p = ourFault
	}
	if p.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.retry))
	}
	if wantsJSON(r) {
		writeJSON(w, p.status, "application/problem+json", map[string]any{"type": "about:blank", "title": p.title, "status": p.status, "detail": p.text})
		return
	}
	f := s.frame(p.title)
	f.Private = true
	if err := render(w, r, p.status, templates.ErrorPage(f, templates.Problem{Status: p.status, Title: p.title, Text: p.text})); err != nil {
		s.cfg.Log.Error("the error page failed", "error", err)
		http.Error(w, p.title, p.status)
	}
}

// render writes a page, or nothing if it cannot be made.
func render(w http.ResponseWriter, r *http.Request, status int, page templ.Component) error {
	var b bytes.Buffer
	if err := page.Render(r.Context(), &b); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Add("Vary", "Accept")
	w.WriteHeader(status)
	w.Write(b.Bytes()) // an error means that the visitor has left: nobody to tell
	return nil
}

// writeJSON writes v, which must be marshallable.
func writeJSON(w http.ResponseWriter, status int, kind string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Add("Vary", "Accept")
	w.WriteHeader(status)
	w.Write(append(b, '\n')) // as in render
	return nil
}

// wantsJSON reports whether the client prefers JSON to a page (RFC 9110 §12.5.1). Who
// accepts anything gets the page.
func wantsJSON(r *http.Request) bool {
	page, data := 0.0, 0.0
	for _, part := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if v, err := strconv.ParseFloat(params["q"], 64); err == nil {
			q = v
		}
		switch kind {
		case "application/json", "application/problem+json":
			data = max(data, q)
		case "text/html", "application/xhtml+xml":
			page = max(page, q)
		}
	}
	return data > page
}
