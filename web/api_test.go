package web

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mxseal/web/api"
	"mxseal/web/problem"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// extensible marks a list of words that may grow.
const extensible = "x-extensible-enum"

// contract holds what is sent and answered against the document.
type contract struct {
	*world
	t      *testing.T
	doc    *openapi3.T
	router routers.Router
}

// promised reads the document of a site. Readers are told to ignore what they do not know,
// but here everything has to be known.
func promised(t *testing.T, w *world) *contract {
	t.Helper()
	var plain map[string]any
	if err := json.Unmarshal(w.ask("GET", "/openapi.json", "").Body.Bytes(), &plain); err != nil {
		t.Fatal(err)
	}
	tighten(plain)
	strict, err := json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(strict)
	if err != nil {
		t.Fatal(err)
	}
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.RegisteredBodyDecoder("text/plain"))
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &contract{w, t, doc, router}
}

// tighten makes of what the document leaves open what it knows today: no other fields, no other
// words. Of the events of a stream it describes each, which the tests of events look at.
func tighten(part any) {
	switch part := part.(type) {
	case []any:
		for _, p := range part {
			tighten(p)
		}
	case map[string]any:
		if part["properties"] != nil && part["type"] == "object" {
			part["additionalProperties"] = false
		}
		if words, ok := part[extensible]; ok {
			part["enum"] = words
		}
		if stream, ok := part["text/event-stream"].(map[string]any); ok {
			stream["schema"] = map[string]any{"type": "string"}
			delete(stream, "examples")
		}
		for _, p := range part {
			tighten(p)
		}
	}
}

// ask sends a request and demands that the answer is one that the document knows, and that
// the request was one where it succeeds.
func (c *contract) ask(method, path, body string, header ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	request := func() *http.Request {
		r := httptest.NewRequest(method, c.cfg.BaseURL+path, strings.NewReader(body))
		if method == "POST" {
			r.Header.Set("Content-Type", json_)
		}
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return r
	}
	rec := httptest.NewRecorder()
	c.ServeHTTP(rec, request())
	route, params, err := c.router.FindRoute(request())
	if err != nil {
		c.t.Errorf("%s %s is not in the document: %v", method, path, err)
		return rec
	}
	in := &openapi3filter.RequestValidationInput{Request: request(), PathParams: params, Route: route}
	if err := openapi3filter.ValidateRequest(c.t.Context(), in); err != nil && rec.Code < 400 {
		c.t.Errorf("%s %s was taken, and the document says: %v", method, path, err)
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: rec.Code, Header: rec.Header(), Options: &openapi3filter.Options{IncludeResponseStatus: true}}
	if err := openapi3filter.ValidateResponse(c.t.Context(), out.SetBodyBytes(rec.Body.Bytes())); err != nil {
		c.t.Errorf("%s %s answers %d, and the document says: %v\n%.500s", method, path, rec.Code, err, rec.Body)
	}
	if rec.Code >= 400 && rec.Header().Get("Content-Type") != problem.JSON {
		c.t.Errorf("%s %s answers %d in %s", method, path, rec.Code, rec.Header().Get("Content-Type"))
	}
	return rec
}

func (c *contract) order(domain string, header ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	return c.ask("POST", "/api/v1/checks", fmt.Sprintf(`{"domain": %q}`, domain), header...)
}

func TestACheckFromTheOrderToItsReport(t *testing.T) {
	w := newWorld(t)
	c := promised(t, w)
	w.gate, w.say = make(chan struct{}), script

	rec := c.order("Somebody@Bücher.Example")
	want(t, rec, 202, `"domain":"xn--bcher-kva.example"`)
	var s api.Pending
	if err := json.Unmarshal(rec.Body.Bytes(), &s); err != nil || s.ID == "" || s.Links != (api.Links{Report: "/api/v1/reports/" + s.ID, Events: "/api/v1/reports/" + s.ID + "/events", Page: "/check/xn--bcher-kva.example"}) {
		t.Fatalf("the state of the check is %+v, %v", s, err)
	}
	address := rec.Header().Get("Location")
	if address != s.Links.Report || rec.Header().Get("Retry-After") == "" {
		t.Errorf("headers %v", rec.Header())
	}
	if again := c.order("bücher.example").Header().Get("Location"); again != address {
		t.Errorf("a second order starts another check, %s", again)
	}
	w.begun()
	for _, path := range []string{address, "/api/v1/domains/xn--bcher-kva.example", "/api/v1/domains/b%C3%BCcher.example"} {
		rec := c.ask("GET", path, "")
		want(t, rec, 202, `"state":"running"`, s.ID)
		if rec.Header().Get("Retry-After") == "" {
			t.Errorf("%s: 202 without Retry-After", path)
		}
	}

	close(w.gate)
	w.settle()
	rec = c.ask("GET", address, "")
	want(t, rec, 200, `"letter":"C"`, s.ID)
	if keep := rec.Header().Get("Cache-Control"); !strings.HasPrefix(keep, "public, max-age=") {
		t.Errorf("a report is kept by %q", keep)
	}
	want(t, c.ask("GET", address, "", "If-None-Match", rec.Header().Get("ETag")), 304)
	want(t, c.ask("GET", address, "", "If-None-Match", `"another"`), 200)
	for _, path := range []string{"/api/v1/domains/xn--bcher-kva.example", "/api/v1/domains/someone@B%C3%BCcher.Example."} {
		rec = c.ask("GET", path, "")
		want(t, rec, 200, s.ID)
		if rec.Header().Get("Cache-Control") != "no-cache" || rec.Header().Get("ETag") == "" {
			t.Errorf("%s: headers %v", path, rec.Header())
		}
	}
	rec = c.order("bücher.example")
	want(t, rec, 200, s.ID)
	if at := rec.Header().Get("Content-Location"); at != address {
		t.Errorf("the fresh report is at %q", at)
	}
	if n := w.runs.Load(); n != 1 {
		t.Errorf("%d checks were run", n)
	}

	c = promised(t, open(t, w.path, nil))                                         // after a restart
	want(t, c.ask("GET", "/api/v1/domains/xn--bcher-kva.example", ""), 200, s.ID) // from the store
}

func TestOrdersThatAreRefused(t *testing.T) {
	for _, r := range []struct {
		why, body, kind string
		status          int
		reason          string
		says            []string
	}{
		{"no domain", `{"domain": "localhost"}`, json_, 422, "not-a-mail-domain", []string{`"title":"Not a mail domain"`, `"location":"body.domain"`}},
		{"an empty text", `{"domain": ""}`, json_, 422, "not-a-mail-domain", []string{"the part of an address after the @", `"location":"body.domain"`}},
		{"a number", `{"domain": 5}`, json_, 422, "invalid", []string{"The domain is a text.", `"location":"body.domain"`}},
		{"nothing in it", `{}`, json_, 422, "invalid", []string{"one field", `"location":"body"`}},
		{"another field", `{"domain": "example.org", "force": true}`, json_, 422, "invalid", []string{"one field", `"location":"body"`}},
		{"a field in capitals", `{"Domain": "example.org"}`, json_, 422, "invalid", []string{"one field"}},
		{"no object", `["example.org"]`, json_, 422, "invalid", []string{"one field"}},
		{"null", `null`, json_, 422, "invalid", []string{"one field"}},
		{"no body", ``, json_, 400, "malformed", []string{"could not be read"}},
		{"broken off", `{"domain": "exam`, json_, 400, "malformed", []string{"could not be read"}},
		{"something behind it", `{"domain": "example.org"} {}`, json_, 400, "malformed", []string{"could not be read"}},
		{"a form", `domain=example.org`, "application/x-www-form-urlencoded", 415, "not-json", []string{"Content-Type: application/json"}},
		{"text", `{"domain": "example.org"}`, "text/plain", 415, "not-json", []string{"Content-Type: application/json"}},
		{"too long", `{"domain": "` + strings.Repeat("a", 5000) + `"}`, json_, 413, "too-large", []string{"That is too much"}},
	} {
		t.Run(r.why, func(t *testing.T) {
			w := newWorld(t)
			c := promised(t, w)
			for _, accept := range []string{"", "text/html", "application/cbor"} {
				want(t, c.ask("POST", "/api/v1/checks", r.body, "Content-Type", r.kind, "Accept", accept), r.status, append(r.says, fmt.Sprintf(`"status":%d`, r.status), fmt.Sprintf(`"reason":%q`, r.reason), fmt.Sprintf(`"type":"https://mxseal.example/api#problem-%s"`, r.reason))...)
			}
			w.settle()
			if n := w.runs.Load(); n != 0 {
				t.Errorf("%d checks were run", n)
			}
		})
	}
	w := newWorld(t)
	want(t, promised(t, w).ask("POST", "/api/v1/checks", `{"domain": "example.org"}`, "Content-Type", json_+"; charset=utf-8"), 202)
}

// holds demands that a value is as one of the schemas says.
func (c *contract) holds(schema string, data []byte) {
	c.t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		c.t.Fatal(err)
	}
	s := c.doc.Components.Schemas[schema]
	if s == nil {
		c.t.Fatalf("there is no schema %s", schema)
	}
	if err := s.Value.VisitJSON(v); err != nil {
		c.t.Errorf("%s: %v\n%.300s", schema, err, data)
	}
}
