package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/web/rendering"
	"mxseal/web/scans"
)

// A page whose making panics is our own fault, for all who wait, and blocks nobody.
func TestAPanicWhileAPageIsMade(t *testing.T) {
	w := newWorld(t)
	broken := w.rescue(w.page(func(rw http.ResponseWriter, r *http.Request, who scans.Client) error {
		_, err := w.renderer.Get(r.Context(), who, w.renderer.Pages, strings.TrimPrefix(r.URL.Path, "/"), rendering.Head{}, func(context.Context, io.Writer) error { panic("a mistake in a page") })
		return err
	}))
	for _, name := range []string{"", "name"} {
		for range 2 * 4 {
			rec := httptest.NewRecorder()
			broken.ServeHTTP(rec, httptest.NewRequest("GET", "/"+name, nil))
			want(t, rec, 500, "Something broke on our side")
		}
	}
	if log := w.log.String(); strings.Count(log, "a mistake in a page") < 4*4 || !strings.Contains(log, "renderer_test.go") {
		t.Error("the log does not say what happened, or where")
	}
	if h := w.renderer.Pages.Held(); h.Items != 0 {
		t.Errorf("%d pages are kept", h.Items)
	}
	want(t, w.ask("GET", "/grades", ""), 200)
}

// Who has to wait is told so: a page for people, problem details for programs, both with
// Retry-After, and none of them needs a turn.
func TestManyAreReading(t *testing.T) {
	const clientRenderings = 16
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.save(t, graded("example.org", "A", 1))
		gate := make(chan struct{})
		var others sync.WaitGroup
		for range clientRenderings { // as many as one client may wait for, the first of them in the making
			others.Go(func() {
				who := scans.Client{By: "form", Addr: netip.MustParseAddr("192.0.2.1")}
				_, err := w.renderer.Get(t.Context(), who, w.renderer.Pages, "", rendering.Head{}, func(context.Context, io.Writer) error { <-gate; return nil })
				if err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		for _, path := range []string{"/", "/check/example.org", "/report/example-org", "/report/example-org/card.png", "/grades", "/api", "/checks/mx", "/badge/example.org"} {
			rec := w.ask("GET", path, "")
			want(t, rec, 503, "Many are reading just now", "Please wait", `action="/check"`)
			if rec.Header().Get("Retry-After") != "5" {
				t.Errorf("%s: Retry-After %q", path, rec.Header().Get("Retry-After"))
			}
			if rec.Header().Get("ETag") != "" {
				t.Errorf("%s: an ETag for what is not there", path)
			}
		}
		for _, path := range []string{"/api/v1/reports/example-org", "/api/v1/domains/example.org", "/api/v1/domains/example.org/history", "/openapi.json"} {
			rec := w.ask("GET", path, "")
			want(t, rec, 503, `"status":503`, "Many are reading just now")
			if rec.Header().Get("Retry-After") != "5" {
				t.Errorf("%s: Retry-After %q", path, rec.Header().Get("Retry-After"))
			}
		}
		want(t, w.ask("GET", "/healthz", ""), 200)
		want(t, w.ask("GET", "/nothing", ""), 404, "There is nothing here")
		for _, form := range []string{".svg", "@2x.png", ".png", ".json"} { // they stand in the pages of others
			want(t, w.ask("GET", "/badge/example.org"+form, ""), 200)
		}
		list, _ := scrape(t, w.Site)
		if n := value(list, "mxseal_renderings_refused_total"); n == "0" || value(list, "mxseal_renderings") != fmt.Sprint(clientRenderings) {
			t.Errorf("%s were refused, %s wait", n, value(list, "mxseal_renderings"))
		}
		if pages, brief := w.renderer.Pages.Held(), w.renderer.Brief.Held(); pages.Items != 0 || brief.Items != 2 {
			t.Errorf("%d pages are kept, and %d for a moment: want the two that say so", pages.Items, brief.Items)
		}
		close(gate)
		others.Wait()
	})
}

// A page that was made before the last check is never shown behind it, whatever the caches
// still hold of it.
func TestNoPageIsBehindTheLastReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		addresses := func(letter string) {
			t.Helper()
			want(t, w.ask("GET", "/check/example.org", ""), 200, `aria-label="Grade `+letter+`"`)
			want(t, w.ask("GET", "/check/example.org", "", "Accept", json_), 200, `"letter":"`+letter+`"`)
			want(t, w.ask("GET", "/api/v1/domains/example.org", ""), 200, `"letter":"`+letter+`"`)
			want(t, w.ask("GET", "/badge/example.org.json", ""), 200, `"message":"`+letter+` ·`)
		}
		for _, letter := range []string{"F", "C", "A", "D"} {
			w.as = func(_ context.Context, _ input.Domain, id string, _ func(report.Event)) *report.Report {
				r := graded("example.org", report.Letter(letter), 0)
				r.ID, r.CheckedAt = id, time.Now()
				return r
			}
			w.post("example.org")
			w.settle()
			addresses(letter)
			time.Sleep(scans.FreshFor)
		}
	})
}

// Pages of a running check are shared by all who see the same state of it, and kept as long
// as a page that loads itself again.
func TestTheLivePageIsShared(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	w.post("example.org")
	for range 20 {
		want(t, w.ask("GET", "/check/example.org", ""), 200, `http-equiv="refresh"`)
	}
	if h := w.renderer.Brief.Held(); h.Items == 0 || h.Items > 3 {
		t.Errorf("twenty readers, %d pages", h.Items)
	}
	if h := w.renderer.Pages.Held(); h.Items != 0 {
		t.Errorf("%d of them are among the pages that are kept", h.Items)
	}
	close(w.gate)
	w.settle()
}

// Badges of one domain that all expire at once are looked up once.
func TestASummaryIsLookedUpOnce(t *testing.T) {
	w := newWorld(t)
	w.save(t, graded("example.org", "A", 1, "DANE"))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { want(t, w.ask("GET", "/badge/example.org.svg", ""), 200) })
	}
	all.Wait()
	if h := w.badges.Held(); h.Items != 1 {
		t.Errorf("%d summaries are kept", h.Items)
	}
	if h := w.renderer.Pictures.Held(); h.Items != 1 {
		t.Errorf("%d pictures are kept", h.Items)
	}
}
