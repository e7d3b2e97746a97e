package web

import (
	"testing"
)

// Who waits is told so, and whoever finds no room at all is told when to come again.
func TestThePageOfAWaitingCheck(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	n := w.fill()
	rec := w.post("late.example")
	want(t, rec, 503, "All hands are busy", "in 30 seconds")
	if rec.Header().Get("Retry-After") != "30" {
		t.Errorf("503 with Retry-After %q", rec.Header().Get("Retry-After"))
	}
	page := func(i int) string { return "/check/" + domain(i).ASCII }
	const first = 64
	want(t, w.post(domain(3).ASCII), 303) // joining one that is there costs nothing
	want(t, w.ask("GET", page(first), ""), 200, "This one is next: it begins as soon as one of them ends", "Check in the queue")
	want(t, w.ask("GET", page(first+1), ""), 200, "1 more is before this one")
	want(t, w.ask("GET", page(first+3), ""), 200, "3 more are before this one")
	want(t, w.ask("GET", page(first), "", "Accept", json_), 202, `"state":"waiting"`, `"before":0`)
	want(t, w.ask("GET", page(n-1), "", "Accept", json_), 202, `"before":255`)
	close(w.gate)
	w.settle()
	want(t, w.post("late.example"), 303)
}
