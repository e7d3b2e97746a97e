package store

import (
	"strings"
	"testing"
	"time"
)

func TestUntilKnowsNothingOfLaterReports(t *testing.T) {
	s, _ := opened(t)
	for i, id := range []string{"first", "second", "third"} {
		if err := s.Save(t.Context(), sample("example.org", id, noon.Add(time.Duration(i)*time.Hour))); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		moment time.Time
		n      int
		want   string
	}{
		{noon.Add(-time.Second), 9, ""},
		{noon, 9, "first"},
		{noon.Add(time.Hour), 9, "second first"}, // the report of that very moment among them
		{noon.Add(9 * time.Hour), 9, "third second first"},
		{noon.Add(9 * time.Hour), 2, "third second"}, // the youngest
	} {
		list, err := s.Until(t.Context(), "example.org", c.moment, c.n)
		var ids []string
		for _, e := range list {
			ids = append(ids, e.ID)
		}
		if got := strings.Join(ids, " "); err != nil || got != c.want {
			t.Errorf("until %s, %d of them: %q, %v; want %q", c.moment, c.n, got, err, c.want)
		}
	}
}
