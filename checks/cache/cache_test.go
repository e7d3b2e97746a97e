package cache_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/cache"
)

// Strangers choose what is put in: whatever they send, so many octets are held and no more.
func TestACacheIsBoundedInOctets(t *testing.T) {
	const most = 1 << 20
	c := cache.New[string](most, time.Hour, nil)
	for i := range 20_000 {
		c.Put(fmt.Sprint(i), strings.Repeat("x", i%10_000))
		if h := c.Held(); h.Octets > most {
			t.Fatalf("%d octets after %d values, want at most %d", h.Octets, i+1, most)
		}
	}
	h := c.Held()
	if h.Items == 0 || h.Items+h.Pushed != 20_000 || h.Octets < most*7/8 || h.Most != most {
		t.Errorf("held: %+v", h)
	}
	c.Clear()
	if h := c.Held(); h.Items != 0 || h.Octets != 0 {
		t.Errorf("after Clear: %+v", h)
	}
}

// What was asked for longest ago makes room, and what is put in again counts once.
func TestTheLeastUsedMakesRoom(t *testing.T) {
	c := cache.New[string](64<<10, time.Hour, nil)
	value := strings.Repeat("x", 6<<10)
	for i := range 10 {
		c.Put(fmt.Sprint(i), value)
	}
	before := c.Held()
	if before.Items != 10 || before.Pushed != 0 {
		t.Fatalf("ten values of 6 KiB in 64 KiB: %+v", before)
	}
	c.Put("3", value)
	if h := c.Held(); h != before {
		t.Errorf("put in again: %+v, want %+v", h, before)
	}
	c.Get("0")
	c.Put("10", value)
	c.Put("11", value)
	for key, want := range map[string]bool{"0": true, "1": false, "2": false, "3": true, "4": true, "11": true} {
		if _, ok := c.Get(key); ok != want {
			t.Errorf("%s is kept: %v, want %v", key, ok, want)
		}
	}
	c.Put("4", strings.Repeat("x", 17<<10))
	if _, ok := c.Get("4"); ok || c.Held().Items != 9 {
		t.Error("a value of more than a quarter is kept, or the one before it")
	}
}

// A timer sweeps, and ends when there is nothing to sweep; nobody has to ask.
func TestWhatHasExpiredIsSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cache.New[string](1<<20, 10*time.Minute, nil)
		for range 3 {
			for i := range 100 {
				c.Put(fmt.Sprint(i), "value")
			}
			c.PutFor("short", "value", time.Second)
			c.PutFor("never", "value", 0)
			if _, ok := c.Get("never"); ok || c.Held().Items != 101 {
				t.Fatalf("held: %+v", c.Held())
			}
			time.Sleep(2 * time.Second)
			if _, ok := c.Get("short"); ok {
				t.Error("it is told after its time")
			}
			time.Sleep(time.Minute)
			if h := c.Held(); h.Items != 100 {
				t.Errorf("a minute after one has expired: %+v", h)
			}
			if _, expires, ok := c.Until("7"); !ok || time.Until(expires) != 10*time.Minute-62*time.Second {
				t.Errorf("expires in %v, %v", time.Until(expires), ok)
			}
			time.Sleep(10 * time.Minute)
			if h := c.Held(); h.Items != 0 || h.Octets != 0 || h.Pushed != 0 {
				t.Errorf("a minute after all have expired: %+v", h)
			}
		}
	})
}

// The timer does not keep a cache alive that nobody has any more: checks have caches of their own.
func TestACacheThatNobodyHasIsGone(t *testing.T) {
	gone := make(chan struct{})
	func() {
		c := cache.New[*[]byte](1<<20, time.Hour, nil)
		value := new(make([]byte, 1000))
		runtime.AddCleanup(value, func(c chan struct{}) { close(c) }, gone)
		c.Put("key", value)
	}()
	for range 2000 {
		runtime.GC()
		select {
		case <-gone:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("the cache is still held")
}

func TestACacheForMany(t *testing.T) {
	c := cache.New[string](64<<10, time.Hour, nil)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 2000 {
				key := fmt.Sprint((n * (i + 1)) % 300)
				c.Put(key, strings.Repeat("x", n%900))
				c.Get(key)
				if n%7 == 0 {
					c.Drop(key)
				}
			}
		})
	}
	all.Wait()
	h := c.Held()
	c.Clear()
	if after := c.Held(); h.Octets > 64<<10 || after.Items != 0 || after.Octets != 0 {
		t.Errorf("held %+v, and after Clear %+v", h, after)
	}
}

type leaf struct {
	Name string
	At   time.Time
	next *leaf
}

func TestOctets(t *testing.T) {
	ring := &leaf{Name: "ab"}
	ring.next = ring
	shared := &leaf{Name: strings.Repeat("x", 1000)}
	var none *leaf
	for _, c := range []struct {
		v           any
		least, most int
		why         string
	}{
		{nil, 0, 0, "nothing"},
		{none, 8, 8, "a nil pointer"},
		{struct{}{}, 0, 0, "an empty struct"},
		{"", 16, 16, "an empty text"},
		{strings.Repeat("x", 1000), 1016, 1040, "a text"},
		{make([]byte, 10, 5000), 5024, 5050, "a slice counts with the room behind it"},
		{[]string{"abc", strings.Repeat("y", 500)}, 24 + 32 + 503, 24 + 32 + 503 + 64, "a slice of texts"},
		{[2]any{7, "abc"}, 32 + 8 + 16 + 3, 32 + 8 + 16 + 3 + 32, "interfaces"},
		{map[string]int{"abc": 1, "def": 2}, 8 * 24, 8*25 + 150, "a map"},
		{ring, 60, 100, "what leads to itself counts once"},
		{[]*leaf{shared, shared, shared}, 1000, 1200, "what is held three times counts once"},
		{time.Now(), 24, 24, "a time does not count its zone"},
		{make(chan int), 8, 8, "a channel"},
	} {
		if n := cache.Octets(c.v); n < c.least || n > c.most {
			t.Errorf("%s: %d octets, want %d to %d", c.why, n, c.least, c.most)
		}
	}
}

// What is counted is what is taken, within a quarter.
func TestOctetsAreHonest(t *testing.T) {
	for name, make := range map[string]func(i int) any{
		"names":  func(i int) any { return struct{}{} },
		"texts":  func(i int) any { return strings.Repeat("x", i%700) },
		"leaves": func(i int) any { return []*leaf{{Name: fmt.Sprint(i)}, {Name: strings.Repeat("y", i%90)}} },
		"maps":   func(i int) any { return map[string]string{fmt.Sprint(i): fmt.Sprint(-i), "x": fmt.Sprint(i)} },
	} {
		c := cache.New[any](1<<30, time.Hour, nil)
		before := heap()
		for i := range 20_000 {
			c.Put(fmt.Sprint("a name of ordinary length ", i), make(i))
		}
		taken, counted := heap()-before, c.Held().Octets
		t.Logf("%s: %d KiB counted, %d KiB taken", name, counted>>10, taken>>10)
		if counted < taken*3/4 || counted > taken*2 {
			t.Errorf("%s: %d octets counted, %d taken", name, counted, taken)
		}
		runtime.KeepAlive(c)
	}
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Those who want the same at the same time share one piece of work.
func TestAFlightIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f cache.Flight[int]
		var worked atomic.Int32
		work := func(ctx context.Context) int {
			worked.Add(1)
			select {
			case <-time.After(time.Second):
				return 7
			case <-ctx.Done():
				return -1
			}
		}
		var all sync.WaitGroup
		for i := range 20 {
			ctx, leave := context.WithCancel(t.Context())
			all.Go(func() {
				defer leave()
				if v, ok := f.Do(ctx, "key", work); i == 0 && ok || i > 0 && v != 7 {
					t.Errorf("%d: %d, %v", i, v, ok)
				}
			})
			if i == 0 { // the first leaves: the others get it all the same
				time.AfterFunc(time.Second/2, leave)
			}
		}
		all.Wait()
		if n := worked.Load(); n != 1 {
			t.Errorf("it was done %d times", n)
		}
		ctx, leave := context.WithTimeout(t.Context(), time.Second/2)
		defer leave()
		if _, ok := f.Do(ctx, "key", work); ok {
			t.Error("the only one who waits has left, and gets it")
		}
	})
}

// A panic is of all who wait for the work, and of nobody who comes later.
func TestAFlightThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f cache.Flight[int]
		var told atomic.Int32
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				defer func() {
					if text, _ := recover().(string); strings.Contains(text, "a mistake") && strings.Contains(text, "cache_test.go") {
						told.Add(1)
					}
				}()
				f.Do(t.Context(), "key", func(context.Context) int { time.Sleep(time.Second); panic("a mistake") })
			})
		}
		all.Wait()
		if n := told.Load(); n != 5 {
			t.Errorf("%d of 5 were told, with where it happened", n)
		}
		if v, ok := f.Do(t.Context(), "key", func(context.Context) int { return 7 }); !ok || v != 7 {
			t.Errorf("afterwards: %d, %v", v, ok)
		}
	})
}
