package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mxseal/web/store"
	"mxseal/web/store/sqlite"
	"mxseal/web/store/storetest"
)

// Only what happened to a report makes the disk be tried, and only a disk that takes
// everything again is called good.
func TestWritableAfterAFailedSave(t *testing.T) {
	s, path := opened(t)
	if err := s.Health(t.Context()).Write; err != nil {
		t.Errorf("before anything went wrong: %v", err)
	}
	if _, err := s.Writer().Exec("PRAGMA query_only = true"); err != nil { // as a disk that takes nothing
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), storetest.Sample("example.org", store.NewID(), storetest.Noon)); err == nil {
		t.Fatal("a report was kept though nothing can be written")
	}
	for range 2 {
		if err := s.Health(t.Context()).Write; err == nil {
			t.Error("nothing can be written, and that is not said")
		}
	}
	if _, err := s.Writer().Exec("PRAGMA query_only = false"); err != nil {
		t.Fatal(err)
	}
	if err := s.Health(t.Context()).Write; err != nil {
		t.Errorf("after it was mended: %v", err)
	}
	if err := s.Save(t.Context(), storetest.Sample("example.org", store.NewID(), storetest.Noon)); err != nil {
		t.Errorf("after it was mended: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "room-*"))
	if err != nil || len(files) > 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

// The operator is told of a disk that keeps no change either, as those of surveys; of other failures not.
func TestWritableAfterAFailedChange(t *testing.T) {
	s, _ := opened(t)
	one := store.Survey{Name: "one"}
	start := func() error {
		return s.Change(t.Context(), func(tx *store.Tx) error { _, _, err := tx.StartRun(t.Context(), "one", storetest.Noon); return err })
	}
	if err := start(); !errors.Is(err, store.ErrNotFound) || s.Health(t.Context()).Write != nil {
		t.Errorf("of a survey that is not there: %v, %v", err, s.Health(t.Context()).Write)
	}
	if err := s.AddSurvey(t.Context(), &one, func() func() (store.Line, bool, error) {
		n := 0
		return func() (store.Line, bool, error) { n++; return store.Line{Domain: "example.org"}, n == 1, nil }
	}()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Writer().Exec("PRAGMA query_only = true"); err != nil { // as a disk that takes nothing
		t.Fatal(err)
	}
	if err := start(); err == nil || s.Health(t.Context()).Write == nil {
		t.Errorf("nothing can be written: %v, and that is not said", err)
	}
	s.Forget()
	if err := s.Try(t.Context()); err == nil || s.Health(t.Context()).Write == nil {
		t.Errorf("nothing can be written: %v, and that is not said", err)
	}
	if _, err := s.Writer().Exec("PRAGMA query_only = false"); err != nil {
		t.Fatal(err)
	}
	if err := s.Health(t.Context()).Write; err != nil {
		t.Errorf("after it was mended: %v", err)
	}
	if err := start(); err != nil {
		t.Error(err)
	}
}

// What is in the way of the file is said in the words of the system, not in SQLite's
// “unable to open database file”.
func TestOpenSaysWhatIsInTheWay(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mxseal.db")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(path)
	if err == nil {
		s.Close()
		t.Fatal("a folder was opened as a file")
	}
	if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("error %q", err)
	}
}

func opened(t *testing.T) (s *store.Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "data", "mxseal.db")
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, path
}
