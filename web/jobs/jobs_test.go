package jobs

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

type errand struct {
	N int `json:"n"`
}

func (errand) Kind() string { return "errand" }

type round struct{}

func (round) Kind() string { return "round" }

// ledger counts how often each errand was run.
type ledger struct {
	mu   sync.Mutex
	runs map[int]int
	all  chan int // has a number for each run
}

func newLedger() *ledger { return &ledger{runs: make(map[int]int), all: make(chan int, 1000)} }

func (l *ledger) note(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs[n]++
	l.all <- n
	return l.runs[n]
}

func (l *ledger) times(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runs[n]
}

func opened(t *testing.T) *store.Store {
	t.Helper()
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func engine(t *testing.T, c Config) *Engine {
	t.Helper()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	e, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func started(t *testing.T, e *Engine) *Engine {
	t.Helper()
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func troubles(t *testing.T, e *Engine) []Trouble {
	t.Helper()
	time.Sleep(5 * time.Millisecond)
	list, err := e.Troubles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func add(t *testing.T, s *store.Store, e *Engine, list ...Args) {
	t.Helper()
	if err := s.Change(t.Context(), func(tx *store.Tx) error { return e.Add(t.Context(), tx, list...) }); err != nil {
		t.Fatal(err)
	}
}

// A job belongs to the change that adds it; one process may add what another does.
func TestAJobIsAddedByAChange(t *testing.T) {
	s, seen := opened(t), newLedger()
	kind := Do("errands", 1, func(_ context.Context, e errand, _ int) error { seen.note(e.N); return nil })
	adding := engine(t, Config{Store: s, Kinds: []Kind{kind}})
	never := errors.New("no")
	if err := s.Change(t.Context(), func(tx *store.Tx) error {
		return errors.Join(adding.Add(t.Context(), tx, errand{1}), never)
	}); !errors.Is(err, never) {
		t.Fatal(err)
	}
	var many []Args
	for n := range 2*maxBatch + 1 {
		many = append(many, errand{10 + n})
	}
	add(t, s, adding, many...)
	if err := s.Change(t.Context(), func(tx *store.Tx) error { return adding.Add(t.Context(), tx, round{}) }); err == nil || !strings.Contains(err.Error(), `"round"`) {
		t.Errorf("a job that nobody does: %v", err)
	}
	started(t, engine(t, Config{Store: s, Kinds: []Kind{kind}, Queues: map[string]int{"errands": 8}}))
	for range many {
		<-seen.all
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if seen.runs[1] != 0 || len(seen.runs) != len(many) {
		t.Errorf("%d jobs were done, want %d, and of the change that was not made %d", len(seen.runs), len(many), seen.runs[1])
	}
}

// What fails is shown, and done again; what is put off counts as no attempt.
func TestWhatFailsIsShownAndDoneAgain(t *testing.T) {
	s, seen := opened(t), newLedger()
	var said strings.Builder
	e := engine(t, Config{Store: s, Log: slog.New(slog.NewTextHandler(&said, nil)), Queues: map[string]int{"errands": 1}, Kinds: []Kind{
		Do("errands", 1, func(_ context.Context, e errand, _ int) error {
			switch n := seen.note(e.N); {
			case n == 1 && e.N == 1:
				return errors.New("the \x1b[31mdisk\nis full")
			case n == 1 && e.N == 2:
				return Again(0)
			case n == 1 && e.N == 3:
				panic("oops")
			}
			return nil
		}),
	}})
	add(t, s, e, errand{1}, errand{2}, errand{3})
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	shown := make(map[string]Trouble)
	for len(shown) < 2 {
		for _, trouble := range troubles(t, e) {
			shown[trouble.Args] = trouble
		}
	}
	for range 6 {
		<-seen.all
	}
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	one := shown[`{"n":1}`]
	if one.Kind != "errand" || one.Attempts != 1 || one.GivenUp || one.Next.IsZero() || one.At.IsZero() || !strings.Contains(one.Error, "disk") || strings.ContainsAny(one.Error, "\x1b\n") {
		t.Errorf("%+v", one)
	}
	if list := troubles(t, e); len(list) != 0 {
		t.Errorf("after all was done: %v", list)
	}
	if text := said.String(); !strings.Contains(text, "a job failed") || !strings.Contains(text, "a job panicked") || strings.Contains(text, "level=INFO") {
		t.Errorf("the log says %s", text)
	}
}

func TestWaitsGrow(t *testing.T) {
	for failed, want := range map[int]time.Duration{1: 2 * time.Second, 2: 4 * time.Second, 5: 32 * time.Second, 9: 512 * time.Second, 10: longestWait, 1 << 40: longestWait} {
		if got := wait(failed); got != want {
			t.Errorf("after %d failures %v, want %v", failed, got, want)
		}
	}
	all := time.Duration(0)
	for n := 1; n < maxAttempts; n++ {
		all += wait(n)
	}
	if all < 3*time.Hour {
		t.Errorf("a job is given up after %v", all)
	}
}

// The end of the program is no failure of a job.
func TestAJobThatIsStoppedIsDoneAfterTheStart(t *testing.T) {
	s, seen := opened(t), newLedger()
	kind := Do("errands", 1, func(ctx context.Context, e errand, _ int) error {
		if seen.note(e.N) == 1 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
	c := Config{Store: s, Kinds: []Kind{kind}, Queues: map[string]int{"errands": 1}}
	e := engine(t, c)
	add(t, s, e, errand{1})
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-seen.all
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, err := e.Troubles(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("stopped is failed: %v, %v", list, err)
	}
	started(t, engine(t, c))
	<-seen.all
}

// A job that takes too long is stopped, and has failed.
func TestAJobHasItsTime(t *testing.T) {
	s, seen := opened(t), newLedger()
	e := engine(t, Config{Store: s, limit: 50 * time.Millisecond, rescue: time.Minute, Queues: map[string]int{"errands": 1}, Kinds: []Kind{
		Do("errands", 1, func(ctx context.Context, e errand, _ int) error {
			if seen.note(e.N) == 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}),
	}})
	add(t, s, e, errand{1})
	started(t, e)
	<-seen.all
	<-seen.all
}

// What is done every day is done at the start, and is one job however often the program starts.
func TestRoundsAreMadeAtTheStart(t *testing.T) {
	s, made := opened(t), make(chan struct{}, 10)
	fail := errors.New("not today")
	kind := Every(24*time.Hour, func(context.Context, round) error { made <- struct{}{}; return fail })
	for range 2 {
		e := engine(t, Config{Store: s, Kinds: []Kind{kind}, Queues: map[string]int{}})
		if err := e.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-made
		for len(troubles(t, e)) == 0 {
		}
		if err := e.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if list := troubles(t, e); len(list) != 1 {
			t.Errorf("%v; want the one that failed", list)
		}
	}
}

// A store that is slow to answer is told to the operator, and is no trouble; what else the engine warns of is.
func TestASlowStoreIsNoTrouble(t *testing.T) {
	const slow = `level=INFO msg="the store is slow to answer; jobs wait for it" queue=all for=fetching`
	late := errors.New("producer.pollForSettingChanges timed out after 10s: " + context.DeadlineExceeded.Error())
	for _, test := range []struct {
		level slog.Level
		err   any
		want  string
	}{
		{slog.LevelInfo, late.Error(), slow},
		{slog.LevelInfo, late, slow},
		{slog.LevelWarn, late.Error(), ""},
		{slog.LevelWarn, "database is locked", `level=ERROR msg=fetching queue=all err="database is locked"`},
	} {
		var said strings.Builder
		undated := func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
		log := slog.New(quiet{slog.NewTextHandler(&said, &slog.HandlerOptions{Level: test.level, ReplaceAttr: undated})}).With("queue", "all")
		log.Info("of its daily life")
		log.Error("fetching", "err", test.err)
		if got := strings.TrimSpace(said.String()); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}
