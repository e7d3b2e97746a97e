package web

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"mxseal/checks"
)

// Who waits is told so, and whoever finds no room at all is told when to come again.
func TestThePageOfAWaitingCheck(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	n := w.fill()
	rec := w.post("late.example")
	want(t, rec, 503, "Too many checks are waiting", "in 30 seconds")
	if rec.Header().Get("Retry-After") != "30" {
		t.Errorf("503 with Retry-After %q", rec.Header().Get("Retry-After"))
	}
	page := func(i int) string { return "/check/" + domain(i).ASCII }
	const first = 64
	want(t, w.post(domain(3).ASCII), 303) // joining one that is there costs nothing
	want(t, w.ask("GET", page(first), ""), 200, "This one is next: it begins as soon as one of them ends", "Check in the queue")
	want(t, w.ask("GET", page(first+1), ""), 200, "1 more is before this one")
	want(t, w.ask("GET", page(first+3), ""), 200, "3 more are before this one")
	want(t, w.ask("GET", page(first), "", "Accept", json_), 202, `"state":"waiting"`, `"before":0,"waits_for":"place"`)
	want(t, w.ask("GET", page(n-1), "", "Accept", json_), 202, `"before":1023`)
	want(t, w.ask("GET", page(first), "", "Accept", "text/plain"), 202, " is the next to be checked.\nThe report will be at "+page(first))
	want(t, w.ask("GET", page(n-1), "", "Accept", "text/plain"), 202, " waits to be checked, behind 1023 other checks.\n")
	want(t, w.ask("GET", page(3), "", "Accept", "text/plain"), 202, fmt.Sprintf(" is being checked: 0 of %d steps done.\n", len(checks.All)))
	close(w.gate)
	w.settle()
	want(t, w.post("late.example"), 303)
}

// Whoever has as many checks running as one visitor may is told that it is this that he waits for.
func TestThePageOfACheckThatWaitsForItsShare(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) { c.Limits.ClientMinute = -1 })
	w.gate = make(chan struct{})
	for i := range 4 + 16 {
		want(t, w.post(domain(i).ASCII), 303)
	}
	rec := w.post(domain(20).ASCII)
	want(t, rec, 429, "One after the other", "in 30 seconds")
	if rec.Header().Get("Retry-After") != "30" {
		t.Errorf("429 with Retry-After %q", rec.Header().Get("Retry-After"))
	}
	want(t, w.ask("POST", "/api/v1/checks", `{"domain": "other.example"}`, "Content-Type", json_), 429, `"title":"One after the other"`)
	want(t, w.post(domain(19).ASCII), 303) // joining is no further one
	want(t, w.ask("GET", "/check/"+domain(4).ASCII, ""), 200, "As many checks run for one visitor or network as may at a time. This one is next", `http-equiv="refresh"`)
	want(t, w.ask("GET", "/check/"+domain(6).ASCII, ""), 200, "2 more are before this one")
	want(t, w.ask("GET", "/check/"+domain(4).ASCII, "", "Accept", json_), 202, `"state":"waiting"`, `"before":0,"waits_for":"share"`)
	if body := w.ask("GET", "/check/"+domain(3).ASCII, "", "Accept", json_).Body.String(); strings.Contains(body, "before") || strings.Contains(body, "waits_for") {
		t.Errorf("a check under way stands in the queue: %s", body)
	}
	server := serve(t, w)
	l := listen(t, server, "/check/"+domain(5).ASCII+"/events")
	if e := l.next(); e.kind != "queue" || !strings.Contains(e.data, "1 more is before this one") {
		t.Errorf("who follows it hears %+v", e)
	}
	close(w.gate)
	for e := l.next(); e.kind != "done"; e = l.next() {
		if e.kind != "queue" || !strings.Contains(e.data, "This one is next") {
			t.Errorf("and then %+v", e)
		}
	}
	w.settle()
	if n := w.runs.Load(); n != 20 {
		t.Errorf("%d checks were run", n)
	}
}
