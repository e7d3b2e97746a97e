package scans

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// The first scans begin at once, further ones one after another, slowly while what is ready to compute waits for a processor, and
// each of them begins.
func TestThePaceOfScans(t *testing.T) {
	for _, c := range []struct {
		delay time.Duration
		took  time.Duration // until the last of ten further ones has begun
	}{{0, 10 * startEvery}, {waitsLong, 10 * startEvery}, {2 * waitsLong, 10 * startLate}} {
		t.Run(fmt.Sprint(c.delay), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.queue.pace.delay = func() time.Duration { return c.delay }
				w.hold()
				start := time.Now()
				for i := range atOnce + 10 {
					w.start(t, Client{}, domain(i))
				}
				if s := w.Stats(); s.Running != atOnce || s.Waiting != 10 {
					t.Errorf("%d run at once, and %d wait", s.Running, s.Waiting)
				}
				w.begun(atOnce + 10)
				if took := time.Since(start); took < c.took || took > c.took+10*startEvery {
					t.Errorf("ten more have begun within %v, want %v", took, c.took)
				}
			})
		})
	}
}

func TestNineOfTenWaits(t *testing.T) {
	bounds := []float64{math.Inf(-1), 0, 0.001, 0.01, math.Inf(1)}
	for _, c := range []struct {
		counts []uint64
		want   time.Duration
	}{
		{[]uint64{0, 0, 0, 0}, 0},
		{[]uint64{0, 9, 0, 1}, time.Millisecond},
		{[]uint64{0, 8, 2, 0}, 10 * time.Millisecond},
		{[]uint64{0, 1, 0, 9}, 10 * time.Millisecond},
	} {
		if got := ninth(c.counts, bounds); got != c.want {
			t.Errorf("%v: %v, want %v", c.counts, got, c.want)
		}
	}
	if delay := Delay(); delay() < 0 {
		t.Error("a delay below nothing")
	}
}
