package web

import (
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
	"mxseal/web/scans"
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
	reason      string // a word for programs, one of reasons

	latest *report.Report // of the domain that was to be checked; nil where there is none
}

func (p *problem) Error() string { return p.title }

var (
	nothingHere = &problem{reason: "no-such-address", status: http.StatusNotFound, title: "There is nothing here", text: "The address may be mistyped, or the page has never existed. You can check a domain instead.",
		api: "The address may be mistyped. GET /openapi.json says which there are, and the page /api says it for people."}
	notKept = &problem{reason: "not-kept", status: http.StatusNotFound, title: "This report could not be kept", text: "The check was made, but our disk did not take its report. That is our fault and says nothing about the domain. Please check it again later.",
		api: "The check was made, but our disk did not take its report. For a minute GET /api/v1/domains/{domain} still has it."}
	notReadable = &problem{reason: "not-readable", status: http.StatusGone, title: "This report can no longer be read", text: "It is kept, but it was damaged, or it is larger than a report may be. Please check the domain again: the new report takes its place."}
	noSuchCheck = &problem{reason: "no-such-address", status: http.StatusNotFound, title: "No such check", text: "The checks are listed at the foot of this page."}
	notChecked  = &problem{reason: "not-checked", status: http.StatusNotFound, title: "Not checked yet", text: "There is no report of this domain. POST it to /check to start a check.",
		api: "There is no report of this domain. POST /api/v1/checks starts a check."}
	wrongMethod = &problem{reason: "method-not-allowed", status: http.StatusMethodNotAllowed, title: "This address does not work that way", text: "A check is started with the form; all other pages are for reading.",
		api: "The header Allow lists the methods that this address takes."}
	foreignForm = &problem{reason: "foreign-origin", status: http.StatusForbidden, title: "This came from another site", text: "Another site tried to start a check through your browser. If it was you who wanted it, use the form here.",
		api: "A browser sent this in the name of another site. Pages of other sites may read here, and may not start checks."}
	tooLong = &problem{reason: "too-large", status: http.StatusRequestEntityTooLarge, title: "That is too much", text: "A mail domain has at most 253 characters. Type the part after the @.",
		api: "A mail domain has at most 253 characters, and the request has nothing else to say."}
	unreadable = &problem{reason: "malformed", status: http.StatusBadRequest, title: "The form could not be read", text: "What arrived is no form with a field named domain. Please use the form here."}
	notJSON    = &problem{reason: "not-json", status: http.StatusUnsupportedMediaType, title: "This is not JSON", text: "Send the body as JSON, with the header Content-Type: application/json."}
	brokenJSON = &problem{reason: "malformed", status: http.StatusBadRequest, title: "The JSON could not be read", text: "What arrived is empty or no JSON. Send an object with one field: {\"domain\": \"example.org\"}."}
	notTaken   = &problem{reason: "invalid", status: http.StatusUnprocessableEntity, title: "That is not what this address takes", text: "Some parts of the request are not as they have to be. The page /api says what belongs there."}
	tooSlow    = &problem{reason: "too-slow", status: http.StatusRequestTimeout, title: "That took too long", text: "The rest of the request did not arrive in time. Please send it again."}
	tooMany    = &problem{reason: "client-limit", status: http.StatusTooManyRequests, title: "That was fast", text: "So many checks were asked for from your address that the next has to wait a minute. Reports can be read all the time."}
	overloaded = &problem{reason: "many-readers", status: http.StatusServiceUnavailable, title: "Many are reading just now", text: "So many pages were asked for at once that this one could not be made in time. Please try again in a few seconds.", retry: 5}
	ourFault   = &problem{reason: "fault", status: http.StatusInternalServerError, title: "Something broke on our side", text: "It is not your fault, and it says nothing about the domain. Please try again; what happened has been noted."}
)

// keptFor is how long reports are kept, rounded down: no more is promised than is done.
func keptFor(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day {
		return fmt.Sprintf("%d days", d/day)
	}
	return fmt.Sprintf("%d hours", d/time.Hour)
}

// noReport is the answer for an id that no report has any more, or has ever had: nobody knows
// which. One that is whole was most likely given out, and its check did not come to its end.
func (s *Site) noReport(id string) *problem {
	p := &problem{status: http.StatusNotFound, title: "No such report", reason: "no-such-report"}
	kept, never := "Reports are kept for ever", "the check that was to make it never came to its end, because the site was stopped meanwhile"
	if s.cfg.Keep > 0 {
		kept = "Reports are kept for " + keptFor(s.cfg.Keep) + " here"
	}
	switch whole := store.IsID(id); {
	case whole && s.cfg.Keep > 0:
		p.text = kept + ". This one was older, or " + never + ". Check the domain again."
	case whole:
		p.text = kept + ", so " + never + ", or a letter of the address is wrong. Check the domain again."
	case s.cfg.Keep > 0:
		p.text = kept + ". This one was older, or the address is mistyped or cut short."
	default:
		p.text = kept + ", so the address is probably mistyped or cut short."
	}
	return p
}

// missing is the answer for an id that the store does not have.
func (s *Site) missing(id string) *problem {
	if s.scans.Lost(id) {
		return notKept
	}
	return s.noReport(id)
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
	var no *scans.Refusal
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &no):
		p = refused(no)
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
		writeJSON(w, p.status, problemJSON, p.details(s.cfg.BaseURL, ofAPI(r)))
		return
	}
	f := s.frame(p.title)
	f.Private = true
	page := templates.ErrorPage(f, templates.Problem{Status: p.status, Title: p.title, Text: p.text, Latest: p.latest})
	name := fmt.Sprint("problem ", p.status, " ", p.title, " ", p.text)
	if p.latest != nil {
		name += " " + p.latest.ID
	}
	// It is small and needs no turn: that there is none has to be said too.
	name = pageKey(name, f.Banner)
	made, ok := s.renderer.brief.Get(name)
	if !ok {
		if made, err = compose(r.Context(), pageHead, nil, page.Render); err != nil {
			s.cfg.Log.Error("the error page failed", "error", err)
			http.Error(w, p.title, p.status)
			return
		}
		s.renderer.brief.Put(name, made)
	}
	if err := s.send(w, r, p.status, made); err != nil {
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
	Type   string         `json:"type" format:"uri-reference" doc:"Where people read about this kind of problem: the reason, on the page of the API."`
	Reason string         `json:"reason" doc:"The kind of problem in a word that stays, for programs to go by."`
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

// reasons are the kinds of problems that programs meet, with what each means.
var reasons = []templates.APIReason{
	{Word: "not-a-mail-domain", Text: "What was sent is no mail domain; detail says why. Do not send it again."},
	{Word: "invalid", Text: "Parts of the request are not as they have to be; errors lists them."},
	{Word: "malformed", Text: "The body is empty, or no JSON."},
	{Word: "not-json", Text: "The body is not declared as JSON."},
	{Word: "too-large", Text: "The request is longer than a mail domain can be."},
	{Word: "too-slow", Text: "The rest of the request did not arrive in time. Send it again."},
	{Word: "opted-out", Text: "The owner of the domain has asked not to be checked from here."},
	{Word: "foreign-origin", Text: "A browser sent this in the name of another site, which may not start checks."},
	{Word: "client-limit", Text: "This client has asked for as many checks as one may, for now. Retry-After says when to come back."},
	{Word: "domain-limit", Text: "This domain was checked as often as it may be, for now. Its latest report stands; Retry-After says when to come back."},
	{Word: "instance-limit", Text: "All clients together have asked for as many checks as this instance begins, for now. Retry-After says when to come back."},
	{Word: "busy", Text: "Too many checks wait, or too many clients listen. Retry-After says when to come back."},
	{Word: "many-readers", Text: "Too many pages are being made. Retry-After says when to come back."},
	{Word: "closing", Text: "The site is about to restart. Retry-After says when to come back."},
	{Word: "not-checked", Text: "There is no report of this domain. A check has to be started first."},
	{Word: "no-such-report", Text: "There is no report with this id: it never was, its check never came to its end, or it was deleted for its age."},
	{Word: "not-readable", Text: "The report was damaged, or is larger than one may be. Check the domain again."},
	{Word: "not-kept", Text: "The check was made, and its report could not be kept. The latest report of the domain has it for a minute."},
	{Word: "no-such-address", Text: "There is nothing at this address."},
	{Word: "method-not-allowed", Text: "The address does not take this method; the header Allow lists those that it takes."},
	{Word: "fault", Text: "Something broke on our side. It says nothing about the domain."},
}

// details are the problem for programs; base is where the site is reached, empty if unknown.
func (p *problem) details(base string, api bool) *problemDetails {
	d := &problemDetails{Reason: p.reason, Title: p.title, Status: p.status, Detail: p.text}
	d.Type = base + "/api#problem-" + d.Reason
	if api {
		d.Detail = cmp.Or(p.api, p.text)
	}
	if p.at != "" {
		d.Errors = []problemPlace{{p.text, p.at}}
	}
	return d
}

// render sends a page. All who ask for one of the same name at the same time, under the same
// banner, share it; a page without a name is for one visitor alone.
func (s *Site) render(w http.ResponseWriter, r *http.Request, status int, name string, f templates.Frame, page templ.Component) error {
	p, err := s.renderer.get(r, s.renderer.pages, pageKey(name, f.Banner), pageHead, page.Render)
	if err != nil {
		return err
	}
	return s.send(w, r, status, p)
}

// writeJSON writes v, which must be marshallable, and small: everybody gets a copy.
func writeJSON(w http.ResponseWriter, status int, kind string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Add("Vary", "Accept")
	w.WriteHeader(status)
	w.Write(append(b, '\n')) // an error means that the visitor has left
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
