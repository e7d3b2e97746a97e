package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"mxseal/checks/input"
	"mxseal/web/jobs"
	"mxseal/web/watch"
)

// A watch by its pages: asked for, confirmed by a button and not by a look at the link, read by who knows its
// address, and ended by one click.
func TestAWatchByItsPages(t *testing.T) {
	said := make(chan string, 10)
	var told *watch.Watches
	var engine *jobs.Engine
	w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) {
		var kinds []jobs.Kind
		told, kinds = watch.New(watch.Config{Store: c.Store, Webhooks: true, BaseURL: c.BaseURL, Log: slog.New(slog.DiscardHandler),
			Parse: func(typed string) (input.Domain, error) { return input.Parse(typed, true) },
			Post: func(_ context.Context, _ string, _ map[string]string, body []byte) (int, error) {
				var p struct{ Data struct{ Confirm string } }
				err := json.Unmarshal(body, &p)
				said <- p.Data.Confirm
				return 204, err
			}})
		var err error
		if engine, err = jobs.New(jobs.Config{Store: c.Store, Kinds: kinds, Queues: watch.Queues(), Log: slog.New(slog.DiscardHandler)}); err != nil {
			t.Fatal(err)
		}
		c.Watches = told
	})
	told.By(engine, w.Look)
	if err := engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer engine.Stop(context.Background())
	want(t, w.ask("GET", "/watch?domain=example.net", ""), 200, `action="/watch"`, `value="example.net"`)
	want(t, w.ask("POST", "/watch", "domain=none&target=https://hooks.example.org/"), 422, `role="alert"`)
	want(t, w.ask("POST", "/watch", "domain=example.net&target=me@example.org"), 422, "webhooks only")
	want(t, w.ask("POST", "/watch", "domain=example.net&target="+hostile), 422, "&lt;script&gt;")
	want(t, w.ask("POST", "/watch", "domain=Example.net&target=https://hooks.example.org/x"), 202, "Please confirm")
	at := strings.TrimPrefix(<-said, "https://mxseal.example")
	for range 2 {
		want(t, w.ask("GET", at, ""), 200, "hooks.example.org", "<button")
	}
	want(t, w.ask("POST", at, "", "Origin", "https://elsewhere.example"), 403)
	rec := w.ask("POST", at, "")
	want(t, rec, 303)
	page := rec.Header().Get("Location")
	want(t, w.ask("GET", at, ""), 404, "no such watch")
	rec = w.ask("GET", page, "")
	want(t, rec, 200, "example.net", "whsec_", `name="robots" content="noindex`)
	if h := rec.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%v", h)
	}
	want(t, w.ask("GET", page+"/end", ""), 303)
	want(t, w.ask("POST", page+"/end", "List-Unsubscribe=One-Click"), 200, "has ended")
	want(t, w.ask("GET", page, ""), 404, "no such watch")
	if strings.Contains(w.log.String(), strings.TrimPrefix(page, "/watch/")) {
		t.Errorf("the key of a watch is in the log:\n%s", w.log)
	}
	r, err := w.Look(t.Context(), "example.net")
	if err != nil || r.Domain != "example.net" {
		t.Errorf("%+v, %v", r, err)
	}
	again, err := w.Look(t.Context(), "example.net")
	if err != nil || again.ID != r.ID || w.runs.Load() != 1 {
		t.Errorf("a fresh report is not handed out: %+v, %v", again, err)
	}
	none := newWorld(t)
	want(t, none.ask("GET", "/watch", ""), 404)
}
