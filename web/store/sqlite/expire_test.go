package sqlite

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/web/store"
	"mxseal/web/store/storetest"
)

// fill puts n old reports into the file at once.
// batch is how many reports one transaction of Expire deletes.
const batch = 100

func fill(t *testing.T, s *store.Store, n int) {
	t.Helper()
	body, err := store.Pack(storetest.Sample("example.org", "old", storetest.Noon))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Writer().Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
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
		if _, err := s.Writer().Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if gone, err := s.Expire(ctx, storetest.Noon); err == nil || gone != 0 {
		t.Errorf("told to stop it deleted %d, %v", gone, err)
	}
	if _, err := s.Writer().Exec(fmt.Sprintf(`CREATE TRIGGER failing BEFORE DELETE ON reports WHEN (SELECT count(*) FROM watch) >= %d BEGIN SELECT RAISE(ABORT, 'enough'); END`, 2*batch+batch/2)); err != nil {
		t.Fatal(err)
	}
	gone, err := s.Expire(t.Context(), storetest.Noon)
	if err == nil || gone != 2*batch {
		t.Errorf("stopped within the third batch: %d gone, %v; want the first two", gone, err)
	}
	if n, err := s.Reports(t.Context()); n != 3*batch+1 || err != nil {
		t.Errorf("%d are left, %v; want all but the first two batches", n, err)
	}
	if _, err := s.Writer().Exec(`DROP TRIGGER failing`); err != nil {
		t.Fatal(err)
	}
	if gone, err = s.Expire(t.Context(), storetest.Noon); err != nil || gone != 3*batch+1 {
		t.Errorf("then: %d gone, %v", gone, err)
	}
}

// A reader in the middle of its reading, and one who comes meanwhile, see whole reports.
func TestReadersDoNotWaitForExpire(t *testing.T) {
	s, path := opened(t)
	fill(t, s, 2*batch)
	if err := s.Save(t.Context(), storetest.Sample("example.org", "young", storetest.Noon)); err != nil {
		t.Fatal(err)
	}
	reader, err := open(path, url.Values{"_query_only": {"true"}})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	rows, err := reader.Query("SELECT seq, body FROM reports ORDER BY seq")
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
		if _, err := store.Unpack(body); err != nil {
			t.Errorf("report %d: %v", seq, err)
		}
		if read++; read == 10 { // with the reader's snapshot open
			if gone, err := s.Expire(t.Context(), storetest.Noon); err != nil || gone != 2*batch {
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
		if err := s.Writer().QueryRow("PRAGMA page_count").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	fill(t, s, batch)
	full := pages()
	for range 5 {
		if _, err := s.Expire(t.Context(), storetest.Noon); err != nil {
			t.Fatal(err)
		}
		fill(t, s, batch)
	}
	if again := pages(); again > full+full/4 {
		t.Errorf("%d pages after five rounds, %d after the first", again, full)
	}
	if size, err := s.Size(t.Context()); err != nil || size < full*1024 {
		t.Errorf("%d bytes on the disk, %v", size, err)
	}
}

// A file of the first release gets what this one needs.
func TestAnOlderFileIsBroughtUpToDate(t *testing.T) {
	s, path := opened(t)
	if err := s.Save(t.Context(), storetest.Sample("example.org", "kept", storetest.Noon)); err != nil {
		t.Fatal(err)
	}
	spoilt := storetest.Sample("example.org", "spoilt", storetest.Noon.Add(time.Hour))
	spoilt.Conditions = []report.Condition{{Name: report.PortCondition, State: "failed"}}
	if err := s.Save(t.Context(), spoilt); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"DROP INDEX reports_by_age", "ALTER TABLE reports DROP COLUMN spoilt",
		"DROP TABLE surveys", "DROP TABLE survey_lines", "DROP TABLE survey_runs", "DROP TABLE survey_results",
		"DROP TABLE survey_parts", "DROP TABLE survey_servers", "DROP TABLE survey_waits", "DROP TABLE survey_looks", "DROP TABLE inboxes", "DROP TABLE inbox_reports", "DROP TABLE survey_sums", "DROP TABLE survey_numbers", "DROP TABLE watches", "DROP TABLE watch_messages", "DROP TABLE secrets", "DROP TABLE sender_tests", "PRAGMA user_version = 1"} {
		if _, err := s.Writer().Exec(statement); err != nil {
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
	if err := s.Writer().QueryRow("EXPLAIN QUERY PLAN SELECT seq FROM reports WHERE checked_at < 1 ORDER BY checked_at LIMIT 9").Scan(&skip, &skip, &skip, &plan); err != nil {
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
