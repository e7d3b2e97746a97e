package web

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Who says how long he waits gets the report in one answer if it is there by then, else what he
// would have got at once.
func TestWaitingForTheReport(t *testing.T) {
	w := newWorld(t)
	c := promised(t, w)
	w.gate, w.say = make(chan struct{}), script
	order := func(wait string) (status int, location, body string) {
		rec := c.ask("POST", "/api/v1/checks?wait="+wait, `{"domain": "example.org"}`)
		return rec.Code, rec.Header().Get("Location") + rec.Header().Get("Content-Location"), rec.Body.String()
	}
	status, address, body := order("1")
	if status != http.StatusAccepted || !strings.Contains(body, `"state":"running"`) {
		t.Fatalf("%d: %.200s", status, body)
	}
	time.AfterFunc(50*time.Millisecond, func() { close(w.gate) })
	status, location, body := order("60")
	if status != http.StatusOK || location != address || !strings.Contains(body, `"letter":"C"`) {
		t.Errorf("%d at %s, want %s: %.200s", status, location, address, body)
	}
	if n := w.runs.Load(); n != 1 {
		t.Errorf("%d checks were run", n)
	}
	for _, wrong := range []string{"-1", "91", "long"} {
		rec := c.ask("POST", "/api/v1/checks?wait="+wrong, `{"domain": "example.org"}`)
		want(t, rec, 422, `"code":"invalid"`, `"location":"query.wait"`, "from 0 to 90")
	}
}

// A report comes as the text of the terminal to who prefers that, at the addresses for programs and
// for people; and as JSON or a page to all others.
func TestReportsAsText(t *testing.T) {
	w := newWorld(t)
	c := promised(t, w)
	w.post("example.org")
	w.settle()
	kept, err := w.cfg.Store.Latest(t.Context(), "example.org")
	if err != nil {
		t.Fatal(err)
	}
	for path, usual := range map[string]string{
		"/api/v1/reports/" + kept.ID: json_, "/api/v1/domains/example.org": json_,
		"/report/" + kept.ID: "text/html; charset=utf-8", "/check/example.org": "text/html; charset=utf-8",
	} {
		for accept, kind := range map[string]string{
			"": usual, "*/*": usual,
			"text/plain":                         "text/plain; charset=utf-8",
			"text/plain, */*;q=0.1":              "text/plain; charset=utf-8",
			"application/json, text/plain, */*":  json_,
			"application/json;q=0.9, text/plain": "text/plain; charset=utf-8",
		} {
			ask := w.ask // the document of the API tells of text in words only
			if usual == json_ && kind == json_ {
				ask = c.ask
			}
			rec := ask("GET", path, "", "Accept", accept)
			if got := rec.Header().Get("Content-Type"); rec.Code != 200 || got != kind || !strings.Contains(rec.Header().Get("Vary"), "Accept") {
				t.Errorf("%s, Accept %q: %d %s, Vary %q", path, accept, rec.Code, got, rec.Header().Get("Vary"))
			}
			if text := rec.Body.String(); strings.HasPrefix(kind, "text/plain") && (!strings.HasPrefix(text, "example.org, checked ") || !strings.Contains(text, "\nexample.org  C  ")) {
				t.Errorf("%s: %s", path, text)
			}
		}
	}
}
