package web

import (
	"bytes"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"mxseal/checks/input"
	"mxseal/web/badge"
)

// A report that a wrong clock dates in the future is not fresh for as long: a check can be had,
// and the badge does not vouch for it.
func TestAReportFromTheFutureIsNotFresh(t *testing.T) {
	w := newWorld(t)
	d := input.Domain{ASCII: "example.org", Unicode: "example.org"}
	r := sample(d, strings.Repeat("a", 26))
	r.CheckedAt = r.CheckedAt.AddDate(1, 0, 0)
	if err := w.cfg.Store.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if s := badge.Of(r); !s.Outdated() {
		t.Error("its badge counts until then")
	}
	want(t, w.post("example.org"), 303)
	w.settle()
	if w.runs.Load() != 1 {
		t.Error("no check is begun")
	}
	if latest, err := w.cfg.Store.Latest(t.Context(), "example.org"); err != nil || latest.ID == r.ID {
		t.Errorf("the report of the future is still the latest: %v", err)
	}
}

// A latest report that cannot be read is no reason to refuse a check; under its own address stands
// that it is gone.
func TestAnUnreadableReportStopsNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mxseal.db")
	w := open(t, path, nil)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	id := strings.Repeat("b", 26)
	if _, err := db.Exec(`INSERT INTO reports (id, domain, checked_at, letter, provisional, rules, body, spoilt) VALUES (?, 'example.org', ?, 'B', 0, 1, ?, 0)`,
		id, time.Now().UnixMilli(), bytes.Repeat([]byte("x"), 50<<20)); err != nil {
		t.Fatal(err)
	}
	want(t, w.ask("GET", "/check/example.org", ""), 404)
	want(t, w.ask("GET", "/badge/example.org.svg", ""), 200)
	for _, address := range []string{"/report/" + id, "/report/" + id + "/card.png"} {
		want(t, w.ask("GET", address, ""), 410, "can no longer be read")
	}
	want(t, w.ask("GET", "/api/v1/reports/"+id, ""), 410)
	want(t, w.post("example.org"), 303)
	w.settle()
	want(t, w.ask("GET", "/check/example.org", ""), 200, "example.org")
	if !strings.Contains(w.log.String(), "passed over") {
		t.Errorf("nobody is told: %s", w.log.String())
	}
}
