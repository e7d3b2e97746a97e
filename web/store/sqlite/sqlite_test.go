package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/web/store"
	"mxseal/web/store/storetest"
)

// The suite of all stores.
func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Kit[*Store]{
		Open: func(t *testing.T) *Store { s, _ := opened(t); return s },
		Log:  func(s *Store, to *strings.Builder) { s.Log = slog.New(slog.NewTextHandler(to, nil)) },
		Insert: func(t *testing.T, s *Store, row store.Row) {
			if _, err := s.write.Exec(`INSERT INTO reports (id, domain, checked_at, letter, provisional, rules, body, spoilt) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
				row.ID, row.Domain, row.CheckedAt.UnixMilli(), row.Letter, row.Provisional, row.Rules, row.Body, row.Spoilt); err != nil {
				t.Fatal(err)
			}
		},
	})
}

// As if all had been kept before there was a column that says which are spoilt.
func TestLatestAndFirmOfAnOlderFile(t *testing.T) {
	storetest.LatestAndFirm(t, func(t *testing.T) *Store { s, _ := opened(t); return s }, func(s *Store) error {
		_, err := s.write.Exec("UPDATE reports SET spoilt = NULL")
		return err
	})
}

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

func TestAReportIsThereAfterARestart(t *testing.T) {
	s, path := opened(t)
	want := storetest.Sample("example.org", store.NewID(), storetest.Noon)
	if err := s.Save(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, err := s.Get(t.Context(), want.ID); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, got %+v\nwant %+v", err, got, want)
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
	jobs := filepath.Join(dir, "jobs.db")
	later, err := Open(jobs)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := later.write.Exec("INSERT INTO river_migration (line, version) VALUES ('main', 99)"); err != nil {
		t.Fatal(err)
	}
	later.Close()
	other := filepath.Join(dir, "other.db")
	if err := os.WriteFile(other, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		newer:                         "use a newer program", // made by a later release
		jobs:                          "of its jobs is 99",   // made by a release with a later engine of jobs
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
	r := storetest.Sample("example.org", store.NewID(), storetest.Noon)
	if err := s.Save(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	if _, err := s.write.Exec("UPDATE reports SET body = substr(body, 1, 40)"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), r.ID); err == nil || errors.Is(err, store.ErrNotFound) {
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
	if _, err := s.Entry(t.Context(), "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an entry that is not there: %v", err)
	}
}
