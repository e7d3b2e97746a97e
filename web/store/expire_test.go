package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"mxseal/checks/report"
)

// counted returns how many reports there are, by domain.
func counted(t *testing.T, s *Store) map[string]int {
	t.Helper()
	rows, err := s.read.Query("SELECT domain, count(*) FROM reports GROUP BY domain")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	list := make(map[string]int)
	for rows.Next() {
		var domain string
		var n int
		if err := rows.Scan(&domain, &n); err != nil {
			t.Fatal(err)
		}
		list[domain] = n
	}
	return list
}

func TestExpire(t *testing.T) {
	s, _ := opened(t)
	day := 24 * time.Hour
	for _, r := range []struct {
		domain, id string
		age        time.Duration
	}{
		{"old.example", "the only one of its domain", 400 * day},
		{"busy.example", "ancient", 800 * day},
		{"busy.example", "a moment too old", 365*day + time.Millisecond},
		{"busy.example", "of that very moment", 365 * day},
		{"busy.example", "today's", 0},
		{"new.example", "young", day},
	} {
		if err := s.Save(t.Context(), sample(r.domain, r.id, noon.Add(-r.age))); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		why    string
		before time.Time
		gone   int64
		kept   string
	}{
		{"nothing is that old", noon.Add(-1000 * day), 0, "map[busy.example:4 new.example:1 old.example:1]"},
		{"no exception for the only report of a domain", noon.Add(-365 * day), 3, "map[busy.example:2 new.example:1]"},
		{"a second time there is nothing to do", noon.Add(-365 * day), 0, "map[busy.example:2 new.example:1]"},
		{"all of them", noon.Add(day), 3, "map[]"},
	} {
		gone, err := s.Expire(t.Context(), c.before)
		if kept := fmt.Sprint(counted(t, s)); err != nil || gone != c.gone || kept != c.kept {
			t.Errorf("%s: %d gone, %s kept, %v; want %d and %s", c.why, gone, kept, err, c.gone, c.kept)
		}
	}
	if _, err := s.Get(t.Context(), "ancient"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a report that is gone: %v", err)
	}
	if n, err := s.Reports(t.Context()); n != 0 || err != nil {
		t.Errorf("%d reports are left, %v", n, err)
	}
}

// fill puts n old reports into the file at once.
func fill(t *testing.T, s *Store, n int) {
	t.Helper()
	body, err := pack(sample("example.org", "old", noon))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.write.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO reports (id, domain, checked_at, letter, provisional, rules, body) SELECT 'old-' || i, 'd' || (i % 7) || '.example', i, 'B', 0, 1, ? FROM n`, n, body)
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever there is to delete, a transaction is a small one: who stops it half-way has lost
// nothing but its last batch, and a report that waits comes in between.
func TestExpireWorksInBatches(t *testing.T) {
	s, _ := opened(t)
	fill(t, s, 5*batch+1)
	// A trigger of this test looks on: it notes the size of every statement.
	for _, statement := range []string{
		`CREATE TABLE watch (n INTEGER)`,
		`CREATE TRIGGER watching AFTER DELETE ON reports BEGIN INSERT INTO watch VALUES (1); END`,
	} {
		if _, err := s.write.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if gone, err := s.Expire(ctx, noon); err == nil || gone != 0 {
		t.Errorf("told to stop it deleted %d, %v", gone, err)
	}
	if _, err := s.write.Exec(fmt.Sprintf(`CREATE TRIGGER failing BEFORE DELETE ON reports WHEN (SELECT count(*) FROM watch) >= %d BEGIN SELECT RAISE(ABORT, 'enough'); END`, 2*batch+batch/2)); err != nil {
		t.Fatal(err)
	}
	gone, err := s.Expire(t.Context(), noon)
	if err == nil || gone != 2*batch {
		t.Errorf("stopped within the third batch: %d gone, %v; want the first two", gone, err)
	}
	if n, err := s.Reports(t.Context()); n != 3*batch+1 || err != nil {
		t.Errorf("%d are left, %v; want all but the first two batches", n, err)
	}
	if _, err := s.write.Exec(`DROP TRIGGER failing`); err != nil {
		t.Fatal(err)
	}
	if gone, err = s.Expire(t.Context(), noon); err != nil || gone != 3*batch+1 {
		t.Errorf("then: %d gone, %v", gone, err)
	}
}

// A reader in the middle of its reading, and one who comes meanwhile, see whole reports.
func TestReadersDoNotWaitForExpire(t *testing.T) {
	s, _ := opened(t)
	fill(t, s, 2*batch)
	if err := s.Save(t.Context(), sample("example.org", "young", noon)); err != nil {
		t.Fatal(err)
	}
	rows, err := s.read.Query("SELECT seq, body FROM reports ORDER BY seq")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	read := 0
	for rows.Next() {
		var seq int64
		var body []byte
		if err := rows.Scan(&seq, &body); err != nil {
			t.Fatal(err)
		}
		if _, err := unpack(body); err != nil {
			t.Errorf("report %d: %v", seq, err)
		}
		if read++; read == 10 { // with the reader's snapshot open
			if gone, err := s.Expire(t.Context(), noon); err != nil || gone != 2*batch {
				t.Fatalf("%d gone, %v", gone, err)
			}
			if _, err := s.Get(t.Context(), "young"); err != nil {
				t.Error(err)
			}
		}
	}
	if err := rows.Err(); err != nil || read != 2*batch+1 {
		t.Errorf("the reader saw %d reports, %v; want all that were there when it began", read, err)
	}
}

// What is deleted makes room for what comes: a file that is kept down does not grow on.
func TestTheSpaceIsUsedAgain(t *testing.T) {
	s, _ := opened(t)
	pages := func() (n int64) {
		t.Helper()
		if err := s.read.QueryRow("PRAGMA page_count").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	fill(t, s, batch)
	full := pages()
	for range 5 {
		if _, err := s.Expire(t.Context(), noon); err != nil {
			t.Fatal(err)
		}
		fill(t, s, batch)
	}
	if again := pages(); again > full+full/4 {
		t.Errorf("%d pages after five rounds, %d after the first", again, full)
	}
	if size, err := s.Size(); err != nil || size < full*1024 {
		t.Errorf("%d bytes on the disk, %v", size, err)
	}
}

// A file of the first release gets what this one needs.
func TestAnOlderFileIsBroughtUpToDate(t *testing.T) {
	s, path := opened(t)
	if err := s.Save(t.Context(), sample("example.org", "kept", noon)); err != nil {
		t.Fatal(err)
	}
	spoilt := sample("example.org", "spoilt", noon.Add(time.Hour))
	spoilt.Conditions = []report.Condition{{Name: report.PortCondition, State: "failed"}}
	if err := s.Save(t.Context(), spoilt); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"DROP INDEX reports_by_age", "ALTER TABLE reports DROP COLUMN spoilt", "PRAGMA user_version = 1"} {
		if _, err := s.write.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var plan string
	var skip any
	if err := s.read.QueryRow("EXPLAIN QUERY PLAN SELECT seq FROM reports WHERE checked_at < 1 ORDER BY checked_at LIMIT 9").Scan(&skip, &skip, &skip, &plan); err != nil {
		t.Fatal(err)
	}
	if want := "SEARCH reports USING COVERING INDEX reports_by_age (checked_at<?)"; plan != want {
		t.Errorf("old reports are found by %q, want %q", plan, want)
	}
	if r, err := s.Get(t.Context(), "kept"); err != nil || r.Domain != "example.org" {
		t.Errorf("the report of before: %v, %v", r, err)
	}
	if r, err := s.Latest(t.Context(), "example.org"); err != nil || r.ID != "kept" {
		t.Errorf("the latest that is sound: %v, %v", r, err)
	}
}
