package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"mxseal/web/store"
)

// SurveyTx is what is asked of a change of a store that keeps surveys.
type SurveyTx interface {
	StartRun(ctx context.Context, survey string, now time.Time) (run store.Run, started bool, err error)
	Feed(ctx context.Context, id int64, n, underWay int) (from, count int, more bool, err error)
	FeedAgain(ctx context.Context, id int64) error
	KeepResult(ctx context.Context, id int64, n int, facts []byte, now time.Time) (ended bool, err error)
	KeepPart(ctx context.Context, run int64, n int, body []byte, waits int) (bool, error)
	Await(ctx context.Context, run int64, n int, address, name string) (first bool, err error)
	KeepLook(ctx context.Context, run int64, address, name string, body []byte) error
	SetAlike(ctx context.Context, run int64, address, alike string) error
	Wake(ctx context.Context, run int64, address, name string) (ready []int, err error)
	Rest(ctx context.Context, run int64, address string) (bool, error)
	KeepSumming(ctx context.Context, run int64, from, next int, state []byte, blocks []store.Block) (bool, error)
	KeepTotals(ctx context.Context, run int64, brief, totals []byte, gone []string) error
	DropRuns(ctx context.Context, survey string, keep int) (ids []int64, err error)
	DropSurvey(ctx context.Context, name string) (list string, ids []int64, err error)
}

// Surveys is what is asked of a store that keeps surveys.
type Surveys[T SurveyTx] interface {
	Change(ctx context.Context, do func(T) error) error
	AddSurvey(ctx context.Context, one *store.Survey, next func() (store.Line, bool, error)) error
	SetSurvey(ctx context.Context, one store.Survey) error
	Survey(ctx context.Context, name string) (store.Survey, error)
	Surveys(ctx context.Context) ([]store.Survey, error)
	Run(ctx context.Context, id int64) (store.Run, error)
	Runs(ctx context.Context, survey string, n int) ([]store.Run, error)
	LineOf(ctx context.Context, id int64, n int) (line store.Line, done bool, err error)
	Part(ctx context.Context, run int64, n int) ([]byte, error)
	Server(ctx context.Context, run int64, address, name string) (alike string, looked bool, err error)
	Looks(ctx context.Context, run int64, address string, n int) ([][]byte, error)
	LookAt(ctx context.Context, run int64, address, name string) ([]byte, error)
	Clear(ctx context.Context, run int64) (more bool, err error)
	Results(ctx context.Context, id int64, from, n int, earlier [2]int64) ([]store.Result, error)
	Summing(ctx context.Context, run int64) (next int, state []byte, err error)
	Totals(ctx context.Context, run int64) ([]byte, error)
	Behind(ctx context.Context, id int64, number string, from int) (list []store.Result, next int, err error)
	ClearRun(ctx context.Context, run int64) (more bool, err error)
	ClearList(ctx context.Context, list string) (more bool, err error)
}

// surveyed is a store with the survey "three": a.example, b.example and c.example.
type surveyed[T SurveyTx] struct {
	t *testing.T
	Surveys[T]
}

// RunSurveys runs the suite of stores that keep surveys.
func RunSurveys[T SurveyTx](t *testing.T, open func(*testing.T) Surveys[T]) {
	for name, test := range map[string]func(surveyed[T]){
		"a list is kept whole or not at all":       listsAreWhole[T],
		"what is said of a survey can be changed":  saidOtherwise[T],
		"a run goes through its list":              goesThrough[T],
		"few lines of a run are under way":         fed[T],
		"nobody rests while somebody waits":        rests[T],
		"numbers that are gone have no domains":    goneNumbers[T],
		"of a line the first result counts":        firstResult[T],
		"who waits for a look is woken once":       wokenOnce[T],
		"what lies between jobs is cleared":        cleared[T],
		"counting goes on where it was":            countingGoesOn[T],
		"a survey that is dropped leaves nothing":  dropped[T],
		"dates of runs are their own":              datesOfRuns[T],
		"former runs make room":                    formerRuns[T],
		"of what is not there nothing can be had":  notThere[T],
		"earlier letters come with later results":  earlierLetters[T],
		"a change that fails changes nothing":      changesNothing[T],
		"a run that is begun again has all to do":  begunAgain[T],
		"the domains behind a number are in order": inOrder[T],
	} {
		t.Run(name, func(t *testing.T) {
			s := surveyed[T]{t, open(t)}
			if err := s.AddSurvey(t.Context(), &store.Survey{Name: "three", Title: "Three", Every: time.Hour}, lines("a.example", "b.example", "a.example", "c.example")); err != nil {
				t.Fatal(err)
			}
			test(s)
		})
	}
}

func lines(domains ...string) func() (store.Line, bool, error) {
	return func() (line store.Line, more bool, err error) {
		if len(domains) == 0 {
			return line, false, nil
		}
		line, domains = store.Line{Domain: domains[0], Labels: []string{"of " + domains[0]}}, domains[1:]
		return line, true, nil
	}
}

// change makes a change that must not fail.
func (s surveyed[T]) change(do func(T) error) {
	s.t.Helper()
	if err := s.Change(s.t.Context(), do); err != nil {
		s.t.Fatal(err)
	}
}

func (s surveyed[T]) start(now time.Time) (run store.Run) {
	s.t.Helper()
	s.change(func(tx T) (err error) { run, _, err = tx.StartRun(s.t.Context(), "three", now); return err })
	return run
}

func (s surveyed[T]) result(run store.Run, n int, facts string) (ended bool) {
	s.t.Helper()
	s.change(func(tx T) (err error) {
		ended, err = tx.KeepResult(s.t.Context(), run.ID, n, []byte(facts), Noon)
		return err
	})
	return ended
}

// ended is a run with a result of each line.
func (s surveyed[T]) ended(now time.Time, letters ...string) store.Run {
	s.t.Helper()
	run := s.start(now)
	for n, l := range letters {
		s.result(run, n, fmt.Sprintf(`{"letter":%q}`, l))
	}
	return run
}

func listsAreWhole[T SurveyTx](s surveyed[T]) {
	got, err := s.Survey(s.t.Context(), "three")
	if want := (store.Survey{Name: "three", Title: "Three", Every: time.Hour, Domains: 3}); err != nil || got != want {
		s.t.Errorf("%+v, %v", got, err)
	}
	if err := s.AddSurvey(s.t.Context(), &store.Survey{Name: "three"}, lines("z.example")); !errors.Is(err, store.ErrExists) {
		s.t.Errorf("a second one of that name: %v", err)
	}
	if err := s.AddSurvey(s.t.Context(), &store.Survey{Name: "empty"}, lines()); !errors.Is(err, store.ErrEmpty) {
		s.t.Errorf("an empty list: %v", err)
	}
	broken := errors.New("broken")
	if err := s.AddSurvey(s.t.Context(), &store.Survey{Name: "half"}, func() (store.Line, bool, error) { return store.Line{}, true, broken }); !errors.Is(err, broken) {
		s.t.Errorf("a list that breaks off: %v", err)
	}
	if all, err := s.Surveys.Surveys(s.t.Context()); err != nil || len(all) != 1 {
		s.t.Errorf("%+v, %v", all, err)
	}
}

func saidOtherwise[T SurveyTx](s surveyed[T]) {
	want := store.Survey{Name: "three", Title: "3", Every: 2 * time.Hour, Domains: 3, Named: true}
	if err := s.SetSurvey(s.t.Context(), want); err != nil {
		s.t.Fatal(err)
	}
	if got, err := s.Survey(s.t.Context(), "three"); err != nil || got != want {
		s.t.Errorf("%+v, %v", got, err)
	}
}

func goesThrough[T SurveyTx](s surveyed[T]) {
	run := s.start(Noon)
	if run.Domains != 3 || !run.Began.Equal(Noon) || !run.Ended.IsZero() || s.start(Noon.Add(time.Hour)).ID != run.ID {
		s.t.Errorf("%+v", run)
	}
	for n, domain := range []string{"a.example", "b.example", "c.example"} {
		if line, done, err := s.LineOf(s.t.Context(), run.ID, n); err != nil || line.Domain != domain || done {
			s.t.Errorf("line %d: %+v, %v, %v", n, line, done, err)
		}
		if ended := s.result(run, n, `{}`); ended != (n == 2) {
			s.t.Errorf("after line %d: %v", n, ended)
		}
	}
	if got, err := s.Run(s.t.Context(), run.ID); err != nil || got.Done != 3 || !got.Ended.Equal(Noon) {
		s.t.Errorf("%+v, %v", got, err)
	}
}

func fed[T SurveyTx](s surveyed[T]) {
	run := s.start(Noon)
	for i, c := range []struct {
		n, underWay, from, count int
		more                     bool
	}{{2, 10, 0, 2, true}, {2, 2, 2, 0, true}, {2, 3, 2, 1, false}, {2, 9, 3, 0, false}} {
		s.change(func(tx T) error {
			from, count, more, err := tx.Feed(s.t.Context(), run.ID, c.n, c.underWay)
			if from != c.from || count != c.count || more != c.more {
				s.t.Errorf("the %d. time %d lines from %d, more: %v", i+1, count, from, more)
			}
			return err
		})
	}
}

func firstResult[T SurveyTx](s surveyed[T]) {
	run := s.start(Noon)
	for _, facts := range []string{`{"letter":"A"}`, `{"letter":"F"}`} {
		s.result(run, 1, facts)
	}
	list, err := s.Results(s.t.Context(), run.ID, 0, 10, [2]int64{})
	if err != nil || len(list) != 1 || string(list[0].Facts) != `{"letter":"A"}` || list[0].N != 1 || list[0].Domain != "b.example" || !slices.Equal(list[0].Labels, []string{"of b.example"}) {
		s.t.Errorf("%+v, %v", list, err)
	}
	if got, err := s.Run(s.t.Context(), run.ID); err != nil || got.Done != 1 {
		s.t.Errorf("%+v, %v", got, err)
	}
	s.change(func(tx T) error {
		if kept, err := tx.KeepPart(s.t.Context(), run.ID, 1, []byte("late"), 1); kept || err != nil {
			s.t.Errorf("a part of what has a result: %v, %v", kept, err)
		}
		return nil
	})
}
