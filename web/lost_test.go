package web

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
)

// A report that the disk does not take is shown while it is fresh, and nothing pretends that
// it is kept: neither the page, nor the address that it would have had, nor the programs' ways.
func TestAReportThatCouldNotBeKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mxseal.db")
	w := open(t, path, nil)
	w.post("before.example")
	w.settle()
	before, ok := w.scans.Fresh("before.example")
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
	w.gate = make(chan struct{})
	w.post("example.org")
	l := listen(t, serve(t, w), "/api/v1/reports/"+w.scans.Running("example.org").ID+"/events")
	close(w.gate)
	var end event
	for end.kind != "done" {
		if end = l.next(); end.kind == "" || end.kind == "failed" {
			t.Fatalf("who listens hears %+v", end)
		}
	}
	if !strings.Contains(end.data, `"url":"/api/v1/domains/example.org"`) {
		t.Errorf("who listens hears %+v", end)
	}
	w.settle()
	lost, ok := w.scans.Fresh("example.org")
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
	want(t, open(t, path, nil).ask("GET", "/check/example.org", ""), 404)
}
