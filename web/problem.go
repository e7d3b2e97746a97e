package web

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"mxseal/checks/report"
	"mxseal/templates"
	"mxseal/web/store"
)

// problem is an answer that is not what was asked for, in words for the visitor. It never
// holds internals, nor what the visitor typed.
type problem struct {
	status      int
	title, text string
	retry       int    // seconds until it is worth another try; 0: not said
	api         string // the text for programs, where the one for visitors is of no use to them
	at          string // what of the request is wrong, such as body.domain; empty where it is not one part

	refusal refusal        // why a check was not begun, in a word for counters and logs; empty for other problems
	latest  *report.Report // of the domain that was to be checked; nil where there is none
}

func (p *problem) Error() string { return p.title }

var (
	nothingHere = &problem{status: http.StatusNotFound, title: "There is nothing here", text: "The address may be mistyped, or the page has never existed. You can check a domain instead.",
		api: "The address may be mistyped. GET /openapi.json says which there are, and the page /api says it for people."}
	notKept = &problem{status: http.StatusNotFound, title: "This report could not be kept", text: "The check was made, but our disk did not take its report. That is our fault and says nothing about the domain. Please check it again later.",
		api: "The check was made, but our disk did not take its report. For a minute GET /api/v1/domains/{domain} still has it."}
	notReadable = &problem{status: http.StatusGone, title: "This report can no longer be read", text: "It is kept, but it was damaged, or it is larger than a report may be. Please check the domain again: the new report takes its place."}
	noSuchCheck = &problem{status: http.StatusNotFound, title: "No such check", text: "The checks are listed at the foot of this page."}
	notChecked  = &problem{status: http.StatusNotFound, title: "Not checked yet", text: "There is no report of this domain. POST it to /check to start a check.",
		api: "There is no report of this domain. POST /api/v1/checks starts a check."}
	wrongMethod = &problem{status: http.StatusMethodNotAllowed, title: "This address does not work that way", text: "A check is started with the form; all other pages are for reading.",
		api: "The header Allow lists the methods that this address takes."}
	foreignForm = &problem{status: http.StatusForbidden, title: "This came from another site", text: "Another site tried to start a check through your browser. If it was you who wanted it, use the form here.",
		api: "A browser sent this in the name of another site. Pages of other sites may read here, and may not start checks."}
	tooLong = &problem{status: http.StatusRequestEntityTooLarge, title: "That is too much", text: "A mail domain has at most 253 characters. Type the part after the @.",
		api: "A mail domain has at most 253 characters, and the request has nothing else to say."}
	unreadable  = &problem{status: http.StatusBadRequest, title: "The form could not be read", text: "What arrived is no form with a field named domain. Please use the form here."}
	notJSON     = &problem{status: http.StatusUnsupportedMediaType, title: "This is not JSON", text: "Send the body as JSON, with the header Content-Type: application/json."}
	brokenJSON  = &problem{status: http.StatusBadRequest, title: "The JSON could not be read", text: "What arrived is empty or no JSON. Send an object with one field: {\"domain\": \"example.org\"}."}
	notTaken    = &problem{status: http.StatusUnprocessableEntity, title: "That is not what this address takes", text: "Some parts of the request are not as they have to be. The page /api says what belongs there."}
	tooSlow     = &problem{status: http.StatusRequestTimeout, title: "That took too long", text: "The rest of the request did not arrive in time. Please send it again."}
	leftAlone   = &problem{status: http.StatusForbidden, refusal: refusedOptOut, title: "This domain is left alone", text: "Its owner has asked not to be checked from here, so no check was begun. Reports from before stay where they are."}
	tooMany     = &problem{status: http.StatusTooManyRequests, refusal: refusedClient, title: "That was fast", text: "So many checks were asked for from your address that the next has to wait a minute. Reports can be read all the time."}
	allBusy     = &problem{status: http.StatusServiceUnavailable, refusal: refusedBusy, title: "All hands are busy", text: "So many checks are waiting that this one was not taken. Please try again in half a minute.", retry: 30}
	closingDown = &problem{status: http.StatusServiceUnavailable, refusal: refusedClosing, title: "Closing for a moment", text: "The site is about to restart and takes no new checks. Please try again in half a minute.", retry: 30}
	ourFault    = &problem{status: http.StatusInternalServerError, title: "Something broke on our side", text: "It is not your fault, and it says nothing about the domain. Please try again; what happened has been noted."}
)

// keptFor is how long reports are kept, rounded down: no more is promised than is done.
func keptFor(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day {
		return fmt.Sprintf("%d days", d/day)
	}
	return fmt.Sprintf("%d hours", d/time.Hour)
}

// noReport is the answer for an id that no report has any more, or has ever had: once it is
// deleted nobody knows which.
func (s *Site) noReport() *problem {
	p := &problem{status: http.StatusNotFound, title: "No such report", text: "Reports are kept for ever, so the address is probably mistyped or cut short."}
	if s.cfg.Keep > 0 {
		p.text = "Reports are kept for " + keptFor(s.cfg.Keep) + " here. This one was older, or the address is mistyped or cut short."
	}
	return p
}

// missing is the answer for an id that the store does not have.
func (s *Site) missing(id string) *problem {
	if _, lost := s.desk.lost.get(id); lost {
		return notKept
	}
	return s.noReport()
}

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
	case errors.Is(err, store.ErrUnreadable):
		s.cfg.Log.Error("a report is passed over", "error", err)
		p = notReadable
	case r.Context().Err() != nil && errors.Is(err, context.Canceled):
		return // the visitor has left
	default:
		s.cfg.Log.Error("a page failed", "error", err)
		p = ourFault
	}
	if p.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.retry))
	}
	if ofAPI(r) || wantsJSON(r) {
		writeJSON(w, p.status, problemJSON, p.details(ofAPI(r)))
		return
	}
	f := s.frame(p.title)
	f.Private = true
	if err := render(w, r, p.status, templates.ErrorPage(f, templates.Problem{Status: p.status, Title: p.title, Text: p.text, Latest: p.latest})); err != nil {
		s.cfg.Log.Error("the error page failed", "error", err)
		http.Error(w, p.title, p.status)
	}
}

// ofAPI reports whether a request is for an address where everything is JSON, whatever the
// client accepts.
func ofAPI(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || r.URL.Path == "/openapi.json"
}

const problemJSON = "application/problem+json"

// problemDetails is a problem as programs get it.
type problemDetails struct {
	Type   string         `json:"type" enum:"about:blank" doc:"The status code says the kind of problem."`
	Title  string         `json:"title" doc:"What is wrong, in a few words."`
	Status int            `json:"status" minimum:"400" maximum:"599" doc:"The status code of the answer."`
	Detail string         `json:"detail" doc:"What happened and what to do, in a sentence or two."`
	Errors []problemPlace `json:"errors,omitempty" doc:"The parts of the request that are wrong."`
}

// problemPlace says what is wrong with one part of a request.
type problemPlace struct {
	Message  string `json:"message" doc:"What is wrong with it."`
	Location string `json:"location" doc:"Which part of the request, such as body.domain or query.limit." example:"body.domain"`
}

func (p *problem) details(api bool) *problemDetails {
	d := &problemDetails{Type: "about:blank", Title: p.title, Status: p.status, Detail: p.text}
	if api {
		d.Detail = cmp.Or(p.api, p.text)
	}
	if p.at != "" {
		d.Errors = []problemPlace{{p.text, p.at}}
	}
	return d
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
