package web

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"mxseal/checks/report"
	"mxseal/web/scans"
)

// huma has one place for the errors of all its interfaces, and for how strictly it reads, and
// no other.
func init() { huma.NewError, huma.ValidateStrictCasing = apiError, true }

// doors lead from the addresses of the API to its operations.
type doors struct {
	chi.Router
	limit func(http.Handler) http.Handler // of operations that start a check
}

func (d doors) Handle(op *huma.Operation, handle func(huma.Context)) {
	r := d.Router
	if op.Method == http.MethodPost {
		r = r.With(d.limit)
	}
	r.MethodFunc(op.Method, op.Path, func(w http.ResponseWriter, r *http.Request) { handle(humachi.NewContext(op, r, w)) })
}

// api adds the JSON API to the routes. limit is what bounds the checks that one client may
// ask for, here and by the form together.
func (s *Site) api(r chi.Router, limit func(http.Handler) http.Handler) {
	config := huma.Config{OpenAPI: &huma.OpenAPI{
		Info: &huma.Info{
			Title:   "mxseal",
			Version: cmp.Or(s.cfg.Version, "unknown"),
			Description: "Who can read or divert the mail that is sent to a domain, and the exact change that stops them. " +
				"No key is needed. In this version of the API names are added and never renamed or removed, nor do they change their meaning: ignore what you do not know. " +
				"Errors are problem details (RFC 9457). Pages of other sites may read everything; they cannot start checks.",
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{{URL: cmp.Or(s.cfg.BaseURL, "/")}},
	}, Formats: map[string]huma.Format{"application/json": huma.DefaultJSONFormat, problemJSON: huma.DefaultJSONFormat}, DefaultFormat: "application/json"}
	config.AllowAdditionalPropertiesByDefault = true // of what we send; requests are stricter
	a := huma.NewAPI(config, doors{r, limit})
	for _, o := range []any{scans.Queue{}, report.Progress{}, report.Finding{}, done{}} {
		schemaOf(a, o) // told of by events only
	}
	curl := "curl " + cmp.Or(s.cfg.BaseURL, "http://localhost:8080") + apiV1

	operate(s, a, huma.Operation{
		OperationID: "startCheck", Method: http.MethodPost, Path: apiV1 + "/checks",
		Summary: "Start a check",
		Description: "Starts a check of a domain, or joins the one that runs already. Where a report is at hand that is younger than a minute, that is the answer. " +
			"A check takes a few seconds, and up to a minute and a half where servers are slow.",
		MaxBodyBytes: bodyLimit,
		Extensions:   example(curl + `/checks --json '{"domain": "example.org"}'`),
		Responses: answers(
			answer{200, "The fresh report.", jsonOf(a, report.Report{}), headers("Content-Location")},
			answer{202, "A check waits or runs.", jsonOf(a, state{}), headers("Location", "Retry-After")},
			problemOf(a, 400, "The body is empty or no JSON."),
			problemOf(a, 403, "The owner of the domain has asked not to be checked from here, or a browser sent this in the name of another site."),
			problemOf(a, 408, "The body did not arrive in time."),
			problemOf(a, 413, "The body is too long."),
			problemOf(a, 415, "The body is not declared as JSON."),
			problemOf(a, 422, "This is no mail domain, or there are fields that nobody knows."),
			problemOf(a, 429, "So many checks were asked for, by this client or of this domain, that the next has to wait."),
			problemOf(a, 500, "Something broke on our side."),
			problemOf(a, 503, "Too many checks are waiting, or the site is about to restart."),
		),
	}, s.orderCheck)

	operate(s, a, huma.Operation{
		OperationID: "getReport", Method: http.MethodGet, Path: apiV1 + "/reports/{id}",
		Summary: "One report",
		Description: "The report with that id; while its check runs, the answer says how far it is. What was seen and the grade never change. " +
			"The sentences are those of the present rules, so they may read better after an update of the program.",
		Extensions: example(curl + "/reports/h3ekrutlpqyr2mljcgnz3mhbz4"),
		Responses: answers(
			answer{200, "The report.", jsonOf(a, report.Report{}), headers("ETag", "Cache-Control")},
			answer{202, "Its check waits or runs.", jsonOf(a, state{}), headers("Retry-After")},
			notModified,
			problemOf(a, 404, "There is no such report."),
			problemOf(a, 500, "Something broke on our side."),
			problemOf(a, 503, "Many are reading just now."),
		),
	}, s.apiShowReport)

	operate(s, a, huma.Operation{
		OperationID: "getEvents", Method: http.MethodGet, Path: apiV1 + "/reports/{id}/events",
		Summary: "What happens in a check",
		Description: "Server-sent events: everything from the beginning of the check, or from the event that the client names, and then what comes. " +
			"Each has a number, a kind and an object on one line.",
		Extensions: example(curl + "/reports/h3ekrutlpqyr2mljcgnz3mhbz4/events --no-buffer"),
		Responses: answers(
			answer{200, "Events of these kinds: queue (the check waits, see Queue), progress (a stage began or ended, see Progress), finding (a rule applied, see Finding), and at the end either done (see Done) or failed (there will be no report, see ProblemDetails). " +
				"Close the stream after the end, or the client may connect again. Lines that begin with a colon are signs of life.",
				map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}, nil},
			problemOf(a, 404, "There is no such report."),
			problemOf(a, 500, "Something broke on our side."),
			problemOf(a, 429, "This client follows too many checks."),
			problemOf(a, 503, "Too many follow checks."),
		),
	}, s.apiEvents)

	operate(s, a, huma.Operation{
		OperationID: "getDomain", Method: http.MethodGet, Path: apiV1 + "/domains/{domain}",
		Summary:     "The latest report of a domain",
		Description: "Looking starts nothing. A report that trouble of our own has spoilt never takes the place of one before it. While the first check of a domain runs, the answer says how far it is.",
		Extensions:  example(curl + "/domains/example.org"),
		Responses: answers(
			answer{200, "The latest report.", jsonOf(a, report.Report{}), headers("ETag", "Cache-Control")},
			answer{202, "The first check of the domain waits or runs.", jsonOf(a, state{}), headers("Retry-After")},
			notModified,
			problemOf(a, 404, "The domain was never checked here, or is no mail domain."),
			problemOf(a, 500, "Something broke on our side."),
			problemOf(a, 503, "Many are reading just now."),
		),
	}, s.apiLatest)

	operate(s, a, huma.Operation{
		OperationID: "getHistory", Method: http.MethodGet, Path: apiV1 + "/domains/{domain}/history",
		Summary:     "Earlier reports of a domain",
		Description: "The reports of a domain, the newest first.",
		Extensions:  example(curl + "/domains/example.org/history?limit=5"),
		Responses: answers(
			answer{200, "A part of the reports.", jsonOf(a, history{}), headers("ETag", "Cache-Control", "Link")},
			notModified,
			problemOf(a, 404, "The domain was never checked here, or is no mail domain."),
			problemOf(a, 422, "A parameter is not as it has to be."),
			problemOf(a, 500, "Something broke on our side."),
			problemOf(a, 503, "Many are reading just now."),
		),
	}, s.apiHistory)

	doc := a.OpenAPI()
	describe(doc.Components.Schemas)
	r.Get("/openapi.json", s.answer(func(w http.ResponseWriter, r *http.Request) error {
		return s.sendJSON(w, r, head{kind: "application/json", keep: "no-cache"}, "/openapi.json", func(context.Context) (any, error) { return doc, nil })
	}))
	r.Get("/api", s.answer(func(w http.ResponseWriter, r *http.Request) error { return s.showAPI(w, r, doc) }))
}

// operate puts an operation behind its door. What the operation fails with becomes an answer
// where all failures do.
func operate[I any](s *Site, a huma.API, op huma.Operation, f func(http.ResponseWriter, *http.Request, *I) error) {
	huma.Register(a, op, func(_ context.Context, in *I) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(c huma.Context) {
			r, w := humachi.Unwrap(c)
			s.answer(func(w http.ResponseWriter, r *http.Request) error { return f(w, r, in) })(w, r)
		}}, nil
	})
}

// example is what to type to try an operation.
func example(command string) map[string]any {
	return map[string]any{"x-codeSamples": []map[string]string{{"lang": "Shell", "source": command}}}
}

// answer is one that an operation may give.
type answer struct {
	status  int
	text    string
	content map[string]*huma.MediaType
	headers map[string]*huma.Header
}

var notModified = answer{304, "The client has it already.", nil, headers("ETag")}

func answers(list ...answer) map[string]*huma.Response {
	m := make(map[string]*huma.Response)
	for _, a := range list {
		m[fmt.Sprint(a.status)] = &huma.Response{Description: a.text, Content: a.content, Headers: a.headers}
	}
	return m
}

func problemOf(a huma.API, status int, text string) answer {
	var h map[string]*huma.Header
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		h = headers("Retry-After")
	}
	return answer{status, text, map[string]*huma.MediaType{problemJSON: {Schema: schemaOf(a, problemDetails{})}}, h}
}

func jsonOf(a huma.API, v any) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/json": {Schema: schemaOf(a, v)}}
}

func schemaOf(a huma.API, v any) *huma.Schema {
	return a.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(v), true, "")
}

// meaning says what the headers of our answers say.
var meaning = map[string]string{
	"Location":         "Address of the report to be.",
	"Content-Location": "Permanent address of the report.",
	"Retry-After":      "Seconds until it is worth asking again.",
	"ETag":             "Names this state of the answer; send it back in If-None-Match to hear only of changes.",
	"Cache-Control":    "How long the answer may be kept.",
	"Link":             `Address of the reports before these, with rel="next", where there are any.`,
}

func headers(names ...string) map[string]*huma.Header {
	m := make(map[string]*huma.Header)
	for _, name := range names {
		m[name] = &huma.Header{Description: meaning[name], Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return m
}

// exposed are the headers that scripts of other sites may read.
var exposed = slices.Sorted(maps.Keys(meaning))
