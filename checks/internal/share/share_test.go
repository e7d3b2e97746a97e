package share

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// clients enter a queue one by one and write down the order in which they got in.
type clients struct {
	t     *testing.T
	queue *Queue
	mu    sync.Mutex
	in    []string
}

func (c *clients) enter(ctx context.Context, scan *Scan, name string) {
	go func() {
		if c.queue.Enter(ctx, scan) == nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.in = append(c.in, name)
		}
	}()
	synctest.Wait()
}

func (c *clients) want(names ...string) {
	c.t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.in, names) {
		c.t.Errorf("in: %v, want %v", c.in, names)
	}
}

func TestScansTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, n := new(Scan), new(Scan), new(Scan)
		c := &clients{t: t, queue: New(2, 0)}
		for _, name := range []string{"a1", "a2", "a3", "a4", "a5"} {
			c.enter(t.Context(), a, name)
		}
		c.enter(t.Context(), b, "b1")
		c.enter(t.Context(), b, "b2")
		c.enter(t.Context(), n, "n1")
		c.want("a1", "a2")
		c.queue.Leave(a)
		c.want("a1", "a2", "a3")
		c.queue.Leave(a)
		c.want("a1", "a2", "a3", "b1")
		c.queue.Leave(b)
		c.want("a1", "a2", "a3", "b1", "n1")
		c.queue.Leave(a)
		c.want("a1", "a2", "a3", "b1", "n1", "a4")
		c.queue.Leave(n)
		c.want("a1", "a2", "a3", "b1", "n1", "a4", "b2")
		c.queue.Leave(a)
		c.want("a1", "a2", "a3", "b1", "n1", "a4", "b2", "a5")
		c.queue.Leave(a)
		c.queue.Leave(b)
		if free := c.queue.free; free != 2 || len(c.queue.lines) != 0 || len(c.queue.turns) != 0 {
			t.Errorf("%d free, %d lines, %d turns at the end", free, len(c.queue.lines), len(c.queue.turns))
		}
	})
}

func TestWhoLeavesTheLineLosesNobodysPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := new(Scan), new(Scan)
		c := &clients{t: t, queue: New(1, 0)}
		c.enter(t.Context(), a, "a1")
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c.enter(short, a, "a2")
		c.enter(t.Context(), b, "b1")
		c.enter(t.Context(), a, "a3")
		time.Sleep(2 * time.Second)
		c.queue.Leave(a)
		c.want("a1", "a3") // a waits since before b came
		c.queue.Leave(a)
		c.want("a1", "a3", "b1")
		c.queue.Leave(b)
		if err := c.queue.Enter(short, a); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who has no time left gets %v", err)
		}
		if free := c.queue.free; free != 1 || len(c.queue.lines) != 0 {
			t.Errorf("%d free, %d lines", free, len(c.queue.lines))
		}
	})
}

// Where many want all they can get, each gets alike, and who comes new has a place at once.
func TestTheThreshold(t *testing.T) {
	const places, parts, most = 512, 16, 64
	synctest.Test(t, func(t *testing.T) {
		q := New(places, parts)
		ctx, cancel := context.WithCancel(t.Context())
		var work sync.WaitGroup
		var greedy []*Scan
		held := func(scan *Scan) int {
			q.mu.Lock()
			defer q.mu.Unlock()
			return q.lines[scan].held
		}
		for n := range most {
			scan := new(Scan)
			for range 2 * places / parts {
				work.Go(func() {
					for q.Enter(ctx, scan) == nil {
						time.Sleep(time.Second)
						q.Leave(scan)
					}
				})
			}
			synctest.Wait()
			if got := held(scan); got == 0 {
				t.Errorf("beside %d others a newcomer has no place", n)
			}
			greedy = append(greedy, scan)
			time.Sleep(5 * time.Second)
			synctest.Wait()
			for _, scan := range greedy {
				if got, fair := held(scan), places/(parts+n+1); got < fair-1 || got > fair+2 {
					t.Errorf("one of %d has %d places, want about %d", n+1, got, fair)
				}
			}
		}
		cancel()
		work.Wait()
		if q.free != places || len(q.lines) != 0 || len(q.turns) != 0 {
			t.Errorf("%d free, %d lines, %d turns at the end", q.free, len(q.lines), len(q.turns))
		}
	})
}

// However they come and go, every place comes back and nobody is forgotten.
func TestPlacesComeBack(t *testing.T) {
	for _, parts := range []int{0, 1, 4} {
		synctest.Test(t, func(t *testing.T) {
			q := New(7, parts)
			var work sync.WaitGroup
			served, gone := 0, 0
			var mu sync.Mutex
			for range 10 {
				scan := new(Scan)
				for range 100 {
					work.Go(func() {
						time.Sleep(time.Duration(rand.IntN(1000)) * time.Millisecond)
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(10_000))*time.Millisecond)
						defer cancel()
						err := q.Enter(ctx, scan)
						mu.Lock()
						defer mu.Unlock()
						if err != nil {
							gone++
							return
						}
						served++
						work.Go(func() {
							time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
							q.Leave(scan)
						})
					})
				}
			}
			work.Wait()
			if q.free != 7 || len(q.lines) != 0 || len(q.turns) != 0 || served+gone != 1000 || served == 0 {
				t.Errorf("parts %d: %d free, %d lines, %d turns; %d served, %d gone", parts, q.free, len(q.lines), len(q.turns), served, gone)
			}
		})
	}
}
