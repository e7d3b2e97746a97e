package web

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"mxseal/checks"
	"mxseal/checks/report"
)

func domain(i int) checks.Domain {
	name := fmt.Sprintf("d%d.example", i)
	return checks.Domain{ASCII: name, Unicode: name}
}

func TestTheQueueIsBounded(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	for i := range maxRunning + maxWaiting {
		if _, _, err := w.desk.start(t.Context(), domain(i)); err != nil {
			t.Fatalf("check %d: %v", i, err)
		}
	}
	want(t, w.post("late.example"), 503, "All hands are busy")
	if got := w.post("late.example").Header().Get("Retry-After"); got == "" {
		t.Error("503 without Retry-After")
	}
	want(t, w.post("d3.example"), 303) // joining one that is there costs nothing
	waiting := 0
	for i := range maxRunning + maxWaiting {
		if c := w.desk.peek(domain(i).ASCII); c != nil {
			if c.view().Waiting {
				waiting++
			}
		}
	}
	if waiting < maxWaiting {
		t.Errorf("only %d checks wait: more than %d run", waiting, maxRunning)
	}
	close(w.gate)
	w.settle()
	if n := w.runs.Load(); n != maxRunning+maxWaiting {
		t.Errorf("%d checks were run", n)
	}
	want(t, w.post("late.example"), 303)
}

func TestWaitingCheckSaysSo(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	for range maxRunning { // every place is taken
		w.desk.places <- struct{}{}
	}
	want(t, w.post("example.org"), 303)
	want(t, w.ask("GET", "/check/example.org", ""), 200, "begins as soon as one of them ends")
	want(t, w.ask("GET", "/check/example.org", "", "Accept", json_), 202, `"state":"waiting"`)
}

func TestClosingLetsChecksFinish(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	if _, _, err := w.desk.start(t.Context(), domain(1)); err != nil {
		t.Fatal(err)
	}
	w.begun() // so it may finish
	closed := make(chan error)
	go func() { closed <- w.Close(context.Background()) }()
	<-w.desk.arrive.Done()
	if _, _, err := w.desk.start(t.Context(), domain(2)); !errors.Is(err, closingDown) {
		t.Errorf("a check was taken while closing: %v", err)
	}
	close(w.gate)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if r, err := w.cfg.Store.Latest(t.Context(), domain(1).ASCII); err != nil || r.Interrupted != "" {
		t.Errorf("the report is %v, %v", r, err)
	}
}

func TestClosingStopsWhatDoesNotFinish(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{}) // never opened
	if _, _, err := w.desk.start(t.Context(), domain(1)); err != nil {
		t.Fatal(err)
	}
	w.begun()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Close(over); err != nil {
		t.Error(err)
	}
	if r, err := w.cfg.Store.Latest(t.Context(), domain(1).ASCII); err != nil || r.Interrupted == "" {
		t.Errorf("the report is %v, %v; want it kept, marked as interrupted", r, err)
	}
}

func TestAPanicEndsItsCheckOnly(t *testing.T) {
	w := newWorld(t)
	run := w.desk.run
	w.desk.run = func(ctx context.Context, d checks.Domain, id string, emit func(report.Event)) *report.Report {
		if d.ASCII == domain(1).ASCII {
			panic("a mistake in a check")
		}
		return run(ctx, d, id, emit)
	}
	for i := range 3 {
		if _, _, err := w.desk.start(t.Context(), domain(i)); err != nil {
			t.Fatal(err)
		}
	}
	w.settle()
	want(t, w.ask("GET", "/check/d0.example", ""), 200)
	want(t, w.ask("GET", "/check/d1.example", ""), 404)
	want(t, w.ask("GET", "/check/d2.example", ""), 200)
	if !strings.Contains(w.log.String(), "a mistake in a check") {
		t.Error("the log does not say what happened")
	}
}

func TestTheHotLayerIsBounded(t *testing.T) {
	h := newHot[string](maxHot, freshFor)
	for i := range maxHot + 50 {
		h.put(domain(i).ASCII, "old")
	}
	if n := h.c.ItemCount(); n > maxHot {
		t.Errorf("%d reports are held", n)
	}
	h.put(domain(0).ASCII, "new")
	if r, ok := h.get(domain(0).ASCII); !ok || r != "new" {
		t.Error("a full layer kept an outdated report")
	}
	h.drop(domain(0).ASCII)
	if _, ok := h.get(domain(0).ASCII); ok {
		t.Error("what was dropped is still there")
	}
}
