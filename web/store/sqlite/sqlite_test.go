package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"mxseal/web/store"
	"mxseal/web/store/storetest"
)

// The suite of all stores.
func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Kit{
		Open: func(t *testing.T) *store.Store { s, _ := opened(t); return s },
		Insert: func(t *testing.T, s *store.Store, row store.Row) {
			if _, err := s.Writer().Exec(`INSERT INTO reports (id, domain, checked_at, letter, provisional, rules, body, spoilt) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
				row.ID, row.Domain, row.CheckedAt.UnixMilli(), row.Letter, row.Provisional, row.Rules, row.Body, row.Spoilt); err != nil {
				t.Fatal(err)
			}
		},
	})
}

// As if all had been kept before there was a column that says which are spoilt.
func TestLatestAndFirmOfAnOlderFile(t *testing.T) {
	storetest.LatestAndFirm(t, func(t *testing.T) *store.Store { s, _ := opened(t); return s }, func(s *store.Store) error {
		_, err := s.Writer().Exec("UPDATE reports SET spoilt = NULL")
		return err
	})
}

func opened(t *testing.T) (*store.Store, string) {
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
	if _, err := later.Writer().Exec("INSERT INTO river_migration (line, version) VALUES ('main', 99)"); err != nil {
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
	if _, err := s.Writer().Exec("UPDATE reports SET body = substr(body, 1, 40)"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), r.ID); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}
