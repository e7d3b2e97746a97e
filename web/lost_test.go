package web

import (
	"database/sql"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"mxseal/checks"
)

// A report that the disk does not take is shown while it is fresh, and nothing pretends that
// it is kept: neither the page, nor the address that it would have had, nor the programs' ways.
func TestAReportThatCouldNotBeKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mxseal.db")
	w := open(t, path, nil)
	w.post("before.example")
	w.settle()
	before, ok := w.desk.hot.Get("before.example")
	if !ok {
		t.Fatal("no report")
	}

	file, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Exec(`CREATE TRIGGER full BEFORE INSERT ON reports BEGIN SELECT RAISE(FAIL, 'disk is full'); END`); err != nil {
		t.Fatal(err)
	}
	w.post("example.org")
	w.settle()
	lost, ok := w.desk.hot.Get("example.org")
	if !ok {
		t.Fatal("the check came to nothing for who waits for it")
	}

	const notice = "This report could not be kept"
	for range 2 { // the page is not kept longer than the report
		want(t, w.ask("GET", "/check/example.org", ""), 200, notice, "Listeners get nothing.")
	}
	want(t, w.ask("GET", "/check/example.org", "", "Accept", json_), 200, lost.ID)
	want(t, w.ask("GET", "/report/"+lost.ID, ""), 404, notice, "our disk did not take it")
	want(t, w.ask("GET", "/report/"+lost.ID, "", "Accept", json_), 404, notice)
	want(t, w.ask("GET", "/api/v1/reports/"+lost.ID, ""), 404, notice, "/api/v1/domains/{domain}")
	want(t, w.ask("GET", "/api/v1/domains/example.org", ""), 200, lost.ID)
	want(t, w.ask("GET", "/api/v1/reports/"+lost.ID+"/events", ""), 404, notice)
	c := newRunning(lost.ID, checks.Domain{ASCII: "example.org", Unicode: "example.org"})
	if kind, data := w.ending(httptest.NewRequest("GET", "/", nil), c); kind != "done" || !strings.Contains(string(data), `"url":"/api/v1/domains/example.org"`) {
		t.Errorf("who listened hears %s %s", kind, data)
	}
	again := w.ask("POST", "/api/v1/checks", `{"domain": "example.org"}`, "Content-Type", json_)
	want(t, again, 200, lost.ID)
	if at := again.Header().Get("Content-Location"); at != "/api/v1/domains/example.org" {
		t.Errorf("the report is said to be at %s", at)
	}

	want(t, w.ask("GET", "/report/"+before.ID, ""), 200)
	want(t, w.ask("GET", "/report/mistyped", ""), 404, "No such report")
	if body := w.ask("GET", "/check/before.example", "").Body.String(); strings.Contains(body, notice) {
		t.Error("a report that is kept says that it is not")
	}
	if _, err := file.Exec(`DROP TRIGGER full`); err != nil {
		t.Fatal(err)
	}
	w.desk.hot.Drop("example.org")
	want(t, w.ask("GET", "/check/example.org", ""), 404)
}
