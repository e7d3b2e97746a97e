package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"mxseal/web/store"
)

// RunSurveys runs the suite of stores that keep surveys.
func RunSurveys(t *testing.T, open func(*testing.T) *store.Store) {
	for name, test := range map[string]func(surveyed){
		"a list is kept whole or not at all":       listsAreWhole,
		"what is said of a survey can be changed":  saidOtherwise,
		"a run goes through its list":              goesThrough,
		"few lines of a run are under way":         fed,
		"nobody rests while somebody waits":        rests,
		"numbers that are gone have no domains":    goneNumbers,
		"of a line the first result counts":        firstResult,
		"who waits for a look is woken once":       wokenOnce,
		"what lies between jobs is cleared":        cleared,
		"counting goes on where it was":            countingGoesOn,
		"a survey that is dropped leaves nothing":  dropped,
		"dates of runs are their own":              datesOfRuns,
		"former runs make room":                    formerRuns,
		"of what is not there nothing can be had":  notThere,
		"a domain is found in what is published":   publishedOf,
		"earlier letters come with later results":  earlierLetters,
		"a change that fails changes nothing":      changesNothing,
		"a run that is begun again has all to do":  begunAgain,
		"the domains behind a number are in order": inOrder,
	} {
		t.Run(name, func(t *testing.T) {
			s := surveyed{t, open(t)}
			if err := s.AddSurvey(t.Context(), &store.Survey{Name: "three", Title: "Three", Every: time.Hour}, lines("a.example", "b.example", "a.example", "c.example")); err != nil {
				t.Fatal(err)
			}
			test(s)
		})
	}
}

func listsAreWhole(s surveyed) {
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
	if all, err := s.Surveys(s.t.Context()); err != nil || len(all) != 1 {
		s.t.Errorf("%+v, %v", all, err)
	}
}

func saidOtherwise(s surveyed) {
	want := store.Survey{Name: "three", Title: "3", Every: 2 * time.Hour, Domains: 3, Named: true}
	if err := s.SetSurvey(s.t.Context(), want); err != nil {
		s.t.Fatal(err)
	}
	if got, err := s.Survey(s.t.Context(), "three"); err != nil || got != want {
		s.t.Errorf("%+v, %v", got, err)
	}
}

func goesThrough(s surveyed) {
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

func fed(s surveyed) {
	run := s.start(Noon)
	for i, c := range []struct {
		n, underWay, from, count int
		more                     bool
	}{{2, 10, 0, 2, true}, {2, 2, 2, 0, true}, {2, 3, 2, 1, false}, {2, 9, 3, 0, false}} {
		s.change(func(tx *store.Tx) error {
			from, count, more, err := tx.Feed(s.t.Context(), run.ID, c.n, c.underWay)
			if from != c.from || count != c.count || more != c.more {
				s.t.Errorf("the %d. time %d lines from %d, more: %v", i+1, count, from, more)
			}
			return err
		})
	}
}

func firstResult(s surveyed) {
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
	s.change(func(tx *store.Tx) error {
		if kept, err := tx.KeepPart(s.t.Context(), run.ID, 1, []byte("late"), 1); kept || err != nil {
			s.t.Errorf("a part of what has a result: %v, %v", kept, err)
		}
		return nil
	})
}
