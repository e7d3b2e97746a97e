package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"mxseal/web/store"
)

// watched is a store with watches.
type watched struct {
	t *testing.T
	*store.Store
}

var wide = store.WatchBounds{All: 100, Target: 100, Unconfirmed: 100}

// RunWatches runs the suite of stores that keep watches.
func RunWatches(t *testing.T, open func(*testing.T) *store.Store) {
	for name, test := range map[string]func(watched){
		"a watch is confirmed once":                confirmedOnce,
		"there are as many as there may be":        boundedWatches,
		"a domain is due once for all who watch":   dueOnce,
		"a report counts once":                     countsOnce,
		"what is told, and how its delivery went":  toldAndTried,
		"what ends leaves nothing":                 endsWhole,
		"what nobody confirms goes, and old words": watchesExpire,
	} {
		t.Run(name, func(t *testing.T) { test(watched{t, open(t)}) })
	}
}

// change makes a change that must not fail.
func (s watched) change(do func(*store.Tx) error) {
	s.t.Helper()
	if err := s.Change(s.t.Context(), do); err != nil {
		s.t.Fatal(err)
	}
}

func (s watched) add(name, domain, target string, most store.WatchBounds) (added bool) {
	s.t.Helper()
	s.change(func(tx *store.Tx) (err error) {
		added, err = tx.AddWatch(s.t.Context(), store.Watch{Key: "key " + name, Token: "token " + name, Domain: domain, Target: target, Secret: "secret", Inbox: "inbox", Made: Noon}, most)
		return err
	})
	return added
}

// confirmed adds a watch and confirms it.
func (s watched) confirmed(name, domain, target string, next time.Time) {
	s.t.Helper()
	s.add(name, domain, target, wide)
	if _, err := s.ConfirmWatch(s.t.Context(), "token "+name, Noon, next); err != nil {
		s.t.Fatal(err)
	}
}

func confirmedOnce(s watched) {
	t := s.t
	if !s.add("a", "example.org", "me@example.net", wide) || s.add("b", "example.org", "me@example.net", wide) {
		t.Error("the first was not added, or the second was, which is the same")
	}
	one, err := s.WatchToConfirm(t.Context(), "token a")
	want := store.Watch{Key: "key a", Token: "token a", Domain: "example.org", Target: "me@example.net", Secret: "secret", Inbox: "inbox", Made: Noon}
	if err != nil || !reflect.DeepEqual(one, want) {
		t.Errorf("%+v, %v", one, err)
	}
	s.isWatched(false)
	for n, want := range []error{nil, store.ErrNotFound} {
		if _, err := s.ConfirmWatch(t.Context(), "token a", Noon, Noon.Add(time.Hour)); !errors.Is(err, want) {
			t.Errorf("confirmed %d times: %v", n+1, err)
		}
	}
	one, err = s.Watch(t.Context(), "key a")
	if err != nil || one.Token != "" || !one.Confirmed.Equal(Noon) || !one.Next.Equal(Noon.Add(time.Hour)) {
		t.Errorf("%+v, %v", one, err)
	}
	if _, err := s.WatchToConfirm(t.Context(), ""); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a token that is empty: %v", err)
	}
	s.isWatched(true)
	if keys, err := s.WatchedInboxes(t.Context(), "example.org"); err != nil || !reflect.DeepEqual(keys, []string{"inbox"}) {
		t.Errorf("inboxes %v, %v", keys, err)
	}
}

// isWatched reports a fault unless example.org is watched, or is not.
func (s watched) isWatched(want bool) {
	s.t.Helper()
	if is, err := s.Watched(s.t.Context(), "example.org"); is != want || err != nil {
		s.t.Errorf("watched: %v, %v", is, err)
	}
}

func boundedWatches(s watched) {
	most := store.WatchBounds{All: 4, Target: 2, Unconfirmed: 1}
	for _, step := range []struct {
		name, target string
		added        bool
	}{{"a", "one", true}, {"b", "one", false}, {"c", "two", true}} {
		if s.add(step.name, step.name+".example", step.target, most) != step.added {
			s.t.Errorf("%s: added is not %v", step.name, step.added)
		}
	}
	if _, err := s.ConfirmWatch(s.t.Context(), "token a", Noon, Noon); err != nil {
		s.t.Fatal(err)
	}
	for _, step := range []struct {
		name, target string
		added        bool
	}{{"d", "one", true}, {"e", "one", false}, {"f", "three", true}, {"g", "four", false}} {
		if s.add(step.name, step.name+".example", step.target, most) != step.added {
			s.t.Errorf("%s: added is not %v", step.name, step.added)
		}
	}
}

func dueOnce(s watched) {
	for n := range 3 {
		s.confirmed(fmt.Sprint("a", n), "a.example", fmt.Sprint(n), Noon)
	}
	s.confirmed("b", "b.example", "0", Noon.Add(-time.Hour))
	s.confirmed("c", "c.example", "0", Noon.Add(time.Hour))
	s.add("d", "d.example", "0", wide)
	due := func() (names []string) {
		s.change(func(tx *store.Tx) error {
			list, err := tx.DueWatches(s.t.Context(), Noon, 10)
			for _, one := range list {
				names = append(names, one.Domain)
			}
			return err
		})
		return names
	}
	if got := due(); !reflect.DeepEqual(got, []string{"b.example", "a.example"}) {
		s.t.Errorf("%v are due", got)
	}
	s.change(func(tx *store.Tx) error { return tx.SetNext(s.t.Context(), "a.example", Noon.Add(time.Hour)) })
	if got := due(); !reflect.DeepEqual(got, []string{"b.example"}) {
		s.t.Errorf("%v are due", got)
	}
}

func countsOnce(s watched) {
	s.confirmed("a", "a.example", "0", Noon)
	s.add("b", "a.example", "1", wide)
	for _, step := range []struct {
		at   time.Time
		kept bool
	}{{Noon, true}, {Noon, false}, {Noon.Add(-time.Hour), false}, {Noon.Add(time.Hour), true}} {
		s.change(func(tx *store.Tx) error {
			kept, err := tx.KeepWatch(s.t.Context(), "key a", []byte(`{}`), step.at)
			if kept != step.kept {
				s.t.Errorf("%v: kept is %v", step.at, kept)
			}
			return err
		})
	}
	s.change(func(tx *store.Tx) error {
		list, err := tx.WatchesOf(s.t.Context(), "a.example")
		if len(list) != 1 || string(list[0].State) != "{}" || !list[0].Looked.Equal(Noon.Add(time.Hour)) {
			s.t.Errorf("%+v", list)
		}
		return err
	})
}

func toldAndTried(s watched) {
	t := s.t
	s.confirmed("a", "a.example", "0", Noon)
	for n, id := range []string{"one", "two"} {
		s.change(func(tx *store.Tx) error {
			return tx.AddMessage(t.Context(), store.Message{ID: id, Watch: "key a", Made: Noon.Add(time.Duration(n) * time.Hour), Events: []byte("[]")})
		})
	}
	m, one, err := s.Message(t.Context(), "one")
	if err != nil || one.Domain != "a.example" || !reflect.DeepEqual(m, store.Message{ID: "one", Watch: "key a", Made: Noon, Events: []byte("[]")}) {
		t.Errorf("%+v of %+v, %v", m, one, err)
	}
	m.Tries, m.GivenUp, m.Error = 3, true, "busy"
	missed := func(m store.Message, want int) {
		t.Helper()
		if err := s.KeepTry(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if got, _, err := s.Message(t.Context(), m.ID); err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v, %v", got, err)
		}
		if one, err := s.Watch(t.Context(), "key a"); err != nil || one.Missed != want {
			t.Errorf("%d missed, %v", one.Missed, err)
		}
	}
	missed(m, 1)
	m.ID, m.GivenUp, m.Tries, m.Made = "two", false, 1, Noon.Add(time.Hour)
	missed(m, 1)
	m.Sent, m.Error = Noon.Add(2*time.Hour), ""
	missed(m, 0)
	list, err := s.Messages(t.Context(), "key a", 10)
	if err != nil || len(list) != 2 || list[0].ID != "two" {
		t.Errorf("%+v, %v", list, err)
	}
}

func endsWhole(s watched) {
	t := s.t
	s.confirmed("a", "a.example", "0", Noon)
	s.change(func(tx *store.Tx) error {
		return tx.AddMessage(t.Context(), store.Message{ID: "one", Watch: "key a", Made: Noon})
	})
	for n, want := range []error{nil, store.ErrNotFound} {
		if err := s.EndWatch(t.Context(), "key a"); !errors.Is(err, want) {
			t.Errorf("ended %d times: %v", n+1, err)
		}
	}
	if _, _, err := s.Message(t.Context(), "one"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("its message: %v", err)
	}
}

func watchesExpire(s watched) {
	t := s.t
	s.confirmed("a", "a.example", "0", Noon)
	s.add("b", "b.example", "0", wide)
	for id, m := range map[string]store.Message{"asks": {Made: Noon}, "old": {Made: Noon.Add(-time.Hour), Events: []byte("[]")}, "new": {Made: Noon.Add(time.Hour), Events: []byte("[]")}} {
		m.ID, m.Watch = id, "key a"
		s.change(func(tx *store.Tx) error { return tx.AddMessage(t.Context(), m) })
	}
	if err := s.ExpireWatches(t.Context(), Noon.Add(time.Minute), Noon); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Watch(t.Context(), "key b"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody has confirmed it: %v", err)
	}
	list, err := s.Messages(t.Context(), "key a", 10)
	if err != nil || len(list) != 1 || list[0].ID != "new" {
		t.Errorf("%+v, %v", list, err)
	}
}
