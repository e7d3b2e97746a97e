package web

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mxseal/web/scans"
)

func TestADomainThatIsLeftAlone(t *testing.T) {
	path, reports := filepath.Join(t.TempDir(), "optout"), filepath.Join(t.TempDir(), "mxseal.db")
	if err := os.WriteFile(path, []byte("example.org\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	optOuts, err := scans.OpenOptOuts(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	before := open(t, reports, nil)
	before.post("example.org")
	before.settle()
	w := open(t, reports, func(c *Config) { c.OptOuts = optOuts })

	want(t, w.post("example.org"), 403, "This domain is left alone", `href="/check/example.org"`, "Read the latest report") // though it is fresh
	want(t, w.post("mail.example.org"), 403, "left alone")
	if body := w.post("mail.example.org").Body.String(); strings.Contains(body, "Read the latest report") {
		t.Error("a report that is not there is offered")
	}
	rec := w.ask("POST", "/api/v1/checks", `{"domain": "example.org"}`, "Content-Type", json_)
	want(t, rec, 403, `"status":403`, "asked not to be checked")
	w.settle()
	if n := w.runs.Load(); n != 0 {
		t.Errorf("%d checks were run", n)
	}
	want(t, w.ask("GET", "/check/example.org", ""), 200, `aria-label="Grade C"`, "The owner of this domain has asked not to be checked from here")
	want(t, w.ask("GET", "/badge/example.org.svg", ""), 200)
	want(t, w.post("example.net"), 303)
}
