package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"mxseal/web/store"
)

// WatchTx is what is asked of a change of a store that keeps watches.
type WatchTx interface {
	AddWatch(ctx context.Context, one store.Watch, most store.WatchBounds) (bool, error)
	DueWatches(ctx context.Context, now time.Time, n int) ([]store.Watch, error)
	SetNext(ctx context.Context, domain string, next time.Time) error
	WatchesOf(ctx context.Context, domain string) ([]store.Watch, error)
	KeepWatch(ctx context.Context, key string, state []byte, looked time.Time) (bool, error)
	AddMessage(ctx context.Context, m store.Message) error
}

// Watches is what is asked of a store that keeps watches.
type Watches[T WatchTx] interface {
	Change(ctx context.Context, do func(T) error) error
	ConfirmWatch(ctx context.Context, token string, now, next time.Time) (store.Watch, error)
	Watch(ctx context.Context, key string) (store.Watch, error)
	WatchToConfirm(ctx context.Context, token string) (store.Watch, error)
	EndWatch(ctx context.Context, key string) error
	Watched(ctx context.Context, domain string) (bool, error)
	WatchedInboxes(ctx context.Context, domain string) ([]string, error)
	Message(ctx context.Context, id string) (store.Message, store.Watch, error)
	Messages(ctx context.Context, key string, n int) ([]store.Message, error)
	KeepTry(ctx context.Context, m store.Message) error
	ExpireWatches(ctx context.Context, unconfirmed, told time.Time) error
}

// watched is a store with watches.
type watched[T WatchTx] struct {
	t *testing.T
	Watches[T]
}

var wide = store.WatchBounds{All: 100, Target: 100, Unconfirmed: 100}

// RunWatches runs the suite of stores that keep watches.
func RunWatches[T WatchTx](t *testing.T, open func(*testing.T) Watches[T]) {
	for name, test := range map[string]func(watched[T]){
		"a watch is confirmed once":                confirmedOnce[T],
		"there are as many as there may be":        boundedWatches[T],
		"a domain is due once for all who watch":   dueOnce[T],
		"a report counts once":                     countsOnce[T],
		"what is told, and how its delivery went":  toldAndTried[T],
		"what ends leaves nothing":                 endsWhole[T],
		"what nobody confirms goes, and old words": watchesExpire[T],
	} {
		t.Run(name, func(t *testing.T) { test(watched[T]{t, open(t)}) })
	}
}

// change makes a change that must not fail.
func (s watched[T]) change(do func(T) error) {
	s.t.Helper()
	if err := s.Change(s.t.Context(), do); err != nil {
		s.t.Fatal(err)
	}
}

func (s watched[T]) add(name, domain, target string, most store.WatchBounds) (added bool) {
	s.t.Helper()
	s.change(func(tx T) (err error) {
		added, err = tx.AddWatch(s.t.Context(), store.Watch{Key: "key " + name, Token: "token " + name, Domain: domain, Target: target, Secret: "secret", Inbox: "inbox", Made: Noon}, most)
		return err
	})
	return added
}

// confirmed adds a watch and confirms it.
func (s watched[T]) confirmed(name, domain, target string, next time.Time) {
	s.t.Helper()
	s.add(name, domain, target, wide)
	if _, err := s.ConfirmWatch(s.t.Context(), "token "+name, Noon, next); err != nil {
		s.t.Fatal(err)
	}
}

func confirmedOnce[T WatchTx](s watched[T]) {
	t := s.t
	if !s.add("a", "example.org", "me@example.net", wide) || s.add("b", "example.org", "me@example.net", wide) {
		t.Error("the first was not added, or the second was, which is the same")
	}
	one, err := s.WatchToConfirm(t.Context(), "token a")
	want := store.Watch{Key: "key a", Token: "token a", Domain: "example.org", Target: "me@example.net", Secret: "secret", Inbox: "inbox", Made: Noon}
	if err != nil || !reflect.DeepEqual(one, want) {
		t.Errorf("%+v, %v", one, err)
	}
	if there, err := s.Watched(t.Context(), "example.org"); there || err != nil {
		t.Errorf("watched before it is confirmed: %v", err)
	}
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
	if there, err := s.Watched(t.Context(), "example.org"); !there || err != nil {
		t.Errorf("not watched: %v", err)
	}
	if keys, err := s.WatchedInboxes(t.Context(), "example.org"); err != nil || !reflect.DeepEqual(keys, []string{"inbox"}) {
		t.Errorf("inboxes %v, %v", keys, err)
	}
}

func boundedWatches[T WatchTx](s watched[T]) {
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

func dueOnce[T WatchTx](s watched[T]) {
	for n := range 3 {
		s.confirmed(fmt.Sprint("a", n), "a.example", fmt.Sprint(n), Noon)
	}
	s.confirmed("b", "b.example", "0", Noon.Add(-time.Hour))
	s.confirmed("c", "c.example", "0", Noon.Add(time.Hour))
	s.add("d", "d.example", "0", wide)
	due := func() (names []string) {
		s.change(func(tx T) error {
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
	s.change(func(tx T) error { return tx.SetNext(s.t.Context(), "a.example", Noon.Add(time.Hour)) })
	if got := due(); !reflect.DeepEqual(got, []string{"b.example"}) {
		s.t.Errorf("%v are due", got)
	}
}

func countsOnce[T WatchTx](s watched[T]) {
	s.confirmed("a", "a.example", "0", Noon)
	s.add("b", "a.example", "1", wide)
	for _, step := range []struct {
		at   time.Time
		kept bool
	}{{Noon, true}, {Noon, false}, {Noon.Add(-time.Hour), false}, {Noon.Add(time.Hour), true}} {
		s.change(func(tx T) error {
			kept, err := tx.KeepWatch(s.t.Context(), "key a", []byte(`{}`), step.at)
			if kept != step.kept {
				s.t.Errorf("%v: kept is %v", step.at, kept)
			}
			return err
		})
	}
	s.change(func(tx T) error {
		list, err := tx.WatchesOf(s.t.Context(), "a.example")
		if len(list) != 1 || string(list[0].State) != "{}" || !list[0].Looked.Equal(Noon.Add(time.Hour)) {
			s.t.Errorf("%+v", list)
		}
		return err
	})
}

func toldAndTried[T WatchTx](s watched[T]) {
	t := s.t
	s.confirmed("a", "a.example", "0", Noon)
	for n, id := range []string{"one", "two"} {
		s.change(func(tx T) error {
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

func endsWhole[T WatchTx](s watched[T]) {
	t := s.t
	s.confirmed("a", "a.example", "0", Noon)
	s.change(func(tx T) error {
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

func watchesExpire[T WatchTx](s watched[T]) {
	t := s.t
	s.confirmed("a", "a.example", "0", Noon)
	s.add("b", "b.example", "0", wide)
	for id, m := range map[string]store.Message{"asks": {Made: Noon}, "old": {Made: Noon.Add(-time.Hour), Events: []byte("[]")}, "new": {Made: Noon.Add(time.Hour), Events: []byte("[]")}} {
		m.ID, m.Watch = id, "key a"
		s.change(func(tx T) error { return tx.AddMessage(t.Context(), m) })
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
