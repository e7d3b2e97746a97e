// Package api is what programs ask: operations below /api/v1, and the document that describes them.
//
// An operation is a row in operations.go and a function in answers.go or events.go. Its document is made
// of the types that are sent (schema.go), of their doc comments and of their vocabularies (words.go), with
// examples that the program itself makes (examples.go). Within v1 names and words are only added.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"mxseal/checks/input"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/senders"
	"mxseal/web/store"
)

const (
	apiV1      = "/api/v1"
	reportKept = "public, max-age=3600" // a report never changes, but its sentences may with a new version of the program
)

// reportAt is the address of a report.
func reportAt(id string) string { return apiV1 + "/reports/" + id }

// Config is what the API answers from.
type Config struct {
	Parse    func(typed string) (input.Domain, error)
	Scans    *scans.Scanner
	Store    *store.Store
	Senders  *senders.Senders // nil where senders are not tested
	Renderer *rendering.Renderer
	Log      *slog.Logger

	Who   func(*http.Request) scans.Client // who asks
	Bound func(http.Handler) http.Handler  // stands before what starts a check

	BaseURL  string        // where the site is reached; empty if unknown
	Version  string        // of the program; may be empty
	Operator string        // may be empty, as the next
	Contact  string        // mail address or URL
	Keep     time.Duration // how long reports are kept; for ever if zero
}

// API answers programs. It is safe for concurrent use.
type API struct {
	Config
	doc *huma.OpenAPI
}

// Owns reports whether an address is one for programs, where nothing is a page, whatever the client accepts.
func Owns(path string) bool { return strings.HasPrefix(path, "/api/") || path == "/openapi.json" }

// Fail answers with what went wrong.
func (a *API) Fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.Of(r.Context(), a.Log, err)
	if p == nil {
		return
	}
	if p.Wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.Wait))
	}
	rendering.WriteJSON(w, p.Status, problem.JSON, p.Details(a.BaseURL, true))
}

// answer makes a handler of a function that may fail.
func (a *API) answer(f func(http.ResponseWriter, *http.Request, scans.Client) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r, a.Who(r)); err != nil {
			a.Fail(w, r, err)
		}
	}
}

// operate puts an operation behind its door. What the operation fails with becomes an answer
// where all failures do.
func operate[I any](a *API, to huma.API, op huma.Operation, f func(http.ResponseWriter, *http.Request, scans.Client, *I) error) {
	huma.Register(to, op, func(_ context.Context, in *I) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(c huma.Context) {
			r, w := humachi.Unwrap(c)
			a.answer(func(w http.ResponseWriter, r *http.Request, who scans.Client) error { return f(w, r, who, in) })(w, r)
		}}, nil
	})
}

// doors lead from the addresses of the API to its operations.
type doors struct {
	chi.Router
	bound func(http.Handler) http.Handler // of operations that start a check
	base  string                          // where the site is reached; empty if unknown
}

// baseKey leads to the base in the context of a request, for errors that huma finds.
type baseKey struct{}

func (d doors) Handle(op *huma.Operation, handle func(huma.Context)) {
	r := d.Router
	if op.Method == http.MethodPost {
		r = r.With(d.bound)
	}
	r.MethodFunc(op.Method, op.Path, func(w http.ResponseWriter, r *http.Request) {
		handle(humachi.NewContext(op, r.WithContext(context.WithValue(r.Context(), baseKey{}, d.base)), w))
	})
}
