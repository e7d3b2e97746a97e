package web

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

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

// However many reports there are and however large, those in memory are bounded, and the last
// ones are there.
func TestReportsInMemoryAreBounded(t *testing.T) {
	w := newWorld(t)
	const size = 300 << 10
	for i := range 3 * hotOctets / size {
		r := graded(domain(i).ASCII, "A", 0)
		r.CheckedAt, r.TLSRPT = time.Now(), &report.TLSRPT{Raw: strings.Repeat("x", size)}
		w.desk.keep(r)
		if h := w.desk.hot.Held(); h.Octets > hotOctets {
			t.Fatalf("%d octets after %d reports", h.Octets, i+1)
		}
		if kept, ok := w.desk.hot.Get(r.Domain); !ok || kept != r {
			t.Fatalf("report %d is not in memory", i)
		}
	}
	if h := w.desk.hot.Held(); h.Items < hotOctets/size*3/4 || h.Pushed == 0 {
		t.Errorf("held: %+v", h)
	}
}

// Who waits is told the truth about the queue: first come, first served, and everybody moves
// up when a place is free.
func TestTheQueueIsTold(t *testing.T) {
	w := newWorld(t)
	leave := make(map[string]chan struct{})
	began := make(chan string, maxRunning+5)
	for i := range maxRunning + 5 {
		leave[domain(i).ASCII] = make(chan struct{})
	}
	w.desk.run = func(_ context.Context, d checks.Domain, id string, _ func(report.Event)) *report.Report {
		began <- d.ASCII
		<-leave[d.ASCII]
		return sample(d, id)
	}
	start := func(i int) {
		t.Helper()
		if _, _, err := w.desk.start(t.Context(), domain(i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxRunning {
		start(i)
	}
	for range maxRunning {
		<-began
	}
	for i := range 4 {
		start(maxRunning + i)
	}
	page := func(i int) string { return "/check/" + domain(maxRunning+i).ASCII }
	want(t, w.ask("GET", page(0), ""), 200, "This one is next: it begins as soon as one of them ends", "Check in the queue")
	want(t, w.ask("GET", page(1), ""), 200, "1 more is before this one")
	want(t, w.ask("GET", page(3), ""), 200, "3 more are before this one")
	want(t, w.ask("GET", page(0), "", "Accept", json_), 202, `"state":"waiting"`, `"before":0`)
	want(t, w.ask("GET", page(3), "", "Accept", json_), 202, `"before":3`)
	want(t, w.post(domain(maxRunning+3).ASCII), 303) // joining changes nothing

	server := serve(t, w)
	last := listen(t, server, page(3)+"/events")
	for i, say := range []string{"2 more are before", "1 more is before", "This one is next"} {
		close(leave[domain(i).ASCII])
		if first := <-began; first != domain(maxRunning+i).ASCII {
			t.Errorf("%s begins before its turn", first)
		}
		if e := last.next(); e.kind != "queue" || !strings.Contains(e.data, say) {
			t.Errorf("after %d ends the last hears %+v", i+1, e)
		}
	}
	body := w.ask("GET", page(0), "", "Accept", json_).Body.String()
	if !strings.Contains(body, `"state":"running"`) || strings.Contains(body, `"before"`) {
		t.Errorf("a check under way has a place in the queue: %s", body)
	}
	for i := 3; i < maxRunning+4; i++ {
		close(leave[domain(i).ASCII])
	}
	w.settle()
	if n := len(w.desk.places); n != 0 || len(w.desk.waiting) != 0 || len(w.desk.open) != 0 {
		t.Errorf("%d places are taken and %d wait when all is done", n, len(w.desk.waiting))
	}
}

// Closing turns the waiting away, and no place is lost on the way.
func TestClosingTurnsTheWaitingAway(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	for i := range maxRunning + 10 {
		if _, _, err := w.desk.start(t.Context(), domain(i)); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan error)
	for int(w.runs.Load()) < maxRunning {
		time.Sleep(time.Millisecond)
	}
	go func() { closed <- w.Close(context.Background()) }()
	<-w.desk.arrive.Done()
	close(w.gate)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if n := w.runs.Load(); n != maxRunning {
		t.Errorf("%d checks were run: some of them began while closing", n)
	}
	if len(w.desk.places) != 0 || len(w.desk.waiting) != 0 {
		t.Errorf("%d places are taken and %d wait", len(w.desk.places), len(w.desk.waiting))
	}
}
