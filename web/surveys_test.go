package web

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"mxseal/checks/adoption"
	"mxseal/checks/report"
	"mxseal/web/scans"
	"mxseal/web/store"
	"mxseal/web/surveys"
)

// surveyed keeps a survey of n domains with runs, each of which gives domain i the letter that it says.
func surveyed(t *testing.T, w *world, one store.Survey, n int, runs ...func(i int) report.Letter) {
	t.Helper()
	i := 0
	next := func() (store.Line, bool, error) {
		i++
		return store.Line{Domain: fmt.Sprintf("d%d.example", i-1), Labels: []string{[]string{"<north>", "south"}[i%2]}}, i <= n, nil
	}
	if err := w.cfg.Store.AddSurvey(t.Context(), &one, next); err != nil {
		t.Fatal(err)
	}
	for nth, letter := range runs {
		began := time.Date(2026, 11, 1+nth, 12, 0, 0, 0, time.UTC)
		var id int64
		if err := w.cfg.Store.Change(t.Context(), func(tx *store.Tx) error {
			run, _, err := tx.StartRun(t.Context(), one.Name, began)
			id = run.ID
			for line := range n {
				f := adoption.None("not-testable")
				if f.Letter = letter(line); f.Letter != "T" {
					f.Why, f.STARTTLS, f.DANE, f.MTASTS, f.Provider = "", adoption.Yes, []adoption.Answer{adoption.Yes, adoption.No}[line%2], "enforce", "Provider & Co"
				}
				text, _ := json.Marshal(f)
				if _, err := tx.KeepResult(t.Context(), run.ID, line, text, began.Add(time.Hour)); err != nil {
					return err
				}
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		kept, _ := surveys.New(surveys.Config{Store: w.cfg.Store})
		if err := kept.Count(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
}

// The pages of a survey say what its runs found; a number leads to its domains where these are published.
func TestSurveyPages(t *testing.T) {
	w := newWorld(t)
	if body := w.ask("GET", "/", "").Body.String(); strings.Contains(body, `href="/surveys"`) {
		t.Error("the navigation leads to surveys that there are not")
	}
	want(t, w.ask("GET", "/surveys", ""), 200, "There is no survey")
	w = newWorld(t)
	surveyed(t, w, store.Survey{Name: "open", Title: "Open <list>", Named: true, Every: 7 * 24 * time.Hour}, 1300,
		func(i int) report.Letter { return []report.Letter{"A", "C"}[i%2] },
		func(i int) report.Letter { return []report.Letter{"A+", "F", "A", "T"}[i%4] })
	surveyed(t, w, store.Survey{Name: "closed"}, 20, func(i int) report.Letter { return "B" })
	surveyed(t, w, store.Survey{Name: "new"}, 5)

	want(t, w.ask("GET", "/", ""), 200, `href="/surveys"`)
	want(t, w.ask("GET", "/surveys", ""), 200, "Open &lt;list&gt;", "1300 domains", "2 Nov 2026", `href="/survey/closed"`, "no run has ended yet")
	want(t, w.ask("GET", "/survey/open", ""), 200, "Open &lt;list&gt;", `show=letter%3AA%2B#domains`, "25 %", "325", "Provider &amp; Co", "&lt;north&gt;", "every week",
		`show=since_last_run%3AA%3EA%2B#domains" rel="nofollow">325</a> domains`, "got a better letter", "a worse one", "325", "no mail server could be tested", "All runs", "2026-11-01", "open/2026-11-02.csv", "To cite it: mxseal, “Open &lt;list&gt;”, run of 2 November 2026", "https://mxseal.example/survey/open/2026-11-02")
	want(t, w.ask("GET", "/survey/open/2026-11-01", ""), 200, "There is a later run", "50 %")
	want(t, w.ask("GET", "/check/d1.example", ""), 404, "What surveys found", `<span class="letter grade-f">F</span>`, `<a href="/survey/open/2026-11-02">Open &lt;list&gt;</a>`, "2 November 2026")
	if body := w.ask("GET", "/check/d1.example", "").Body.String(); strings.Contains(body, "/survey/closed") {
		t.Error("of a survey whose domains are not published the page of a domain shows the letter")
	}
	for _, unknown := range []string{"d1300.example", "d19.closed.example"} {
		if body := w.ask("GET", "/check/"+unknown, "").Body.String(); strings.Contains(body, "What surveys found") {
			t.Errorf("%s was found", unknown)
		}
	}
	want(t, w.ask("GET", "/survey/new", ""), 200, "No run has ended yet")
	for _, none := range []string{"/survey/gone", "/survey/open/2026-11-03", "/survey/open/x", "/survey/open.exe", "/survey/new.csv", "/survey/closed?show=letter:B", "/survey/open?show=letter:B", "/survey/open?show=nonsense"} {
		want(t, w.ask("GET", none, ""), 404, "There is no such survey")
	}

	// Small numbers and large ones are paged alike.
	for _, number := range []string{"letter:F", "dane:yes", "label:south", "starttls:yes", "provider:Provider+%26+Co"} {
		seen := 0
		for at := "/survey/open?show=" + number; at != ""; {
			body := w.ask("GET", at, "").Body.String()
			list := body[strings.Index(body, `class="behind"`):]
			seen += strings.Count(list, `href="/check/d`)
			_, more, found := strings.Cut(list, `<p><a href="`)
			if at = ""; found && strings.Contains(more, ">More</a>") {
				at, _, _ = strings.Cut(more, "#")
				at = strings.ReplaceAll(at, "&amp;", "&")
			}
		}
		if wanted := map[string]int{"letter:F": 325, "dane:yes": 650, "label:south": 650, "starttls:yes": 975, "provider:Provider+%26+Co": 975}[number]; seen != wanted {
			t.Errorf("%s leads to %d domains, not to %d", number, seen, wanted)
		}
	}
	want(t, w.ask("GET", "/survey/open?show=letter:F", ""), 200, `content="noindex"`)
	if body := w.ask("GET", "/survey/closed", "").Body.String(); strings.Contains(body, "show=") || strings.Contains(body, "d1.example") || !strings.Contains(body, "Only numbers are published") {
		t.Errorf("of a survey whose domains are not published the page shows too much:\n%s", body)
	}
}

// Files of a run hold its domains where these are published, and else its numbers.
func TestSurveyFiles(t *testing.T) {
	w := newWorld(t)
	surveyed(t, w, store.Survey{Name: "open", Named: true}, 30, func(i int) report.Letter { return "A" })
	surveyed(t, w, store.Survey{Name: "closed"}, 30, func(i int) report.Letter { return "B" })
	want(t, w.ask("GET", "/survey/open.csv", ""), 200, "domain,labels,letter", "d29.example,")
	want(t, w.ask("GET", "/survey/open/2026-11-01.json", ""), 200, `"looks":0`, `"domain":"d29.example"`)
	want(t, w.ask("GET", "/survey/closed.csv", ""), 200, "thing,answer,domains\nletter,B,30\n", "label,south,15")
	for _, format := range []string{"csv", "json", "parquet"} {
		if body := w.ask("GET", "/survey/closed."+format, "").Body.String(); strings.Contains(body, "d1.example") || len(body) == 0 {
			t.Errorf("%s of what is not published: %.200q", format, body)
		}
	}
	rec := w.ask("GET", "/survey/open.parquet", "")
	text := rec.Body.String()
	file, err := parquet.OpenFile(strings.NewReader(text), int64(len(text)))
	if err != nil || file.NumRows() != 30 {
		t.Errorf("parquet: %v, %v", file, err)
	}
	again := w.ask("GET", "/survey/open.parquet", "", "If-None-Match", rec.Header().Get("ETag"))
	if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("asked for again: %d", again.Code)
	}
	want(t, w.ask("GET", "/survey/open.atom", ""), 200, "<title>open</title>", "A 30", "/survey/open/2026-11-01")
	want(t, w.ask("GET", "/surveys.atom", ""), 200, "B 30")
}

// Who has asked to be left alone is counted, and named nowhere.
func TestSurveysNameNobodyWhoAskedNotTo(t *testing.T) {
	list := filepath.Join(t.TempDir(), "opt-outs")
	if err := os.WriteFile(list, []byte("d1.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	optOuts, err := scans.OpenOptOuts(list, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) { c.OptOuts = optOuts })
	surveyed(t, w, store.Survey{Name: "open", Named: true}, 4, func(int) report.Letter { return "A" }, func(i int) report.Letter { return []report.Letter{"A", "F"}[i%2] })
	for _, at := range []string{"/survey/open?show=letter:F", "/survey/open?show=since_last_run:A%3EF", "/survey/open.csv", "/survey/open.json"} {
		rec := w.ask("GET", at, "")
		want(t, rec, 200, "d3.example")
		if strings.Contains(rec.Body.String(), "d1.example") {
			t.Errorf("%s names it", at)
		}
	}
	want(t, w.ask("GET", "/survey/open?show=letter:F", ""), 200, "1 domain not named here", "2 domains.")
	want(t, w.ask("GET", "/survey/open", ""), 200, "show=since_last_run%3AA%3EF#domains")
}
