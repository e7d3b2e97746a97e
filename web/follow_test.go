package web

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/web/scans"
	"mxseal/web/store"
)

// followed is a site with n reports of a domain of the lab, an hour apart.
func followed(tb testing.TB, n int) *Site {
	tb.Helper()
	s := inTheLab(tb)
	d, err := s.cfg.Engine.ParseDomain("perfect.test")
	if err != nil {
		tb.Fatal(err)
	}
	if _, _, err := s.scans.Start(context.Background(), scans.Client{}, d); err != nil {
		tb.Fatal(err)
	}
	s.settle()
	kept, err := s.cfg.Store.Latest(context.Background(), d.ASCII)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range n - 1 {
		older := *kept
		older.ID, older.CheckedAt = store.NewID(), kept.CheckedAt.Add(-time.Duration(i+1)*time.Hour)
		if i%2 == 1 {
			older.Changes = []report.Change{{What: "tlsa", Host: "mx1.perfect.test", Before: "none", After: fmt.Sprint("change ", i)}}
			older.Past = &report.Past{CheckedAt: older.CheckedAt.Add(-time.Hour)}
		}
		if err := s.cfg.Store.Save(context.Background(), &older); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

func TestWhatADomainIsFollowedBy(t *testing.T) {
	s := followed(t, 5)
	ask := func(path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		return rec
	}
	for path, c := range map[string]struct {
		kind  string
		parts []string
	}{
		"/domain/perfect.test/calendar.ics": {"text/calendar; charset=utf-8", []string{"BEGIN:VCALENDAR\r\n", "SUMMARY:perfect.test: a certificate ends", "URL:https://mxseal.example/report/", "perfect.test was last looked at"}},
		"/domain/perfect.test/changes.atom": {"application/atom+xml; charset=utf-8", []string{"<title>perfect.test: A+</title>", "change 3", "https://mxseal.example/report/", "Last looked at on"}},
	} {
		rec := ask(path)
		want(t, rec, 200, c.parts...)
		if got := rec.Header().Get("Content-Type"); got != c.kind {
			t.Errorf("%s: %s, want %s", path, got, c.kind)
		}
		want(t, ask(path, "If-None-Match", rec.Header().Get("ETag")), 304)
		if again := ask(path); again.Body.String() != rec.Body.String() {
			t.Errorf("%s: asked again it is another one", path)
		}
	}
	before := s.scans.Stats()
	want(t, ask("/domain/nobody.test/calendar.ics"), 404, "Not checked yet")
	want(t, ask("/domain/nobody.test/changes.atom"), 404, "Not checked yet")
	want(t, ask("/domain/192.0.2.1/calendar.ics"), 404)
	want(t, ask("/domain/PERFECT.test/calendar.ics"), 301)
	if after := s.scans.Stats(); after != before {
		t.Errorf("reading has started something: %+v, was %+v", after, before)
	}
	want(t, ask("/check/perfect.test"), 200, `href="/domain/perfect.test/calendar.ics"`, `href="/domain/perfect.test/changes.atom"`)
}

// BenchmarkFollowing makes the feed and the calendar of a domain with 100 reports anew each time.
func BenchmarkFollowing(b *testing.B) {
	s := followed(b, 100)
	for b.Loop() {
		s.renderer.Pages.Clear()
		for _, file := range []string{"calendar.ics", "changes.atom"} {
			rec := httptest.NewRecorder()
			s.ServeHTTP(rec, httptest.NewRequest("GET", "/domain/perfect.test/"+file, nil))
			if rec.Code != 200 {
				b.Fatal(rec.Body)
			}
		}
	}
}
