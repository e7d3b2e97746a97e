package main

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/report"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
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
		fine := []report.Condition{{Name: report.ClockCondition, State: "ok"}, {Name: report.PortCondition, State: "failed"}}
		wrong := []report.Condition{{Name: report.ClockCondition, State: "failed"}}

		(&retention{reports: reports, log: log}).look(t.Context(), fine)
		if n := left(); n != 2 {
			t.Fatalf("kept for ever, and %d are left", n)
		}
		old := &retention{reports: reports, keep: 365 * day, log: log}
		old.look(t.Context(), wrong)
		if n := left(); n != 2 {
			t.Fatalf("by a wrong clock %d are left", n)
		}
		over, stop := context.WithCancel(t.Context())
		stop()
		old.look(over, fine)
		if n := left(); n != 2 || said.Len() > 0 {
			t.Fatalf("while the program ends: %d are left; it says %s", n, said.String())
		}
		old.look(t.Context(), fine) // neither the wrong clock nor the end counts as done for today
		if n := left(); n != 1 || !strings.Contains(said.String(), "reports=1") {
			t.Fatalf("%d are left, want the young one; the log says %s", n, said.String())
		}
		save(400 * day)
		time.Sleep(day - time.Minute)
		old.look(t.Context(), fine)
		if n := left(); n != 2 {
			t.Errorf("within a day it looked again: %d are left", n)
		}
		time.Sleep(2 * time.Minute)
		old.look(t.Context(), fine)
		if n := left(); n != 1 {
			t.Errorf("after a day: %d are left", n)
		}
		reports.Close()
		time.Sleep(2 * day)
		old.look(t.Context(), fine)
		if !strings.Contains(said.String(), "old reports cannot be deleted") {
			t.Errorf("the log is silent about a store that fails: %s", said.String())
		}
	})
}
