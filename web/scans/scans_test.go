package scans

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

func domain(i int) input.Domain { return named(fmt.Sprintf("d%d.example", i)) }

func named(name string) input.Domain { return input.Domain{ASCII: name, Unicode: name} }

// world is a Scanner whose scans are scripted: each run counts and says its domain, and waits
// at the gate while there is one.
type world struct {
	*Scanner
	store *store.Store
	runs  atomic.Int64
	gate  chan struct{} // nil, or closed, lets scans end
	as    Run           // runs in place of the script
	log   bytes.Buffer
}

func (w *world) run(ctx context.Context, d input.Domain, id string, emit func(report.Event)) *report.Report {
	w.runs.Add(1)
	if w.as != nil {
		return w.as(ctx, d, id, emit)
	}
	r := sample(d, id)
	if w.gate != nil {
		select {
		case <-w.gate:
		case <-ctx.Done():
			r.Interrupted = "the check was stopped before its end"
		}
	}
	return r
}

func sample(d input.Domain, id string) *report.Report {
	return &report.Report{Meta: report.Meta{Schema: report.Schema, ID: id, Domain: d.ASCII, UnicodeDomain: d.Unicode, CheckedAt: time.Now().UTC().Truncate(time.Second)}, Conclusions: report.Conclusions{Rules: report.RulesSet, Grade: &report.Grade{Letter: "C"}}}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{store: s}
	w.Scanner = New(Config{Run: w.run, Store: s, Log: slog.New(slog.NewTextHandler(&w.log, nil)), Limits: Limits{PerMinute: -1, ClientDay: -1}})
	t.Cleanup(func() { // also ends scans that wait at a gate
		over, cancel := context.WithCancel(context.Background())
		cancel()
		if err := w.Close(over); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return w
}

// start asks for a scan that is to be taken.
func (w *world) start(t *testing.T, who Client, d input.Domain) *Scan {
	t.Helper()
	_, c, err := w.Start(t.Context(), who, d)
	if err != nil {
		t.Fatalf("%s: %v", d.ASCII, err)
	}
	return c
}

// settle waits until no scan is open.
func (w *world) settle() {
	for s := w.Stats(); s.Running+s.Waiting > 0; s = w.Stats() {
		time.Sleep(time.Millisecond)
	}
}

// begun waits until so many scans have begun.
func (w *world) begun(n int) {
	for w.runs.Load() < int64(n) {
		time.Sleep(time.Millisecond)
	}
}

// closes waits until nothing begins any more.
func (w *world) closes() {
	for closing := false; !closing; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		closing = w.closing
		w.mu.Unlock()
	}
}

// refused wants a refusal.
func refused(t *testing.T, err error, why Reason) *Refusal {
	t.Helper()
	var no *Refusal
	if !errors.As(err, &no) || no.Reason != why {
		t.Fatalf("%v, want a refusal: %s", err, why)
	}
	return no
}

func TestTheQueueIsBounded(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	for i := range maxRunning + maxWaiting {
		w.start(t, Client{}, domain(i))
	}
	_, _, err := w.Start(t.Context(), Client{}, named("late.example"))
	if no := refused(t, err, Busy); no.Wait == 0 {
		t.Error("nothing is said of when it is worth another try")
	}
	w.start(t, Client{}, domain(3)) // joining one that is there costs nothing
	if s := w.Stats(); s.Running != maxRunning || s.Waiting != maxWaiting {
		t.Errorf("%+v", s)
	}
	close(w.gate)
	w.settle()
	if n := w.runs.Load(); n != maxRunning+maxWaiting {
		t.Errorf("%d scans were run", n)
	}
	w.start(t, Client{}, named("late.example"))
}

func TestClosingLetsScansFinish(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	w.start(t, Client{}, domain(1))
	w.begun(1) // so it may finish
	closed := make(chan error)
	go func() { closed <- w.Close(context.Background()) }()
	w.closes()
	_, _, err := w.Start(t.Context(), Client{}, domain(2))
	refused(t, err, Closing)
	close(w.gate)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if r, err := w.store.Latest(t.Context(), domain(1).ASCII); err != nil || r.Interrupted != "" {
		t.Errorf("the report is %v, %v", r, err)
	}
}

func TestClosingStopsWhatDoesNotFinish(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{}) // never opened
	w.start(t, Client{}, domain(1))
	w.begun(1)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Close(over); err != nil {
		t.Error(err)
	}
	if r, err := w.store.Latest(t.Context(), domain(1).ASCII); err != nil || r.Interrupted == "" {
		t.Errorf("the report is %v, %v; want it kept, marked as interrupted", r, err)
	}
}

func TestAPanicEndsItsScanOnly(t *testing.T) {
	w := newWorld(t)
	w.as = func(_ context.Context, d input.Domain, id string, _ func(report.Event)) *report.Report {
		if d.ASCII == domain(1).ASCII {
			panic("a mistake in a check")
		}
		return sample(d, id)
	}
	for i := range 3 {
		w.start(t, Client{}, domain(i))
	}
	w.settle()
	for i, there := range []bool{true, false, true} {
		if _, err := w.Latest(t.Context(), domain(i).ASCII); (err == nil) != there {
			t.Errorf("the report of %s: %v", domain(i).ASCII, err)
		}
	}
	if !strings.Contains(w.log.String(), "a mistake in a check") {
		t.Error("the log does not say what happened")
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
	w.as = func(_ context.Context, d input.Domain, id string, _ func(report.Event)) *report.Report {
		began <- d.ASCII
		<-leave[d.ASCII]
		return sample(d, id)
	}
	for i := range maxRunning {
		w.start(t, Client{}, domain(i))
	}
	for range maxRunning {
		<-began
	}
	var waiting []*Scan
	for i := range 4 {
		c := w.start(t, Client{}, domain(maxRunning+i))
		if v := c.View(); !v.Waiting || v.Queue.Before != i {
			t.Errorf("number %d: %+v", i, v)
		}
		waiting = append(waiting, c)
	}
	last := waiting[3]
	w.start(t, Client{}, last.Domain) // joining changes nothing
	for i := range 3 {
		heard, _, _ := last.Events(0)
		close(leave[domain(i).ASCII])
		if first := <-began; first != domain(maxRunning+i).ASCII {
			t.Errorf("%s begins before its turn", first)
		}
		news, _, _ := last.Events(len(heard))
		if len(news) != 1 || news[0].Queue == nil || news[0].Queue.Before != 2-i {
			t.Errorf("after %d ends the last hears %+v", i+1, news)
		}
	}
	if v := waiting[0].View(); v.Waiting {
		t.Errorf("a scan under way waits: %+v", v)
	}
	for i := 3; i < maxRunning+4; i++ {
		close(leave[domain(i).ASCII])
	}
	w.settle()
	if s := w.Stats(); s.Running != 0 || s.Waiting != 0 || len(w.open) != 0 {
		t.Errorf("%+v when all is done", s)
	}
}

// Closing turns the waiting away, and no place is lost on the way.
func TestClosingTurnsTheWaitingAway(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	for i := range maxRunning + 10 {
		w.start(t, Client{}, domain(i))
	}
	closed := make(chan error)
	w.begun(maxRunning)
	go func() { closed <- w.Close(context.Background()) }()
	w.closes()
	close(w.gate)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if n := w.runs.Load(); n != maxRunning {
		t.Errorf("%d scans were run: some of them began while closing", n)
	}
	if s := w.Stats(); s.Running != 0 || s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
}
