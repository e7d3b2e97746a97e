package web

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/web/api"
)

func TestHistoryInPages(t *testing.T) {
	w := newWorld(t)
	c := promised(t, w)
	start := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for i := range 7 {
		r := sample(domain(1), fmt.Sprintf("id%d", i))
		r.CheckedAt = start.Add(time.Duration(i)*time.Hour + 5*time.Millisecond)
		if i == 3 {
			r.Grade = nil
		}
		if err := w.cfg.Store.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	next := regexp.MustCompile(`^<(.+)>; rel="next"$`)
	var ids []string
	for path := "/api/v1/domains/d1.example/history?limit=3"; path != ""; {
		rec := c.ask("GET", path, "")
		want(t, rec, 200)
		var page api.History
		if err := json.Unmarshal(rec.Body.Bytes(), &page); err != nil || page.Domain != "d1.example" || len(page.Entries) > 3 {
			t.Fatalf("%s: %+v, %v", path, page, err)
		}
		for _, e := range page.Entries {
			ids = append(ids, e.ID)
			if e.URL != "/api/v1/reports/"+e.ID || e.Rules != report.RulesSet {
				t.Errorf("entry %+v", e)
			}
			want(t, c.ask("GET", e.URL, ""), 200, e.ID)
		}
		path = ""
		if m := next.FindStringSubmatch(rec.Header().Get("Link")); m != nil {
			path = m[1]
		}
	}
	if got := strings.Join(ids, " "); got != "id6 id5 id4 id3 id2 id1 id0" {
		t.Errorf("all pages together are %s", got)
	}
	rec := c.ask("GET", "/api/v1/domains/d1.example/history", "")
	want(t, rec, 200, "id6", "id0")
	if rec.Header().Get("Link") != "" {
		t.Error("there is no more, and yet a link to it")
	}
	want(t, c.ask("GET", "/api/v1/domains/d1.example/history", "", "If-None-Match", rec.Header().Get("ETag")), 304)
	want(t, c.ask("GET", "/api/v1/domains/d1.example/history?before=2020-01-01T00:00:00Z", ""), 200, `"entries":[]`)
	for query, at := range map[string]string{"limit=0": "query.limit", "limit=101": "query.limit", "limit=many": "query.limit", "before=yesterday": "query.before", "before=2026-01-01": "query.before"} {
		want(t, c.ask("GET", "/api/v1/domains/d1.example/history?"+query, ""), 422, `"location":"`+at+`"`)
	}
}

func TestEventsForPrograms(t *testing.T) {
	w := newWorld(t)
	c := promised(t, w)
	w.gate, w.say = make(chan struct{}), script
	server := serve(t, w)
	var s api.Pending
	if err := json.Unmarshal(c.order("example.org").Body.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	w.begun()
	for len(w.scans.Running("example.org").View().Findings) < 2 || w.scans.Running("example.org").View().Stages["mx"].Ended < 1 {
		time.Sleep(time.Millisecond)
	}
	early := listen(t, server, s.Links.Events)
	want := []event{{"1", "progress", `{"stage":"mx"}`}, {"2", "finding", ""}, {"3", "finding", ""}, {"4", "progress", `{"stage":"mx","ended":true}`}}
	for _, e := range want {
		got := early.next()
		if got.id != e.id || got.kind != e.kind || e.data != "" && got.data != e.data {
			t.Errorf("event %+v, want %+v", got, e)
		}
		schema := map[string]string{"progress": "Progress", "finding": "Finding"}[got.kind]
		c.holds(schema, []byte(got.data))
		if got.id == "3" {
			var f report.Finding
			if err := json.Unmarshal([]byte(got.data), &f); err != nil || f.Rule != "SMT-12" || f.Verdict != report.Fail || f.Address != "192.0.2.1" {
				t.Errorf("a finding as an event: %+v, %v", f, err)
			}
		}
	}
	late := listen(t, server, s.Links.Events+"?after=2")
	back := listen(t, server, s.Links.Events+"?after=1", "Last-Event-ID", "3")
	if e := late.next(); e.id != "3" {
		t.Errorf("who has heard two events hears %+v", e)
	}
	if late.next(); late.t.Failed() {
		return
	}
	if e := back.next(); e.id != "4" {
		t.Errorf("who comes back after three events hears %+v", e)
	}
	close(w.gate)
	end := event{"", "done", fmt.Sprintf(`{"id":%q,"letter":"C","provisional":false,"url":"/api/v1/reports/%s"}`, s.ID, s.ID)}
	for _, l := range []*listener{early, late, back} {
		if e := l.next(); e != end {
			t.Errorf("at the end %+v", e)
		}
		if e := l.next(); e.kind != "" {
			t.Errorf("behind the end %+v", e)
		}
	}
	w.settle()
	c.holds("Done", []byte(end.data))
	if e := listen(t, server, s.Links.Events).next(); e != end {
		t.Errorf("long after the end %+v", e)
	}
	rec := c.ask("GET", s.Links.Events, "")
	if kind := rec.Header().Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("events come as %s", kind)
	}
}

func TestACheckWithoutAReportEndsToo(t *testing.T) {
	w := newWorld(t)
	c := promised(t, w)
	gate := make(chan struct{})
	w.as = func(context.Context, input.Domain, string, func(report.Event)) *report.Report {
		<-gate
		panic("a mistake in a check")
	}
	server := serve(t, w)
	var s api.Pending
	if err := json.Unmarshal(c.order("example.org").Body.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	l := listen(t, server, s.Links.Events)
	for w.scans.Running("example.org").View().Waiting {
		time.Sleep(time.Millisecond)
	}
	close(gate)
	e := l.next()
	if e.kind != "failed" || !strings.Contains(e.data, "Something broke on our side") || strings.Contains(e.data, "mistake") {
		t.Errorf("at the end %+v", e)
	}
	c.holds("ProblemDetails", []byte(e.data))
	w.settle()
	want(t, c.ask("GET", s.Links.Report, ""), 404)
}
