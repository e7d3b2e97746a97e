package sqlite

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mxseal/web/store"
	"mxseal/web/store/storetest"
)

func TestChange(t *testing.T) {
	s, _ := opened(t)
	storetest.Change(t,
		func(do func(*store.Tx) error) error { return s.Change(t.Context(), do) },
		func(tx *store.Tx) error { _, err := tx.SQL().Exec("PRAGMA application_id = 7"); return err },
		func() bool {
			var id int
			if err := s.Writer().QueryRow("PRAGMA application_id").Scan(&id); err != nil {
				t.Fatal(err)
			}
			return id == 7
		})
	if err := s.Change(t.Context(), func(*store.Tx) error { return nil }); err != nil {
		t.Errorf("after one that panicked: %v", err)
	}
}

// Whoever writes after it finds the log of writes empty, and the file is as it was.
func TestTend(t *testing.T) {
	s, _ := opened(t)
	fill(t, s, batch)
	for range 2 {
		if err := s.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Reports(t.Context()); n != batch || err != nil {
		t.Errorf("%d reports, %v", n, err)
	}
	s.Close()
	if err := s.Tend(t.Context()); err == nil {
		t.Error("a closed file was tended")
	}
}

// Beside a process that is at work a file is used as it is, or not at all.
func TestJoin(t *testing.T) {
	s, path := opened(t)
	beside, err := Join(path)
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	if err := beside.Save(t.Context(), storetest.Sample("example.org", "beside", storetest.Noon)); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(t.Context(), "beside"); err != nil {
		t.Error(err)
	}
	for version, says := range map[int]string{1: "bring that one up to date first", 99: "use a newer program"} {
		if _, err := s.Writer().Exec(fmt.Sprint("PRAGMA user_version = ", version)); err != nil {
			t.Fatal(err)
		}
		if _, err := Join(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("version %d: %v", version, err)
		}
		var now int
		if err := s.Writer().QueryRow("PRAGMA user_version").Scan(&now); err != nil || now != version {
			t.Errorf("version %d became %d, %v", version, now, err)
		}
	}
}

// A run that began is there until there are too many; its results go with it.
func TestFormerRunsMakeRoom(t *testing.T) {
	s, _ := opened(t)
	lines := []store.Line{{Domain: "a.example", Labels: []string{"x"}}, {Domain: "b.example"}, {Domain: "a.example"}}
	next := func() (line store.Line, more bool, err error) {
		if len(lines) == 0 {
			return line, false, nil
		}
		line, lines = lines[0], lines[1:]
		return line, true, nil
	}
	if err := s.AddSurvey(t.Context(), &store.Survey{Name: "two"}, next); err != nil {
		t.Fatal(err)
	}
	for round := range 4 {
		var run store.Run
		var old []int64
		for range 2 { // the second one finds the first
			if err := s.Change(t.Context(), func(tx *store.Tx) (err error) {
				if run, _, err = tx.StartRun(t.Context(), "two", storetest.Noon.Add(time.Duration(round)*time.Hour)); err == nil {
					old, err = tx.DropRuns(t.Context(), "two", 2)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			for _, id := range old {
				for more := true; more; {
					var err error
					if more, err = s.ClearRun(t.Context(), id); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if run.Domains != 2 || !run.Ended.IsZero() {
			t.Fatalf("%+v", run)
		}
		for _, n := range []int{1, 0, 1, 0} {
			if err := s.Change(t.Context(), func(tx *store.Tx) error {
				_, err := tx.KeepResult(t.Context(), run.ID, n, []byte(`{"n":1}`), storetest.Noon)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	list, err := s.Runs(t.Context(), "two", 10)
	if err != nil || len(list) != 2 || list[0].Done != 2 || list[0].Ended.IsZero() {
		t.Fatalf("%+v, %v", list, err)
	}
	var results int
	if err := s.Writer().QueryRow("SELECT count(*) FROM survey_results").Scan(&results); err != nil || results != 4 {
		t.Errorf("%d results, %v", results, err)
	}
	if found, err := s.Results(t.Context(), list[0].ID, 0, 10, [2]int64{list[1].ID}); err != nil || len(found) != 2 || found[0].Domain != "a.example" || found[1].Domain != "b.example" {
		t.Errorf("%v, %v", found, err)
	}
	if _, _, err := s.LineOf(t.Context(), list[0].ID, 2); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a line that is not there: %v", err)
	}
	if err := s.Change(t.Context(), func(tx *store.Tx) error { _, _, _, err := tx.Feed(t.Context(), 99, 1, 1); return err }); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a run that is not there: %v", err)
	}
}
