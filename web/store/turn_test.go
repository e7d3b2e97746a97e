package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/web/store"
)

// Few reports are unpacked at a time; who waits for a turn may leave.
func TestFewAreReadSideBySide(t *testing.T) {
	s, _ := opened(t)
	if err := s.Save(t.Context(), &report.Report{Meta: report.Meta{ID: "a", Domain: "example.org", CheckedAt: time.Now()}}); err != nil {
		t.Fatal(err)
	}
	reads := map[string]func(context.Context) error{
		"Get":    func(ctx context.Context) error { _, err := s.Get(ctx, "a"); return err },
		"Latest": func(ctx context.Context) error { _, err := s.Latest(ctx, "example.org"); return err },
	}
	for range store.MaxReading {
		s.Reading() <- struct{}{}
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	for name, read := range reads {
		if err := read(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s beside %d others: %v", name, store.MaxReading, err)
		}
	}
	if e, err := s.Entry(t.Context(), "a"); err != nil || e.ID != "a" {
		t.Errorf("Entry reads no report, and waits: %v", err)
	}
	<-s.Reading()
	for name, read := range reads {
		if err := read(t.Context()); err != nil || len(s.Reading()) != store.MaxReading-1 {
			t.Errorf("%s: %v, %d turns are taken", name, err, len(s.Reading()))
		}
	}
	if _, err := s.Entry(t.Context(), "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an entry that is not there: %v", err)
	}
}
