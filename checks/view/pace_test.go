package view

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	for _, c := range []struct {
		done, left int64
		took       time.Duration
		want       string
	}{
		{0, 1, time.Hour, ""},
		{40, 60, time.Second / 2, ""},
		{40, 60, -time.Hour, ""},
		{40, 0, 10 * time.Second, "4 a second"},
		{40, -60, 10 * time.Second, "4 a second"},
		{40, 60, 10 * time.Second, "4 a second · 15 s left"},
		{5, 999_995, 20 * time.Second, "15 a minute · 46 days left"},
		{360, 35_640, time.Minute, "6 a second · 1 h 39 min left"},
		{1, 1_000_000, 30 * 24 * time.Hour, "less than 1 a minute · 9999 days left"},
	} {
		if got := PaceOf(c.done, c.left, c.took).String(); got != c.want {
			t.Errorf("%d done in %v, %d left: %q, want %q", c.done, c.took, c.left, got, c.want)
		}
	}
}
