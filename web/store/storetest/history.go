package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/web/store"
)

func latestAndHistory(t *testing.T, s *store.Store) {
	var ids []string
	for i := range 5 {
		r := Sample("example.org", store.NewID(), Noon.Add(time.Duration(i/2)*time.Hour)) // two of the same instant
		ids = append(ids, r.ID)
		save(t, s, r)
	}
	save(t, s, Sample("example.net", store.NewID(), Noon.Add(9*time.Hour)))
	latest, err := s.Latest(t.Context(), "example.org")
	if err != nil || latest.ID != ids[4] {
		t.Errorf("Latest gave %v, %v; want the report saved last", latest, err)
	}
	list, err := s.History(t.Context(), "example.org", 3)
	if got, want := named(list), strings.Join([]string{ids[4], ids[3], ids[2]}, " "); err != nil || got != want {
		t.Fatalf("History gave %s, %v; want %s", got, err, want)
	}
	if e := list[0]; e.Letter != "B" || !e.Provisional || e.Rules != report.RulesSet || !e.CheckedAt.Equal(Noon.Add(2*time.Hour)) || e.CheckedAt.Location() != time.UTC {
		t.Errorf("the entry says %+v", e)
	}
	if e, err := s.Entry(t.Context(), ids[4]); err != nil || e != list[0] {
		t.Errorf("Entry gave %+v, %v; want %+v", e, err, list[0])
	}
}

// named are the ids of entries, in their order.
func named(list []store.Entry) string {
	var ids []string
	for _, e := range list {
		ids = append(ids, e.ID)
	}
	return strings.Join(ids, " ")
}

func until(t *testing.T, s *store.Store) {
	for i, id := range []string{"first", "second", "third"} {
		save(t, s, Sample("example.org", id, Noon.Add(time.Duration(i)*time.Hour)))
	}
	for _, c := range []struct {
		moment time.Time
		n      int
		want   string
	}{
		{Noon.Add(-time.Second), 9, ""},
		{Noon, 9, "first"},
		{Noon.Add(time.Hour), 9, "second first"}, // the report of that very moment among them
		{Noon.Add(9 * time.Hour), 9, "third second first"},
		{Noon.Add(9 * time.Hour), 2, "third second"}, // the youngest
	} {
		list, err := s.Until(t.Context(), "example.org", c.moment, c.n)
		if got := named(list); err != nil || got != c.want {
			t.Errorf("until %s, %d of them: %q, %v; want %q", c.moment, c.n, got, err, c.want)
		}
	}
}

func expiry(t *testing.T, s *store.Store) {
	day := 24 * time.Hour
	for _, r := range []struct {
		domain, id string
		age        time.Duration
	}{
		{"old.example", "the only one of its domain", 400 * day},
		{"busy.example", "ancient", 800 * day},
		{"busy.example", "a moment too old", 365*day + time.Millisecond},
		{"busy.example", "of that very moment", 365 * day},
		{"busy.example", "today's", 0},
		{"new.example", "young", day},
	} {
		save(t, s, Sample(r.domain, r.id, Noon.Add(-r.age)))
	}
	for _, c := range []struct {
		why    string
		before time.Time
		gone   int64
		kept   string
	}{
		{"nothing is that old", Noon.Add(-1000 * day), 0, "busy.example:4 new.example:1 old.example:1"},
		{"no exception for the only report of a domain", Noon.Add(-365 * day), 3, "busy.example:2 new.example:1 old.example:0"},
		{"a second time there is nothing to do", Noon.Add(-365 * day), 0, "busy.example:2 new.example:1 old.example:0"},
		{"all of them", Noon.Add(day), 3, "busy.example:0 new.example:0 old.example:0"},
	} {
		gone, err := s.Expire(t.Context(), c.before)
		var kept []string
		for _, domain := range []string{"busy.example", "new.example", "old.example"} {
			list, err := s.History(t.Context(), domain, 9)
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, fmt.Sprint(domain, ":", len(list)))
		}
		if got := strings.Join(kept, " "); err != nil || gone != c.gone || got != c.kept {
			t.Errorf("%s: %d gone, %s kept, %v; want %d and %s", c.why, gone, got, err, c.gone, c.kept)
		}
	}
	if _, err := s.Get(t.Context(), "ancient"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a report that is gone: %v", err)
	}
	if n, err := s.Reports(t.Context()); n != 0 || err != nil {
		t.Errorf("%d reports are left, %v", n, err)
	}
}
