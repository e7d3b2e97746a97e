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
func init() {
	huma.NewErrorWithContext, huma.ValidateStrictCasing = apiError, true
	huma.NewError = func(status int, text string, causes ...error) huma.StatusError {
		return apiError(nil, status, text, causes...)
	}
}

// doors lead from the addresses of the API to its operations.
type doors struct {
	chi.Router
	limit func(http.Handler) http.Handler // of operations that start a check
	base  string                          // where the site is reached; empty if unknown
}

// baseKey leads to the base in the context of a request, for errors that huma finds.
type baseKey struct{}

func (d doors) Handle(op *huma.Operation, handle func(huma.Context)) {
	r := d.Router
	if op.Method == http.MethodPost {
		r = r.With(d.limit)
	}
	r.MethodFunc(op.Method, op.Path, func(w http.ResponseWriter, r *http.Request) {
		handle(humachi.NewContext(op, r.WithContext(context.WithValue(r.Context(), baseKey{}, d.base)), w))
	})
}

// The parts of the API, as clients are divided by them.
const ofChecks, ofDomains, ofPictures, ofOperation = "checks", "domains", "badges", "operation"

// api adds the JSON API to the routes. limit is what bounds the checks that one client may
// ask for, here and by the form together.
func (s *Site) api(r chi.Router, limit func(http.Handler) http.Handler) {
	registry := huma.NewMapRegistry(schemas, componentOf)
	config := huma.Config{OpenAPI: &huma.OpenAPI{
		Info: &huma.Info{
			Title:   "mxseal",
			Version: cmp.Or(s.cfg.Version, "unknown"),
			Description: "Who can read or divert the mail that is sent to a domain, and the exact change that stops them. " +
				"No key is needed. In this version of the API names are added and never renamed or removed, nor do they change their meaning: ignore what you do not know. " +
				"The words of an enumeration stay; a list that is marked with " + extensible + " may grow. " +
				"Errors are problem details (RFC 9457). Pages of other sites may read everything; they cannot start checks.",
			Contact: s.contact(),
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{{URL: cmp.Or(s.cfg.BaseURL, "/")}},
		Tags: []*huma.Tag{
			{Name: ofChecks, Description: "Start a check, follow it, read its report."},
			{Name: ofDomains, Description: "What is known of a domain. Looking starts nothing."},
			{Name: ofPictures, Description: "The last firm letter of a domain, for pages and signatures. Looking starts nothing and is not noted."},
			{Name: ofOperation, Description: "Whether the site is well."},
		},
		Security:   []map[string][]string{}, // none is needed
		Components: &huma.Components{Schemas: registry, Examples: examples(s.cfg.BaseURL)},
	}, Formats: map[string]huma.Format{"application/json": huma.DefaultJSONFormat, problemJSON: huma.DefaultJSONFormat}, DefaultFormat: "application/json"}
	config.AllowAdditionalPropertiesByDefault = true // of what we send; requests are stricter
	a := huma.NewAPI(config, doors{r, limit, s.cfg.BaseURL})
	for _, o := range []any{report.Report{}, state{}, scans.Queue{}, report.Progress{}, report.Finding{}, done{}, problemDetails{}} {
		schemaOf(a, o)
	}
	reportOrState := oneOf(registry, "ReportOrPending", "The report, or how far its check is: the field state tells which.",
		"state", map[string]string{"done": "Report", "running": "Pending", "waiting": "Pending"}, "Report", "Pending")
	event := oneOf(registry, "Event", "What stands in the data line of an event. Its line “event” tells which: queue, progress, finding, done, or failed with problem details.",
		"", nil, "Queue", "Progress", "Finding", "Done", "ProblemDetails")
	grown := make([]any, len(reasons))
	for i, r := range reasons {
		grown[i] = r.Word
	}
	grow(registry.Map()["ProblemDetails"].Properties["reason"], grown...)
	curl := "curl " + cmp.Or(s.cfg.BaseURL, "http://localhost:8080") + apiV1

	operate(s, a, huma.Operation{
		OperationID: "startCheck", Tags: []string{ofChecks}, Method: http.MethodPost, Path: apiV1 + "/checks",
		Summary: "Start a check",
		Description: "Starts a check of a domain, or joins the one that runs already. Where a report is at hand that is younger than a minute, that is the answer. " +
			"A check takes a few seconds, and up to a minute and a half where servers are slow.",
		MaxBodyBytes: bodyLimit,
		Extensions:   example(curl + `/checks --json '{"domain": "example.org"}'`),
		Responses: answers(
			answer{200, "The fresh report.", jsonOf(reportOrState, "report"), headers("Content-Location")},
			answer{202, "A check waits or runs.", jsonOf(reportOrState, "pending"), headers("Location", "Retry-After")},
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
		OperationID: "getReport", Tags: []string{ofChecks}, Method: http.MethodGet, Path: apiV1 + "/reports/{id}",
		Summary: "One report",
		Description: "The report with that id; while its check runs, the answer says how far it is. What was seen and the grade never change. " +
			"The sentences are those of the present rules, so they may read better after an update of the program.",
		Extensions: example(curl + "/reports/h3ekrutlpqyr2mljcgnz3mhbz4"),
		Responses: answers(
			answer{200, "The report.", jsonOf(reportOrState, "report"), headers("ETag", "Cache-Control")},
			answer{202, "Its check waits or runs.", jsonOf(reportOrState, "pending"), headers("Retry-After")},
			notModified,
			problemOf(a, 404, "There is no such report."),
			problemOf(a, 410, "The report can no longer be read."),
			problemOf(a, 500, "Something broke on our side."),
			problemOf(a, 503, "Many are reading just now."),
		),
	}, s.apiShowReport)

	operate(s, a, huma.Operation{
		OperationID: "getEvents", Tags: []string{ofChecks}, Method: http.MethodGet, Path: apiV1 + "/reports/{id}/events",
		Summary: "What happens in a check",
		Description: "Server-sent events: everything from the beginning of the check, or from the event that the client names, and then what comes. " +
			"Each has a number, a kind and an object on one line.",
		Extensions: example(curl + "/reports/h3ekrutlpqyr2mljcgnz3mhbz4/events --no-buffer"),
		Responses: answers(
			answer{200, "Events of these kinds: queue (the check waits, see Queue), progress (a stage began or ended, see Progress), finding (a rule applied, see Finding), and at the end either done (see Done) or failed (there will be no report, see ProblemDetails). " +
				"Close the stream after the end, or the client may connect again. Lines that begin with a colon are signs of life.",
				media("text/event-stream", event, "queue", "progress", "finding", "done", "failed"), nil},
			problemOf(a, 404, "There is no such report."),
			problemOf(a, 500, "Something broke on our side."),
			problemOf(a, 429, "This client follows too many checks."),
			problemOf(a, 503, "Too many follow checks."),
		),
	}, s.apiEvents)

	operate(s, a, huma.Operation{
		OperationID: "getDomain", Tags: []string{ofDomains}, Method: http.MethodGet, Path: apiV1 + "/domains/{domain}",
		Summary:     "The latest report of a domain",
		Description: "Looking starts nothing. A report that trouble of our own has spoilt never takes the place of one before it. While the first check of a domain runs, the answer says how far it is.",
		Extensions:  example(curl + "/domains/example.org"),
		Responses: answers(
			answer{200, "The latest report.", jsonOf(reportOrState, "report"), headers("ETag", "Cache-Control")},
			answer{202, "The first check of the domain waits or runs.", jsonOf(reportOrState, "pending"), headers("Retry-After")},
			notModified,
			problemOf(a, 404, "The domain was never checked here, or is no mail domain."),
			problemOf(a, 500, "Something broke on our side."),
			problemOf(a, 503, "Many are reading just now."),
		),
	}, s.apiLatest)

	operate(s, a, huma.Operation{
		OperationID: "getHistory", Tags: []string{ofDomains}, Method: http.MethodGet, Path: apiV1 + "/domains/{domain}/history",
		Summary:     "Earlier reports of a domain",
		Description: "The reports of a domain, the newest first.",
		Extensions:  example(curl + "/domains/example.org/history?limit=5"),
		Responses: answers(
			answer{200, "A part of the reports.", jsonOf(schemaOf(a, history{}), "history"), headers("ETag", "Cache-Control", "Link")},
			notModified,
			problemOf(a, 404, "The domain was never checked here, or is no mail domain."),
			problemOf(a, 422, "A parameter is not as it has to be."),
			problemOf(a, 500, "Something broke on our side."),
			problemOf(a, 503, "Many are reading just now."),
		),
	}, s.apiHistory)

	doc := a.OpenAPI()
	for _, op := range s.besides(registry) {
		doc.AddOperation(op)
	}
	describe(registry)
	for _, path := range doc.Paths {
		for _, op := range []*huma.Operation{path.Get, path.Post} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				if p.Schema.Type == huma.TypeInteger {
					p.Schema.Format = "int32" // none of ours is larger
				}
			}
		}
	}
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

// problemOf is a refusal, with the problems that are answered so as examples.
func problemOf(a huma.API, status int, text string) answer {
	var h map[string]*huma.Header
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		h = headers("Retry-After")
	}
	return answer{status, text, media(problemJSON, schemaOf(a, problemDetails{}), examplesOf(status)...), h}
}

func jsonOf(schema *huma.Schema, examples ...string) map[string]*huma.MediaType {
	return media("application/json", schema, examples...)
}

// media is a body of one kind, with examples by their names.
func media(kind string, schema *huma.Schema, examples ...string) map[string]*huma.MediaType {
	m := &huma.MediaType{Schema: schema, Examples: make(map[string]*huma.Example)}
	for _, name := range examples {
		m.Examples[name] = &huma.Example{Ref: "#/components/examples/" + name}
	}
	return map[string]*huma.MediaType{kind: m}
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
		s := &huma.Schema{Type: huma.TypeString, Examples: []any{headerExamples[name]}}
		if name == "Retry-After" {
			s.Type, s.Format, s.Minimum = huma.TypeInteger, "int32", new(float64)
		}
		m[name] = &huma.Header{Description: meaning[name], Schema: s}
	}
	return m
}

// exposed are the headers that scripts of other sites may read.
var exposed = slices.Sorted(maps.Keys(meaning))
