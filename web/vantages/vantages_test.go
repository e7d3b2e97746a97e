package vantages

import (
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/web/jobs"
	"mxseal/web/store/sqlite"
)

// Each vantage answers in its own queue, under the name by which it was asked; one that is not there has seen
// nothing.
func TestOthers(t *testing.T) {
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	log := slog.New(slog.DiscardHandler)
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	wanted := checks.Call{Address: netip.MustParseAddr("192.0.2.1"), Name: "mx.example"}
	e, err := jobs.New(jobs.Config{Store: s, Log: log, Queues: Queues("rome"), Kinds: []jobs.Kind{Answers("rome", func(_ context.Context, c checks.Call, domain string) report.Elsewhere {
		if c != wanted || domain != "example.org" {
			t.Errorf("asked for %v for %s", c, domain)
		}
		return report.Elsewhere{Vantage: "by whatever name", At: &noon, STARTTLS: report.Works}
	})}})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Stop(context.Background()) })
	rome := Of([]string{"rome"}, log)
	rome.By(e)
	if seen := rome.Look(t.Context(), wanted, "example.org"); len(seen) != 1 || seen[0].Vantage != "rome" || seen[0].At == nil || seen[0].STARTTLS != report.Works {
		t.Errorf("%+v", seen)
	}
	nobody := Of([]string{"bern", "oslo"}, log)
	nobody.By(e)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for i, seen := range nobody.Look(ctx, wanted, "example.org") {
		if seen.Vantage != nobody.names[i] || seen.At != nil || seen.STARTTLS != report.NotTried {
			t.Errorf("%+v", seen)
		}
	}
}

func TestValid(t *testing.T) {
	for name, want := range map[string]bool{"oslo": true, "rack-2": true, "a": true, "": false, "Oslo": false, "-a": false, "a-": false, "a b": false, strings.Repeat("a", 33): false} {
		if Valid(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
