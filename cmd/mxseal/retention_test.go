package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/report"
	"mxseal/web/jobs"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
	"mxseal/web/surveys"
)

func TestPeriod(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"365d": 365 * day, "52w": 364 * day, "0d": 0, "0": 0, "36h": 36 * time.Hour, "1h30m": 90 * time.Minute,
		"106751d": 106751 * day, // the longest that there is
	} {
		var p period
		if err := p.Set(text); err != nil || time.Duration(p) != want {
			t.Errorf("%q is %v, %v; want %v", text, time.Duration(p), err, want)
		}
	}
	for text, why := range map[string]string{
		"":                      "nothing",
		"365":                   "no unit",
		"d":                     "no number",
		"-1d":                   "a time to come",
		"1.5d":                  "no whole number",
		"1 d":                   "a blank",
		"1y":                    "years differ",
		"106752d":               "longer than the longest",
		"99999999999999999999w": "no number any more",
	} {
		p := period(time.Hour)
		if err := p.Set(text); err == nil {
			t.Errorf("%q was taken as %v: %s", text, time.Duration(p), why)
		} else if time.Duration(p) != time.Hour {
			t.Errorf("%q changed the value", text)
		}
	}
	for p, want := range map[period]string{period(365 * day): "365d", period(36 * time.Hour): "36h0m0s", 0: "0s"} {
		if got := p.String(); got != want {
			t.Errorf("%v is shown as %s, want %s", time.Duration(p), got, want)
		}
	}
	for p, good := range map[period]bool{0: true, period(time.Hour): true, period(time.Minute): false, period(-time.Hour): false} {
		if err := p.check(); (err == nil) != good {
			t.Errorf("--keep %v: %v", time.Duration(p), err)
		}
	}
}

func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports, err := sqlite.Open(filepath.Join(t.TempDir(), "mxseal.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer reports.Close()
		left := func() int64 {
			n, err := reports.Reports(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		save := func(age time.Duration) {
			r := &report.Report{Meta: report.Meta{ID: store.NewID(), Domain: "example.org", CheckedAt: time.Now().Add(-age)}}
			if err := reports.Save(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		const day = 24 * time.Hour
		save(400 * day)
		save(30 * day)
		var said bytes.Buffer
		log := slog.New(slog.NewTextHandler(&said, nil))
		conditions := []report.Condition{{Name: report.ClockCondition, State: "ok"}, {Name: report.PortCondition, State: "failed"}}
		tested := func() []report.Condition { return conditions }

		if err := (&retention{reports: reports, conditions: tested, log: log}).round(t.Context(), retentionRound{}); err != nil || left() != 2 {
			t.Fatalf("kept for ever, and %d are left, %v", left(), err)
		}
		old := &retention{reports: reports, keep: 365 * day, conditions: tested, log: log}
		fine := conditions
		for why, found := range map[string][]report.Condition{
			"by a wrong clock":          {{Name: report.ClockCondition, State: "failed"}},
			"before the clock is known": nil,
		} {
			conditions = found
			if err := old.round(t.Context(), retentionRound{}); !reflect.DeepEqual(err, jobs.Again(clockAgain)) || left() != 2 {
				t.Fatalf("%s %d are left, %v; it is to be tried again", why, left(), err)
			}
		}
		conditions = fine
		over, stop := context.WithCancel(t.Context())
		stop()
		if err := old.round(over, retentionRound{}); err == nil || left() != 2 || said.Len() > 0 {
			t.Fatalf("while the program ends: %d are left, %v; it says %s", left(), err, said.String())
		}
		if err := old.round(t.Context(), retentionRound{}); err != nil || left() != 1 || !strings.Contains(said.String(), "reports=1") {
			t.Fatalf("%d are left, %v, want the young one; the log says %s", left(), err, said.String())
		}
		time.Sleep(340 * day)
		if err := old.round(t.Context(), retentionRound{}); err != nil || left() != 0 {
			t.Errorf("when the young one is old %d are left, %v", left(), err)
		}
		reports.Close()
		if err := old.round(t.Context(), retentionRound{}); err == nil || !strings.Contains(err.Error(), "old reports cannot be deleted") {
			t.Errorf("a store that fails: %v", err)
		}
	})
}

// What is done every day is done by the program that serves, at its start; what failed is shown to
// the operator, and to nobody else.
func TestWhatIsDoneLater(t *testing.T) {
	reports, err := sqlite.Open(filepath.Join(t.TempDir(), "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer reports.Close()
	r := &report.Report{Meta: report.Meta{ID: store.NewID(), Domain: "example.org", CheckedAt: time.Now().Add(-10000 * time.Hour)}}
	if err := reports.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	tested := func() []report.Condition { return []report.Condition{{Name: report.ClockCondition, State: "ok"}} }
	work, _, err := later(&retention{reports: reports, keep: time.Hour, conditions: tested, log: log}, surveys.Config{Store: reports}, nil, new(database), log)
	if err != nil {
		t.Fatal(err)
	}
	page := func() string {
		w := httptest.NewRecorder()
		troubles(work).ServeHTTP(w, httptest.NewRequest("GET", "/jobs", nil))
		return w.Body.String()
	}
	if text := page(); text != "No job has failed.\n" {
		t.Errorf("the page says %q", text)
	}
	if _, err := reports.Writer().Exec(`CREATE TRIGGER failing BEFORE DELETE ON reports BEGIN SELECT RAISE(ABORT, 'the disk is gone'); END`); err != nil {
		t.Fatal(err)
	}
	if err := work.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer finish(work, log)
	for !strings.Contains(page(), "the disk is gone") {
		time.Sleep(10 * time.Millisecond)
	}
	if text := page(); !regexp.MustCompile(`(?m)^retention \{\} +\d+ +20\S+Z +20\S+Z +old reports`).MatchString(text) {
		t.Errorf("the page says %s", text)
	}
	if _, err := reports.Writer().Exec(`DROP TRIGGER failing`); err != nil {
		t.Fatal(err)
	}
	for n := int64(1); n > 0; time.Sleep(10 * time.Millisecond) {
		if n, err = reports.Reports(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
