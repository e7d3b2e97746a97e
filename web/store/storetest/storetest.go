// Package storetest holds a store of reports to what package store promises of it. Only tests
// import it.
package storetest

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"

	"mxseal/checks/report"
	"mxseal/web/store"
)

// Run runs the suite.
func Run(t *testing.T, k Kit) {
	for name, test := range map[string]func(*testing.T){
		"a report comes back as it was saved": func(t *testing.T) { comesBack(t, k.Open(t)) },
		"sentences are not kept":              func(t *testing.T) { withoutSentences(t, k.Open(t)) },
		"a report is never overwritten":       func(t *testing.T) { neverOverwritten(t, k.Open(t)) },
		"nothing is there":                    func(t *testing.T) { nothingThere(t, k.Open(t)) },
		"many at once":                        func(t *testing.T) { manyAtOnce(t, k.Open(t)) },
		"a closed store":                      func(t *testing.T) { closed(t, k.Open(t)) },
		"who has left":                        func(t *testing.T) { hasLeft(t, k.Open(t)) },

		"latest and history":             func(t *testing.T) { latestAndHistory(t, k.Open(t)) },
		"until a moment":                 func(t *testing.T) { until(t, k.Open(t)) },
		"expiry":                         func(t *testing.T) { expiry(t, k.Open(t)) },
		"latest and firm":                func(t *testing.T) { LatestAndFirm(t, k.Open, nil) },
		"reports of the future":          func(t *testing.T) { future(t, k.Open(t)) },
		"what is too large is not saved": func(t *testing.T) { tooLarge(t, k.Open(t)) },
		"what cannot be read":            func(t *testing.T) { unreadable(t, k) },
	} {
		t.Run(name, test)
	}
}

func comesBack(t *testing.T, s *store.Store) {
	want := Sample("example.org", store.NewID(), Noon)
	save(t, s, want)
	for name, get := range map[string]func() (*report.Report, error){
		"Get":    func() (*report.Report, error) { return s.Get(t.Context(), want.ID) },
		"Latest": func() (*report.Report, error) { return s.Latest(t.Context(), want.Domain) },
	} {
		if got, err := get(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, got %+v\nwant %+v", name, err, got, want)
		}
	}
	if n, err := s.Reports(t.Context()); n != 1 || err != nil {
		t.Errorf("%d reports, %v", n, err)
	}
	if size, err := s.Size(t.Context()); err != nil || size <= 0 {
		t.Errorf("%d octets, %v", size, err)
	}
}

// What the rules say again is neither kept nor made up on the way out; the report of whoever saves
// it stays as it is.
func withoutSentences(t *testing.T, s *store.Store) {
	r := Sample("example.org", store.NewID(), Noon)
	r.Grade.Why = "yesterday's reason"
	r.Findings = []report.Finding{{Rule: "ONE-12", Params: map[string]string{"k": "v"}, Title: "yesterday's title", Text: "yesterday's text", FixText: "yesterday's remedy"}}
	save(t, s, r)
	if r.Findings[0].Title != "yesterday's title" || r.Grade.Why == "" {
		t.Error("saving a report changed it")
	}
	for name, get := range map[string]func() (*report.Report, error){
		"Get":    func() (*report.Report, error) { return s.Get(t.Context(), r.ID) },
		"Latest": func() (*report.Report, error) { return s.Latest(t.Context(), r.Domain) },
	} {
		kept, err := get()
		if err != nil {
			t.Fatal(err)
		}
		if f := kept.Findings[0]; f.Title+f.Text+f.FixText+kept.Grade.Why != "" || f.Rule != "ONE-12" || f.Params["k"] != "v" || kept.Grade.Letter != "B" {
			t.Errorf("%s: %+v %+v", name, f, kept.Grade)
		}
	}
}

func neverOverwritten(t *testing.T, s *store.Store) {
	first := Sample("example.org", store.NewID(), Noon)
	save(t, s, first)
	if err := s.Save(t.Context(), Sample("example.net", first.ID, Noon)); err == nil {
		t.Error("a second report was saved under the same id")
	}
	if got, err := s.Get(t.Context(), first.ID); err != nil || got.Domain != "example.org" {
		t.Errorf("the first report became %v, %v", got, err)
	}
	if s.Lost() != 1 {
		t.Errorf("%d lost", s.Lost())
	}
}

func nothingThere(t *testing.T, s *store.Store) {
	if _, err := s.Get(t.Context(), "nothing"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if _, err := s.Latest(t.Context(), "example.org"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Latest: %v", err)
	}
	if _, err := s.Firm(t.Context(), "example.org"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Firm: %v", err)
	}
	if _, err := s.Entry(t.Context(), "nothing"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Entry: %v", err)
	}
	if list, err := s.History(t.Context(), "example.org", 3); err != nil || len(list) != 0 {
		t.Errorf("History: %v, %v", list, err)
	}
	if n, err := s.Expire(t.Context(), Noon); err != nil || n != 0 {
		t.Errorf("Expire: %d, %v", n, err)
	}
	if h := s.Health(t.Context()); h.Read != nil || h.Write != nil {
		t.Errorf("Health: %v", h)
	}
	if s.Lost() != 0 {
		t.Errorf("%d lost", s.Lost())
	}
}

func manyAtOnce(t *testing.T, s *store.Store) {
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for range 10 {
				r := Sample("example.org", store.NewID(), Noon)
				if err := s.Save(t.Context(), r); err != nil {
					t.Error(err)
				}
				if _, err := s.Get(t.Context(), r.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	if n, err := s.Reports(t.Context()); n != 80 || err != nil {
		t.Errorf("%d reports, %v", n, err)
	}
}

// A store that does not answer says so, and is no empty one.
func closed(t *testing.T, s *store.Store) {
	s.Close()
	if err := s.Save(t.Context(), Sample("example.org", store.NewID(), Noon)); err == nil || s.Lost() != 1 {
		t.Errorf("Save: %v, %d lost", err, s.Lost())
	}
	if _, err := s.Get(t.Context(), "nothing"); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if _, err := s.Latest(t.Context(), "example.org"); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("Latest: %v", err)
	}
	if _, err := s.History(t.Context(), "example.org", 1); err == nil {
		t.Error("History: no error")
	}
	if _, err := s.Reports(t.Context()); err == nil {
		t.Error("Reports: no error")
	}
	if h := s.Health(t.Context()); h.Read == nil {
		t.Error("Health: no error")
	}
}

// Whoever does not wait any more gets an error, and is no trouble of the store.
func hasLeft(t *testing.T, s *store.Store) {
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if err := s.Save(ctx, Sample("example.org", store.NewID(), Noon)); !errors.Is(err, context.Canceled) {
		t.Errorf("Save: %v", err)
	}
	if _, err := s.Get(ctx, "nothing"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v", err)
	}
	if n, err := s.Expire(ctx, Noon); err == nil || n != 0 {
		t.Errorf("Expire: %d, %v", n, err)
	}
	if h := s.Health(t.Context()); h.Read != nil || h.Write != nil {
		t.Errorf("Health: %v", h)
	}
}
