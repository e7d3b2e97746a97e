package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"mxseal/web/store"
)

// waiting is a run of which line 0 waits for two addresses, and line 1 for the first of them.
func (s surveyed) waiting() store.Run {
	run := s.start(Noon)
	s.change(func(tx *store.Tx) error {
		for n, waits := range []int{2, 1} {
			if kept, err := tx.KeepPart(s.t.Context(), run.ID, n, []byte{byte(n)}, waits); !kept || err != nil {
				s.t.Errorf("the part of line %d: %v, %v", n, kept, err)
			}
		}
		for i, w := range []struct {
			n       int
			address string
		}{{0, "192.0.2.1"}, {0, "192.0.2.2"}, {1, "192.0.2.1"}} {
			if first, err := tx.Await(s.t.Context(), run.ID, w.n, w.address, "mx"); first != (i < 2) || err != nil {
				s.t.Errorf("the %d. who waits: %v, %v", i+1, first, err)
			}
		}
		return nil
	})
	return run
}

// wake keeps a look at an address, and returns the lines that are ready.
func (s surveyed) wake(run store.Run, address, body string) (ready []int) {
	s.change(func(tx *store.Tx) (err error) {
		err = errors.Join(tx.KeepLook(s.t.Context(), run.ID, address, "mx", []byte(body)), tx.SetAlike(s.t.Context(), run.ID, address, "alike"))
		if err == nil {
			ready, err = tx.Wake(s.t.Context(), run.ID, address, "mx")
		}
		return err
	})
	return ready
}

func wokenOnce(s surveyed) {
	run := s.waiting()
	if list, err := s.Awaited(s.t.Context(), run.ID, "192.0.2.1", 9); err != nil || len(list) == 0 || list[0].Domain == "" {
		s.t.Errorf("an address is awaited as %+v, %v", list, err)
	}
	for i, want := range [][]int{{1}, nil, {0}} {
		if got := s.wake(run, []string{"192.0.2.1", "192.0.2.1", "192.0.2.2"}[i], []string{"first", "second", "third"}[i]); !slices.Equal(got, want) {
			s.t.Errorf("look %d wakes %v, want %v", i+1, got, want)
		}
	}
	if body, err := s.LookAt(s.t.Context(), run.ID, "192.0.2.1", "other"); err != nil || string(body) != "first" {
		s.t.Errorf("under another name: %q, %v", body, err)
	}
	if alike, looked, err := s.Server(s.t.Context(), run.ID, "192.0.2.1", "mx"); err != nil || alike != "alike" || !looked {
		s.t.Errorf("%q, %v, %v", alike, looked, err)
	}
	if got, err := s.Run(s.t.Context(), run.ID); err != nil || got.Looks != 2 {
		s.t.Errorf("%+v, %v", got, err)
	}
}

func rests(s surveyed) {
	run := s.waiting()
	rest := func(want bool) {
		s.t.Helper()
		s.change(func(tx *store.Tx) error {
			if rests, err := tx.Rest(s.t.Context(), run.ID, "192.0.2.1"); rests != want || err != nil {
				s.t.Errorf("%v, %v, want %v", rests, err, want)
			}
			return nil
		})
	}
	rest(false)
	s.wake(run, "192.0.2.1", "look")
	rest(true)
	rest(true) // also where that is known, or has been cleared away: nobody waits
	s.change(func(tx *store.Tx) error {
		if first, err := tx.Await(s.t.Context(), run.ID, 2, "192.0.2.1", "new"); !first || err != nil {
			s.t.Errorf("who comes after that: %v, %v", first, err)
		}
		return nil
	})
}

func cleared(s surveyed) {
	run := s.start(Noon)
	s.change(func(tx *store.Tx) error {
		_, err := tx.KeepPart(s.t.Context(), run.ID, 0, []byte("part"), 1)
		if err == nil {
			_, err = tx.Await(s.t.Context(), run.ID, 0, "192.0.2.1", "mx")
		}
		return errors.Join(err, tx.KeepLook(s.t.Context(), run.ID, "192.0.2.1", "mx", []byte("look")))
	})
	for more, times := true, 0; more; times++ {
		var err error
		if more, err = s.Clear(s.t.Context(), run.ID); err != nil || times > 2 {
			s.t.Fatal(times, err)
		}
	}
	if _, err := s.Part(s.t.Context(), run.ID, 0); !errors.Is(err, store.ErrNotFound) {
		s.t.Error(err)
	}
	if looks, err := s.Looks(s.t.Context(), run.ID, "192.0.2.1", 9); err != nil || len(looks) > 0 {
		s.t.Errorf("%q, %v", looks, err)
	}
}

// step counts some of a run, of which the lines behind x:state are from.
func (s surveyed) step(run store.Run, from, next int, state string, want bool) {
	s.t.Helper()
	s.change(func(tx *store.Tx) error {
		if kept, err := tx.KeepSumming(s.t.Context(), run.ID, from, next, []byte(state), []store.Block{{Number: "x:" + state, Lines: []int{from}}}); kept != want || err != nil {
			s.t.Errorf("from %d: %v, %v", from, kept, err)
		}
		return nil
	})
}

// summing says how far a run is counted.
func (s surveyed) summing(run store.Run, next int, state string, want error) {
	s.t.Helper()
	if n, text, err := s.Summing(s.t.Context(), run.ID); n != next || string(text) != state || !errors.Is(err, want) {
		s.t.Errorf("%d, %q, %v; want %d, %q, %v", n, text, err, next, state, want)
	}
}

func countingGoesOn(s surveyed) {
	run := s.start(Noon)
	s.summing(run, 0, "", store.ErrNotFound) // it goes on
	for n := range 3 {
		s.result(run, n, `{}`)
	}
	s.summing(run, 0, "", nil)
	s.step(run, 0, 2, "one", true)
	s.step(run, 0, 2, "twin", false)
	s.summing(run, 2, "one", nil)
	if _, err := s.Totals(s.t.Context(), run.ID); !errors.Is(err, store.ErrNotFound) {
		s.t.Errorf("before the end: %v", err)
	}
	s.change(func(tx *store.Tx) error {
		return tx.KeepTotals(s.t.Context(), run.ID, []byte("brief"), []byte("totals"), nil)
	})
	s.step(run, 2, 3, "late", false)
	s.summing(run, 0, "", store.ErrNotFound)
	if text, err := s.Totals(s.t.Context(), run.ID); string(text) != "totals" || err != nil {
		s.t.Errorf("%q, %v", text, err)
	}
	if got, err := s.Run(s.t.Context(), run.ID); string(got.Brief) != "brief" || err != nil {
		s.t.Errorf("%+v, %v", got, err)
	}
}

func goneNumbers(s surveyed) {
	run := s.ended(Noon, "A", "C", "F")
	s.step(run, 0, 2, "one", true)
	s.step(run, 0, 2, "twin", false)
	s.step(run, 2, 3, "two", true)
	s.change(func(tx *store.Tx) error {
		return tx.KeepTotals(s.t.Context(), run.ID, []byte("{}"), []byte("{}"), []string{"x:one"})
	})
	for number, there := range map[string]bool{"x:one": false, "x:twin": false, "x:two": true} {
		if list, _, err := s.Behind(s.t.Context(), run.ID, number, 0); there != (err == nil) || there && list[0].Domain != "c.example" {
			s.t.Errorf("%s: %+v, %v", number, list, err)
		}
	}
}

func inOrder(s surveyed) {
	run := s.ended(Noon, "A", "C", "A")
	s.change(func(tx *store.Tx) error {
		_, err := tx.KeepSumming(s.t.Context(), run.ID, 0, 3, []byte("{}"), []store.Block{{Number: "all:yes", Lines: []int{0, 2}}, {Number: "each:yes", Lines: []int{0}}, {Number: "each:yes", Lines: []int{2}}})
		return err
	})
	for _, c := range []struct {
		number  string
		from    int
		domains []string
		next    int
	}{{"all:yes", 0, []string{"a.example", "c.example"}, 0}, {"each:yes", 0, []string{"a.example"}, 2}, {"each:yes", 1, []string{"c.example"}, 0}, {"each:yes", 3, nil, 0}, {"none:yes", 0, nil, 0}} {
		list, next, err := s.Behind(s.t.Context(), run.ID, c.number, c.from)
		var domains []string
		for _, r := range list {
			domains = append(domains, r.Domain)
		}
		if !slices.Equal(domains, c.domains) || next != c.next || (c.domains == nil) != errors.Is(err, store.ErrNotFound) {
			s.t.Errorf("%s from %d: %v, %d, %v", c.number, c.from, domains, next, err)
		}
	}
}

func dropped(s surveyed) {
	run := s.ended(Noon, "A", "C", "F")
	var list string
	var ids []int64
	s.change(func(tx *store.Tx) (err error) { list, ids, err = tx.DropSurvey(s.t.Context(), "three"); return err })
	if !reflect.DeepEqual(ids, []int64{run.ID}) {
		s.t.Errorf("%v", ids)
	}
	if _, err := s.Run(s.t.Context(), run.ID); !errors.Is(err, store.ErrNotFound) {
		s.t.Error(err)
	}
	for more := true; more; {
		one, err := s.ClearRun(s.t.Context(), run.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		two, err := s.ClearList(s.t.Context(), list)
		if err != nil {
			s.t.Fatal(err)
		}
		more = one || two
	}
	s.change(func(tx *store.Tx) error {
		if ended, err := tx.KeepResult(s.t.Context(), run.ID, 0, []byte(`{}`), Noon); ended || err != nil {
			s.t.Errorf("a late result: %v, %v", ended, err)
		}
		return nil
	})
	if err := s.AddSurvey(s.t.Context(), &store.Survey{Name: "three"}, lines("new.example")); err != nil {
		s.t.Error(err)
	}
	if runs, err := s.Runs(s.t.Context(), "three", 9); err != nil || len(runs) > 0 {
		s.t.Errorf("%+v, %v", runs, err)
	}
}

// Of a clock that is set back, too: a run ends no earlier than it began.
func datesOfRuns(s surveyed) {
	for _, c := range []struct {
		began time.Time
		date  string
	}{{Noon.AddDate(0, 0, 1), "2026-08-04"}, {Noon, "2026-08-03"}, {Noon.AddDate(0, 0, 1), "2026-08-04-2"}, {Noon, "2026-08-03-2"}, {Noon.Add(time.Hour), "2026-08-03-3"}} {
		run := s.ended(c.began, "A", "B", "C")
		if run.Date != c.date || !run.Began.Equal(c.began) {
			s.t.Errorf("%+v, want the date %s", run, c.date)
		}
		if got, err := s.Run(s.t.Context(), run.ID); err != nil || got.Ended.Before(got.Began) {
			s.t.Errorf("%+v, %v", got, err)
		}
	}
}

func formerRuns(s surveyed) {
	var runs []store.Run
	for range 4 {
		runs = append(runs, s.ended(Noon, "A", "B", "C"))
	}
	for _, want := range [][]int64{{runs[0].ID, runs[1].ID}, nil} {
		s.change(func(tx *store.Tx) error {
			ids, err := tx.DropRuns(s.t.Context(), "three", 2)
			if slices.Sort(ids); !slices.Equal(ids, want) || err != nil {
				s.t.Errorf("%v, %v, want %v", ids, err, want)
			}
			return nil
		})
	}
	if more, err := s.ClearRun(s.t.Context(), runs[1].ID); !more || err != nil {
		s.t.Errorf("there is nothing of a former run: %v", err)
	}
	kept, err := s.Runs(s.t.Context(), "three", 9)
	if err != nil || len(kept) != 2 || kept[0].ID != runs[3].ID || kept[1].ID != runs[2].ID {
		s.t.Errorf("%+v, %v", kept, err)
	}
}

func notThere(s surveyed) {
	ctx := s.t.Context()
	for what, of := range map[string]func() error{
		"a survey":        func() error { _, err := s.Survey(ctx, "none"); return err },
		"setting one":     func() error { return s.SetSurvey(ctx, store.Survey{Name: "none"}) },
		"a run":           func() error { _, err := s.Run(ctx, 99); return err },
		"a line":          func() error { _, _, err := s.LineOf(ctx, s.start(Noon).ID, 3); return err },
		"a part":          func() error { _, err := s.Part(ctx, 99, 0); return err },
		"a look":          func() error { _, err := s.LookAt(ctx, 99, "192.0.2.1", "mx"); return err },
		"totals":          func() error { _, err := s.Totals(ctx, 99); return err },
		"what is counted": func() error { _, _, err := s.Summing(ctx, 99); return err },
		"a number":        func() error { _, _, err := s.Behind(ctx, 99, "dane:yes", 0); return err },
		"starting a run": func() error {
			return s.Change(ctx, func(tx *store.Tx) error { _, _, err := tx.StartRun(ctx, "none", Noon); return err })
		},
		"feeding a run": func() error {
			return s.Change(ctx, func(tx *store.Tx) error { _, _, _, err := tx.Feed(ctx, 99, 1, 1); return err })
		},
		"dropping a survey": func() error {
			return s.Change(ctx, func(tx *store.Tx) error { _, _, err := tx.DropSurvey(ctx, "none"); return err })
		},
	} {
		if err := of(); !errors.Is(err, store.ErrNotFound) {
			s.t.Errorf("%s: %v", what, err)
		}
	}
}

func earlierLetters(s surveyed) {
	before, later := s.ended(Noon, "A", "C", "T"), s.ended(Noon.Add(time.Hour), "B", "C", "F")
	list, err := s.Results(s.t.Context(), later.ID, 1, 1, [2]int64{before.ID, 0})
	if err != nil || len(list) != 1 || list[0].Domain != "b.example" || list[0].Earlier != [2]string{"C", ""} {
		s.t.Errorf("%+v, %v", list, err)
	}
}

func publishedOf(s surveyed) {
	of := func(domain string, want ...string) {
		s.t.Helper()
		list, err := s.PublishedOf(s.t.Context(), domain, 5)
		if err != nil || len(list) != len(want) {
			s.t.Fatalf("%s: %+v, %v, want %q", domain, list, err, want)
		}
		for i, one := range list {
			if got := fmt.Sprint(one.Survey, " ", one.Title, " ", one.Date, " ", one.Began.Sub(Noon), " ", string(one.Facts)); got != want[i] {
				s.t.Errorf("%s: %s, want %s", domain, got, want[i])
			}
		}
	}
	counted := func(run store.Run) {
		s.change(func(tx *store.Tx) error { return tx.KeepTotals(s.t.Context(), run.ID, []byte("{}"), []byte("{}"), nil) })
	}
	counted(s.ended(Noon, "A", "C", "T"))
	of("b.example")
	if err := s.SetSurvey(s.t.Context(), store.Survey{Name: "three", Title: "All", Named: true}); err != nil {
		s.t.Fatal(err)
	}
	of("b.example", `three All 2026-08-03 0s {"letter":"C"}`)
	of("d.example")
	later := s.ended(Noon.Add(24*time.Hour), "B", "B", "F")
	of("b.example", `three All 2026-08-03 0s {"letter":"C"}`)
	counted(later)
	of("b.example", `three All 2026-08-04 24h0m0s {"letter":"B"}`)
	if err := s.AddSurvey(s.t.Context(), &store.Survey{Name: "two", Named: true}, lines("b.example", "d.example")); err != nil {
		s.t.Fatal(err)
	}
	of("b.example", `three All 2026-08-04 24h0m0s {"letter":"B"}`)
}

func changesNothing(s surveyed) {
	broken := errors.New("broken")
	err := s.Change(s.t.Context(), func(tx *store.Tx) error {
		if _, _, err := tx.StartRun(s.t.Context(), "three", Noon); err != nil {
			return err
		}
		return broken
	})
	if runs, also := s.Runs(s.t.Context(), "three", 9); !errors.Is(err, broken) || len(runs) > 0 || also != nil {
		s.t.Errorf("%v; %+v, %v", err, runs, also)
	}
}

func begunAgain(s surveyed) {
	run := s.start(Noon)
	s.change(func(tx *store.Tx) error {
		_, _, _, err := tx.Feed(s.t.Context(), run.ID, 3, 9)
		if err == nil {
			_, err = tx.KeepPart(s.t.Context(), run.ID, 0, []byte("part"), 1)
		}
		if err == nil {
			err = tx.KeepLook(s.t.Context(), run.ID, "192.0.2.1", "mx", []byte("look"))
		}
		return errors.Join(err, tx.FeedAgain(s.t.Context(), run.ID))
	})
	if _, err := s.Part(s.t.Context(), run.ID, 0); !errors.Is(err, store.ErrNotFound) {
		s.t.Errorf("a part: %v", err)
	}
	if looks, err := s.Looks(s.t.Context(), run.ID, "192.0.2.1", 9); err != nil || len(looks) != 1 {
		s.t.Errorf("looks that were made: %q, %v", looks, err)
	}
	if got, err := s.Run(s.t.Context(), run.ID); err != nil || got.Fed != 0 || got.Looks != 1 {
		s.t.Errorf("%+v, %v", got, err)
	}
}
