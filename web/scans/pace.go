package scans

import (
	"math"
	"runtime/metrics"
	"time"
)

const (
	atOnce     = 4                      // scans that run begin at once; the pace is that of further ones
	startEvery = 15 * time.Millisecond  // from one scan that begins to the next, at least
	startLate  = 250 * time.Millisecond // the same at most, while readers wait
	waitsLong  = time.Millisecond       // for a processor: then readers feel it
	delayEvery = 50 * time.Millisecond  // so long is one look at that
)

// pace lets scans, beside the first few, begin one after another, and slowly while what is ready to compute waits for
// a processor: a scan begun then would end no sooner, and everybody who reads would wait behind
// it. Scans that wait for strangers take no processor, and hold nobody up.
type pace struct {
	delay func() time.Duration // how long what is ready waits for a processor; nil for no pace
	last  time.Time            // when a scan began
}

// wait is how long the next scan has to wait.
func (p *pace) wait() time.Duration {
	if p.delay == nil {
		return 0
	}
	since := time.Since(p.last)
	switch {
	case since < startEvery:
		return startEvery - since
	case since < startLate && p.delay() > waitsLong:
		return startEvery
	}
	return 0
}

// Delay returns a function that says how long nine of ten of what was ready to compute in this
// process have waited for a processor lately, at most. One Scanner calls it.
func Delay() func() time.Duration {
	sample := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	var before []uint64
	var at time.Time
	var delay time.Duration
	return func() time.Duration {
		if time.Since(at) < delayEvery {
			return delay
		}
		metrics.Read(sample)
		h := sample[0].Value.Float64Histogram()
		fresh := make([]uint64, len(h.Counts))
		for i, n := range h.Counts {
			fresh[i] = n
			if before != nil {
				fresh[i] -= before[i]
			}
		}
		before, at = append(before[:0], h.Counts...), time.Now()
		delay = ninth(fresh, h.Buckets)
		return delay
	}
}

// ninth is the upper end of the bucket in which nine of ten have been counted.
func ninth(counts []uint64, bounds []float64) time.Duration {
	var all, seen uint64
	for _, n := range counts {
		all += n
	}
	for i, n := range counts {
		if seen += n; all > 0 && 10*seen >= 9*all {
			if end := bounds[i+1]; !math.IsInf(end, 0) {
				return time.Duration(end * float64(time.Second))
			}
			return time.Duration(bounds[i] * float64(time.Second))
		}
	}
	return 0
}
