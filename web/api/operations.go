package api

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"mxseal/checks/report"
	"mxseal/templates"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
)

// New returns the API of a site, and adds its addresses to the routes.
func New(cfg Config, r chi.Router) *API {
	a := &API{Config: cfg}
	a.doc = a.document(r)
	r.Get("/openapi.json", a.answer(func(w http.ResponseWriter, r *http.Request, who scans.Client) error {
		return a.Renderer.SendJSON(w, r, who, rendering.Head{Keep: "no-cache"}, "/openapi.json", func(context.Context) (any, error) { return a.doc, nil })
	}))
	return a
}

// Page is the document for people.
func (a *API) Page() templates.API { return pageOf(a.doc) }

// BodyLimit bounds the body of every request, in octets.
const BodyLimit = 4 << 10

// document adds the operations to the routes, and returns their document.
func (a *API) document(r chi.Router) *huma.OpenAPI {
	registry := huma.NewMapRegistry(schemas, componentOf)
	config := huma.Config{OpenAPI: &huma.OpenAPI{
		Info: &huma.Info{
			Title:   "mxseal",
			Version: cmp.Or(a.Version, "unknown"),
			Description: "Who can read or divert the mail that is sent to a domain, and the exact change that stops them. " +
				"No key is needed. In this version of the API names are added and never renamed or removed, nor do they change their meaning: ignore what you do not know. " +
				"The words of an enumeration stay; a list that is marked with " + extensible + " may grow. " +
				"Errors are problem details (RFC 9457). With Accept: text/plain a report comes as text for people. Pages of other sites may read everything; they cannot start checks.",
			Contact: a.contact(),
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{{URL: cmp.Or(a.BaseURL, "/")}},
		Tags: []*huma.Tag{
			{Name: ofChecks, Description: "Start a check, follow it, read its report."},
			{Name: ofDomains, Description: "What is known of a domain. Looking starts nothing."},
			{Name: ofSenders, Description: "Whether a mail server verifies when it sends: begin a test, follow it, read what became of each trap."},
			{Name: ofPictures, Description: "The last firm letter of a domain, for pages and signatures. Looking starts nothing and is not noted."},
			{Name: ofOperation, Description: "Whether the site is well."},
		},
		Security:   []map[string][]string{}, // none is needed
		Components: &huma.Components{Schemas: registry, Examples: examples(a.BaseURL)},
	}, Formats: map[string]huma.Format{"application/json": huma.DefaultJSONFormat, problem.JSON: huma.DefaultJSONFormat}, DefaultFormat: "application/json"}
	config.AllowAdditionalPropertiesByDefault = true // of what we send; requests are stricter
	to := huma.NewAPI(config, doors{r, a.Bound, a.BaseURL})
	for _, o := range []any{report.Report{}, Pending{}, Queue{}, report.Progress{}, report.Finding{}, Done{}, problem.Details{}} {
		schemaOf(to, o)
	}
	reportOrState := oneOf(registry, "ReportOrPending", "The report, or how far its check is: the field state tells which.",
		"state", map[string]string{"done": "Report", "running": "Pending", "waiting": "Pending"}, "Report", "Pending")
	event := oneOf(registry, "Event", "The data line of an event. Its line “event” tells which: queue, progress, finding, done, or failed with problem details.",
		"", nil, "Queue", "Progress", "Finding", "Done", "ProblemDetails")
	grown := make([]any, len(problem.Words))
	for i, w := range problem.Words {
		grown[i] = w.Word
	}
	for _, name := range []string{"code", "reason"} {
		grow(registry.Map()["ProblemDetails"].Properties[name], grown...)
	}
	at := cmp.Or(a.BaseURL, "http://localhost:8080") + apiV1
	curl := "curl " + at

	operate(a, to, huma.Operation{
		OperationID: "startCheck", Tags: []string{ofChecks}, Method: http.MethodPost, Path: apiV1 + "/checks",
		Summary: "Start a check",
		Description: "Starts a check of a domain, or joins the one that runs already. Where a report is at hand that is younger than a minute, that is the answer. " +
			"A check takes a few seconds, and up to a minute and a half where servers are slow; with wait the answer is the report as soon as it is there.",
		MaxBodyBytes: BodyLimit,
		Extensions:   example(`curl "` + at + `/checks?wait=60" --json '{"domain": "example.org"}'`),
		Responses: answers(
			answer{200, "The fresh report, or the one that was waited for.", reportOf(reportOrState), headers("Content-Location")},
			answer{202, "A check waits or runs.", jsonOf(reportOrState, "pending"), headers("Location", "Retry-After")},
			problemOf(to, 400, "The body is empty or no JSON."),
			problemOf(to, 403, "The owner of the domain has asked not to be checked from here, or a browser sent this in the name of another site."),
			problemOf(to, 408, "The body did not arrive in time."),
			problemOf(to, 413, "The body is too long."),
			problemOf(to, 415, "The body is not declared as JSON."),
			problemOf(to, 422, "This is no mail domain, or there are fields that nobody knows."),
			problemOf(to, 429, "So many checks were asked for, by this client or of this domain, that the next has to wait."),
			problemOf(to, 500, "Something broke on our side."),
			problemOf(to, 503, "Too many checks are waiting, or the site is about to restart."),
		),
	}, a.orderCheck)

	operate(a, to, huma.Operation{
		OperationID: "getReport", Tags: []string{ofChecks}, Method: http.MethodGet, Path: apiV1 + "/reports/{id}",
		Summary: "One report",
		Description: "The report with that id; while its check runs, the answer says how far it is. What was seen and the grade never change. " +
			"The sentences are those of the present rules, so they may read better after an update of the program.",
		Extensions: example(curl + "/reports/h3ekrutlpqyr2mljcgnz3mhbz4"),
		Responses: answers(
			answer{200, "The report.", reportOf(reportOrState), headers("ETag", "Cache-Control")},
			answer{202, "Its check waits or runs.", jsonOf(reportOrState, "pending"), headers("Retry-After")},
			notModified,
			problemOf(to, 404, "There is no such report."),
			problemOf(to, 410, "The report can no longer be read."),
			problemOf(to, 500, "Something broke on our side."),
			problemOf(to, 503, "Many are reading just now."),
		),
	}, a.showReport)

	operate(a, to, huma.Operation{
		OperationID: "getEvents", Tags: []string{ofChecks}, Method: http.MethodGet, Path: apiV1 + "/reports/{id}/events",
		Summary: "What happens in a check",
		Description: "Server-sent events: everything from the beginning of the check, or from the event that the client names, and then what comes. " +
			"Each has a number, a kind and an object on one line.",
		Extensions: example(curl + "/reports/h3ekrutlpqyr2mljcgnz3mhbz4/events --no-buffer"),
		Responses: answers(
			answer{200, "Events of these kinds: queue (the check waits, see Queue), progress (a stage began or ended, see Progress), finding (a rule applied, see Finding), and at the end either done (see Done) or failed (there will be no report, see ProblemDetails). " +
				"Close the stream after the end, or the client may connect again. Lines that begin with a colon are signs of life.",
				media("text/event-stream", event, "queue", "progress", "finding", "done", "failed"), nil},
			problemOf(to, 404, "There is no such report."),
			problemOf(to, 500, "Something broke on our side."),
			problemOf(to, 429, "This client follows too many checks."),
			problemOf(to, 503, "Too many follow checks."),
		),
	}, a.events)

	operate(a, to, huma.Operation{
		OperationID: "getDomain", Tags: []string{ofDomains}, Method: http.MethodGet, Path: apiV1 + "/domains/{domain}",
		Summary:     "The latest report of a domain",
		Description: "Looking starts nothing. A report that trouble of our own has spoilt never takes the place of one before it. While the first check of a domain runs, the answer says how far it is.",
		Extensions:  example(curl + "/domains/example.org"),
		Responses: answers(
			answer{200, "The latest report.", reportOf(reportOrState), headers("ETag", "Cache-Control")},
			answer{202, "The first check of the domain waits or runs.", jsonOf(reportOrState, "pending"), headers("Retry-After")},
			notModified,
			problemOf(to, 404, "The domain was never checked here, or is no mail domain."),
			problemOf(to, 500, "Something broke on our side."),
			problemOf(to, 503, "Many are reading just now."),
		),
	}, a.latest)

	operate(a, to, huma.Operation{
		OperationID: "getHistory", Tags: []string{ofDomains}, Method: http.MethodGet, Path: apiV1 + "/domains/{domain}/history",
		Summary:     "Earlier reports of a domain",
		Description: "The reports of a domain, the newest first.",
		Extensions:  example(`curl "` + at + `/domains/example.org/history?limit=5"`),
		Responses: answers(
			answer{200, "A part of the reports.", jsonOf(schemaOf(to, History{}), "history"), headers("ETag", "Cache-Control", "Link")},
			notModified,
			problemOf(to, 404, "The domain was never checked here, or is no mail domain."),
			problemOf(to, 422, "A parameter is not as it has to be."),
			problemOf(to, 500, "Something broke on our side."),
			problemOf(to, 503, "Many are reading just now."),
		),
	}, a.history)

	operate(a, to, huma.Operation{
		OperationID: "compareReports", Tags: []string{ofDomains}, Method: http.MethodGet, Path: apiV1 + "/compare/{one}/{other}",
		Summary:     "What differs between two reports",
		Description: "Two reports of one domain, whichever is named first: what was seen differently, and which findings came and went.",
		Extensions:  example(curl + "/compare/h3ekrutlpqyr2mljcgnz3mhbz4/j5fmsxvnrsaktbolzepb5ojdb6"),
		Responses: answers(
			answer{200, "What differs.", jsonOf(schemaOf(to, Comparison{}), "comparison"), headers("ETag", "Cache-Control")},
			notModified,
			problemOf(to, 404, "There is no such report, or they are of two domains."),
			problemOf(to, 410, "One of the reports can no longer be read."),
			problemOf(to, 500, "Something broke on our side."),
			problemOf(to, 503, "Many are reading just now."),
		),
	}, a.compare)

	outcomeOfAdvice(to)
	operate(a, to, huma.Operation{
		OperationID: "getAdvice", Tags: []string{ofDomains}, Method: http.MethodGet, Path: apiV1 + "/domains/{domain}/to",
		Summary: "What becomes of a mail to a domain",
		Description: "One sentence for who writes to the domain, as the latest report has it, in less than 400 octets; for mail clients. Looking starts nothing. " +
			"Senders that are known: " + strings.Join(senderIDs(), ", ") + "; the list may grow.",
		Extensions: example(curl + "/domains/example.org/to?from=gmail"),
		Responses: answers(
			answer{200, "What becomes of it.", jsonOf(schemaOf(to, Advice{}), "advice"), headers("ETag", "Cache-Control")},
			notModified,
			problemOf(to, 404, "The domain was never checked here, or is no mail domain."),
			problemOf(to, 422, "Nobody knows what this sender checks; detail lists those that are known."),
			problemOf(to, 500, "Something broke on our side."),
			problemOf(to, 503, "Many are reading just now."),
		),
	}, a.to)

	a.senderOperations(to, curl)
	doc := to.OpenAPI()
	for _, op := range a.besides(registry) {
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
	return doc
}
