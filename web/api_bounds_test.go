package web

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mxseal/web/problem"
	"mxseal/web/scans"
)

// What was typed may hold the local part of somebody's address: it does not come back, and
// it is not noted.
func TestTheAPIForgetsWhatWasTyped(t *testing.T) {
	const typed = "secretlocalpart"
	w := newWorld(t)
	for _, r := range []struct{ why, method, path, body, header, value string }{
		{"the domain", "POST", "/api/v1/checks", `{"domain": "secretlocalpart@localhost"}`, "", ""},
		{"the domain of an order that is taken", "POST", "/api/v1/checks", `{"domain": "secretlocalpart@example.org"}`, "", ""},
		{"a field", "POST", "/api/v1/checks", `{"secretlocalpart": "example.org"}`, "", ""},
		{"a value of another kind", "POST", "/api/v1/checks", `{"domain": {"secretlocalpart": 1}}`, "", ""},
		{"no JSON", "POST", "/api/v1/checks", `secretlocalpart@example.org`, "", ""},
		{"the media type", "POST", "/api/v1/checks", `{}`, "Content-Type", "text/secretlocalpart"},
		{"the media type with a plus", "POST", "/api/v1/checks", `{}`, "Content-Type", "text/x+secretlocalpart"},
		{"the path", "GET", "/api/v1/domains/secretlocalpart@localhost", "", "", ""},
		{"the path of a history", "GET", "/api/v1/domains/secretlocalpart@example.net/history", "", "", ""},
		{"the id", "GET", "/api/v1/reports/secretlocalpart", "", "", ""},
		{"the id of events", "GET", "/api/v1/reports/secretlocalpart/events", "", "", ""},
		{"a parameter", "GET", "/api/v1/domains/example.net/history?before=secretlocalpart", "", "", ""},
		{"a number", "GET", "/api/v1/domains/example.net/history?limit=secretlocalpart", "", "", ""},
		{"an address that is not there", "GET", "/api/v1/secretlocalpart", "", "", ""},
		{"the origin", "GET", "/api/v1/domains/example.net", "", "Origin", "https://secretlocalpart.example"},
	} {
		rec := w.ask(r.method, r.path, r.body, "Content-Type", json_, r.header, r.value)
		if answer := fmt.Sprint(rec.Header(), rec.Body); strings.Contains(answer, typed) {
			t.Errorf("%s comes back: %s", r.why, answer)
		}
	}
	w.settle()
	if strings.Contains(w.log.String(), typed) {
		t.Errorf("what was typed is in the log:\n%s", w.log)
	}
}

func TestNothingThereForPrograms(t *testing.T) {
	w := newWorld(t)
	c := promised(t, w)
	for path, title := range map[string]string{
		"/api/v1/reports/nothing":                "No such report",
		"/api/v1/reports/nothing/events":         "No such report",
		"/api/v1/domains/example.org":            "Not checked yet",
		"/api/v1/domains/example.org/history":    "Not checked yet",
		"/api/v1/domains/localhost":              "Not a mail domain",
		"/api/v1/domains/192.0.2.1/history":      "Not a mail domain",
		"/api/v1/domains/x%3Cscript%3E/history":  "Not a mail domain",
		"/api/v1/domains/example.org%2F..%2Fetc": "Not checked yet",
	} {
		want(t, c.ask("GET", path, "", "Accept", "text/html"), 404, title, `"status":404`)
	}
	for _, path := range []string{"/api/", "/api/v1", "/api/v1/", "/api/v2/checks", "/api/v1/reports", "/api/v1/domains"} {
		rec := w.ask("GET", path, "", "Accept", "text/html")
		want(t, rec, 404, `"status":404`, "/openapi.json")
		if kind := rec.Header().Get("Content-Type"); kind != problem.JSON {
			t.Errorf("%s answers in %s", path, kind)
		}
	}
	for path, allowed := range map[string][]string{"/api/v1/checks": {"POST"}, "/api/v1/reports/x": {"GET", "HEAD"}, "/openapi.json": {"GET", "HEAD"}} {
		rec := w.ask("DELETE", path, "")
		want(t, rec, 405, `"status":405`)
		if got := rec.Header().Values("Allow"); !slices.Equal(got, allowed) || rec.Header().Get("Content-Type") != problem.JSON {
			t.Errorf("%s: Allow %q, %s", path, got, rec.Header().Get("Content-Type"))
		}
	}
	want(t, w.ask("GET", "/api/v1/checks", ""), 405)
	w.settle()
	if n := w.runs.Load(); n != 0 {
		t.Errorf("looking has run %d checks", n)
	}
}

func TestTheAPIBreaksQuietly(t *testing.T) {
	w := newWorld(t)
	c := promised(t, w)
	w.cfg.Store.Close()
	for _, path := range []string{"/api/v1/reports/x", "/api/v1/reports/x/events", "/api/v1/domains/example.org", "/api/v1/domains/example.org/history"} {
		rec := c.ask("GET", path, "")
		want(t, rec, 500, "Something broke on our side")
		if strings.Contains(rec.Body.String(), "sql") {
			t.Errorf("%s shows internals: %s", path, rec.Body)
		}
	}
	want(t, c.order("example.org"), 500)
}

func TestTheAPIHasBounds(t *testing.T) {
	w := newWorld(t)
	c := promised(t, w)
	for range 1000 {
		if w.post("example.org").Code == 429 {
			break
		}
	}
	rec := c.order("example.org") // the same client by another door
	want(t, rec, 429, "That was fast")
	if rec.Header().Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}

	w = open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) { c.Limits.PerMinute = -1 })
	c = promised(t, w)
	w.gate = make(chan struct{})
	n := w.fill()
	rec = c.order("late.example")
	want(t, rec, 503, "Too many checks are waiting")
	if rec.Header().Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	want(t, c.order(domain(3).ASCII), 202) // joining one that is there costs nothing
	want(t, c.ask("GET", "/api/v1/domains/"+domain(n-1).ASCII, ""), 202)
	for range 8 {
		if _, err := w.scans.Subscribe(scans.Client{By: "api", Addr: netip.MustParseAddr("192.0.2.1")}); err != nil {
			t.Fatal(err)
		}
	}
	rec = c.ask("GET", "/api/v1/reports/"+w.scans.Running(domain(3).ASCII).ID+"/events", "")
	want(t, rec, 429, "Too many followed at once")
	if rec.Header().Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}

	w = newWorld(t)
	c = promised(t, w)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Close(over); err != nil {
		t.Error(err)
	}
	want(t, c.order("example.org"), 503, "The site is about to restart")
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.gate = make(chan struct{})
	w.post("example.net")
	running := w.scans.Running("example.net").ID
	if err := w.cfg.Store.Save(t.Context(), sample(domain(1), "kept")); err != nil {
		t.Fatal(err)
	}
	for path, status := range map[string]int{
		"/api": 200, "/openapi.json": 200, "/api/v1/reports/kept": 200, "/api/v1/reports/kept/events": 200, "/api/v1/domains/d1.example": 200, "/api/v1/domains/d1.example/history": 200,
		"/api/v1/reports/" + running: 202, "/api/v1/reports/" + running + "/events": 200, "/api/v1/reports/nothing": 404,
	} {
		got, err := server.Client().Head(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		if got.StatusCode != status {
			t.Errorf("HEAD %s: %d", path, got.StatusCode)
		}
	}
}

func TestPagesOfOthersMayReadAndNotStart(t *testing.T) {
	w := newWorld(t)
	from := []string{"Origin", "https://other.example", "Sec-Fetch-Site", "cross-site"}
	if err := w.cfg.Store.Save(t.Context(), sample(domain(1), "kept")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/openapi.json", "/api/v1/reports/kept", "/api/v1/reports/kept/events", "/api/v1/domains/d1.example", "/api/v1/domains/d1.example/history", "/api/v1/reports/nothing", "/api/v1/nothing"} {
		h := w.ask("GET", path, "", from...).Header()
		if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" || h.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(h.Get("Access-Control-Expose-Headers"), "Link") {
			t.Errorf("%s: headers %v", path, h)
		}
		rec := w.ask("OPTIONS", path, "", append(from, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "last-event-id")...)
		want(t, rec, 204)
		if h := rec.Header(); h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Methods") != "GET, HEAD" || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "Last-Event-ID") {
			t.Errorf("before %s: headers %v", path, h)
		}
	}
	for _, rec := range []*httptest.ResponseRecorder{
		w.ask("OPTIONS", "/api/v1/checks", "", append(from, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")...),
		w.ask("POST", "/api/v1/checks", `{"domain": "example.org"}`, append(from, "Content-Type", json_)...),
		w.ask("POST", "/api/v1/checks", `{"domain": "example.org"}`, append(from, "Content-Type", "text/plain")...),
		w.ask("GET", "/check/d1.example", "", append(from, "Accept", json_)...),
		w.ask("GET", "/api", "", from...),
	} {
		if h := rec.Header(); h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%d with headers %v", rec.Code, h)
		}
	}
	want(t, promised(t, w).order("example.org", from...), 403, "in the name of another site")
	w.settle()
	if n := w.runs.Load(); n != 0 {
		t.Errorf("%d checks were run", n)
	}
}
