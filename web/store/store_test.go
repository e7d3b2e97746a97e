package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"mxseal/checks/report"
)

// sample is a report with enough in it that a half-written one would be noticed.
func sample(domain, id string, at time.Time) *report.Report {
	return &report.Report{
		Meta: report.Meta{
			Schema:        report.Schema,
			ID:            id,
			Domain:        domain,
			UnicodeDomain: domain,
			CheckedAt:     at,
			ElapsedMS:     4200,
			Engine:        "test",
			Depth:         report.Standard,
		},
		Evidence: report.Evidence{Hosts: []*report.Host{{Name: "mx." + domain, Preference: 10, Addresses: []*report.Address{{
			IP: "192.0.2.25", Reachable: true, SMTP: &report.SMTP{Banner: strings.Repeat("220 long banner ", 400), EHLO: []string{}, EHLOTLS: []string{}},
		}}}}},
		Conclusions: report.Conclusions{
			Rules:    report.RulesSet,
			Grade:    &report.Grade{Letter: "B", Provisional: true, Because: []string{"DAN-01"}, Broken: []string{}, Next: []report.Next{{Fix: "DAN-01", Letter: "A"}}},
			Matrix:   report.Matrix{"S1": {"A0": report.Enc, "A3": report.Stolen}},
			Findings: []report.Finding{{Rule: "DAN-01", Check: "dane", Verdict: report.Info, Title: "no TLSA"}},
		},
	}
}

var noon = time.Date(2026, 8, 3, 12, 0, 0, 0, time.UTC)

func opened(t *testing.T) (*Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data", "mxseal.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, path
}

func TestReportComesBackAsItWasSaved(t *testing.T) {
	s, path := opened(t)
	want := sample("example.org", NewID(), noon)
	if err := s.Save(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s, err := Open(path) // a restart in between
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := s.Get(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestAReportIsNeverOverwritten(t *testing.T) {
	s, _ := opened(t)
	first := sample("example.org", NewID(), noon)
	if err := s.Save(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), sample("example.net", first.ID, noon)); err == nil {
		t.Error("a second report was saved under the same id")
	}
	if got, err := s.Get(t.Context(), first.ID); err != nil || got.Domain != "example.org" {
		t.Errorf("the first report became %v, %v", got, err)
	}
}

func TestLatestAndHistory(t *testing.T) {
	s, _ := opened(t)
	var ids []string
	for i := range 5 {
		r := sample("example.org", NewID(), noon.Add(time.Duration(i/2)*time.Hour)) // two of the same instant
		ids = append(ids, r.ID)
		if err := s.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Save(t.Context(), sample("example.net", NewID(), noon.Add(9*time.Hour))); err != nil {
		t.Fatal(err)
	}
	latest, err := s.Latest(t.Context(), "example.org")
	if err != nil || latest.ID != ids[4] {
		t.Errorf("Latest gave %v, %v; want the report saved last", latest, err)
	}
	list, err := s.History(t.Context(), "example.org", 3)
	if err != nil || len(list) != 3 || list[0].ID != ids[4] || list[1].ID != ids[3] || list[2].ID != ids[2] {
		t.Errorf("History gave %v, %v", list, err)
	}
	if e := list[0]; e.Letter != "B" || !e.Provisional || e.Rules != report.RulesSet || !e.CheckedAt.Equal(noon.Add(2*time.Hour)) {
		t.Errorf("the entry says %+v", e)
	}
}

func TestUnknown(t *testing.T) {
	s, _ := opened(t)
	if _, err := s.Get(t.Context(), "nothing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if _, err := s.Latest(t.Context(), "example.org"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Latest: %v", err)
	}
	if list, err := s.History(t.Context(), "example.org", 3); err != nil || len(list) != 0 {
		t.Errorf("History: %v, %v", list, err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

func TestReadersAndTheWriterDoNotWaitForEachOther(t *testing.T) {
	s, _ := opened(t)
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for range 10 {
				r := sample("example.org", NewID(), noon)
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
}

func TestNewIDIsUnguessable(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		id := NewID()
		if !regexp.MustCompile(`^[a-z2-7]{16,}$`).MatchString(id) || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	newer := filepath.Join(dir, "newer.db")
	db, err := sql.Open("sqlite", newer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	other := filepath.Join(dir, "other.db")
	if err := os.WriteFile(other, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		newer:                         "use a newer program", // made by a later release
		other:                         "other.db",            // some other file
		filepath.Join(other, "in.db"): "make the folder",     // a folder that is a file
	} {
		if s, err := Open(path); err == nil {
			s.Close()
			t.Errorf("%s was opened", path)
		} else if !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %q does not say %q", path, err, says)
		}
	}
}

func TestDamagedBodyIsAnErrorAndNoPanic(t *testing.T) {
	s, _ := opened(t)
	r := sample("example.org", NewID(), noon)
	if err := s.Save(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	if _, err := s.write.Exec("UPDATE reports SET body = substr(body, 1, 40)"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), r.ID); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

// Few reports are unpacked at a time; who waits for a turn may leave.
func TestFewAreReadSideBySide(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Save(t.Context(), &report.Report{Meta: report.Meta{ID: "a", Domain: "example.org", CheckedAt: time.Now()}}); err != nil {
		t.Fatal(err)
	}
	reads := map[string]func(context.Context) error{
		"Get":    func(ctx context.Context) error { _, err := s.Get(ctx, "a"); return err },
		"Latest": func(ctx context.Context) error { _, err := s.Latest(ctx, "example.org"); return err },
	}
	for range maxReading {
		s.reading <- struct{}{}
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	for name, read := range reads {
		if err := read(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s beside %d others: %v", name, maxReading, err)
		}
	}
	if e, err := s.Entry(t.Context(), "a"); err != nil || e.ID != "a" {
		t.Errorf("Entry reads no report, and waits: %v", err)
	}
	<-s.reading
	for name, read := range reads {
		if err := read(t.Context()); err != nil || len(s.reading) != maxReading-1 {
			t.Errorf("%s: %v, %d turns are taken", name, err, len(s.reading))
		}
	}
	if _, err := s.Entry(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an entry that is not there: %v", err)
	}
}
