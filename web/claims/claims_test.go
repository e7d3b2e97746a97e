package claims

import (
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func of(addr string) *want {
	return &want{key: key(netip.MustParseAddr(addr)), lost: func() {}, got: make(chan struct{}), pause: firstTry}
}

func TestAnAddressHasOneKey(t *testing.T) {
	if of("192.0.2.1").key != of("::ffff:192.0.2.1").key || of("2001:db8::1").key != of("2001:DB8:0:0::1").key {
		t.Error("two spellings of an address have two keys")
	}
	if of("192.0.2.1").key == of("192.0.2.2").key {
		t.Error("two addresses have one key")
	}
}

// The locks of a session count how often they were taken: no key may be asked for twice, nor one that is held.
func TestAKeyIsAskedForOnce(t *testing.T) {
	first, second, held := of("192.0.2.1"), of("192.0.2.1"), of("192.0.2.2")
	c := &Claims{wanted: map[*want]struct{}{first: {}, second: {}, of("192.0.2.2"): {}}, held: map[int64]*want{held.key: held}}
	now := time.Now()
	freed, asked, _ := c.due(now, now.Add(beat))
	if len(freed) != 0 || len(asked) != 1 || asked[first.key] == nil {
		t.Errorf("%v are asked for, %v given back", asked, freed)
	}
	c.answered(0, asked, map[int64]bool{first.key: true})
	if _, asked, _ = c.due(now, now.Add(beat)); len(asked) != 0 {
		t.Errorf("%v are asked for", asked)
	}
	c.release(c.held[held.key])
	if freed, asked, _ = c.due(now, now.Add(beat)); !slices.Equal(freed, []int64{held.key}) || asked[held.key] == nil {
		t.Errorf("%v are asked for, %v given back", asked, freed)
	}
}

// What another process has is asked for again later; what nobody wants any more is given back.
func TestAnswers(t *testing.T) {
	w := of("192.0.2.1")
	c := &Claims{wanted: map[*want]struct{}{w: {}}, held: make(map[int64]*want)}
	for range 20 {
		c.answered(0, map[int64]*want{w.key: w}, nil)
		now := time.Now()
		if _, asked, until := c.due(now, now.Add(beat)); len(asked) != 0 || until != w.next || w.pause > lastTry {
			t.Fatalf("%v are asked for at once", asked)
		}
	}
	c.release(w)
	if c.answered(1, map[int64]*want{w.key: w}, map[int64]bool{w.key: true}) {
		t.Error("a session that is over is used")
	}
	c.answered(0, map[int64]*want{w.key: w}, map[int64]bool{w.key: true})
	if freed, _, _ := c.due(time.Now(), time.Now()); !slices.Equal(freed, []int64{w.key}) || len(c.held) != 0 {
		t.Errorf("%v are given back", freed)
	}
}

// A session is silent when its beat stood still for as long as it was watched.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Claims{others: make(map[int64]watched)}
		for second := range 20 {
			still, beats := int64(7), int64(second)
			if second > 3 {
				still = 8 // the last time
			}
			silent := c.watch(map[int64]int64{1: still, 2: beats}, time.Now())
			if over := second >= 4+int(silence.Seconds()); len(silent) > 0 != over || over && silent[1] != 8 {
				t.Errorf("after %d s %v", second, silent)
			}
			time.Sleep(time.Second)
		}
		c.watch(map[int64]int64{2: 20}, time.Now())
		if len(c.others) != 1 {
			t.Errorf("%v", c.others)
		}
	})
}

// A lease ends at its time, unless it was extended; whoever has a claim is told once.
func TestALeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int32
		w := of("192.0.2.1")
		w.lost = func() { told.Add(1) }
		c := &Claims{log: slog.New(slog.DiscardHandler), held: map[int64]*want{w.key: w}}
		c.lease = lease{session: 1, expires: time.Now().Add(leaseTime), timer: time.AfterFunc(leaseTime, func() { c.expire(1) })}
		time.Sleep(leaseTime - time.Second)
		if sent := time.Now().Add(-2 * time.Second); !c.extend(1, sent) {
			t.Fatal("it was not extended")
		}
		time.Sleep(leaseTime - 3*time.Second)
		synctest.Wait()
		if told.Load() != 0 {
			t.Fatal("it ended early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := told.Load(); n != 1 || c.lease.session != 0 || c.lease.former != 1 || len(c.held) != 0 || c.extend(1, time.Now()) {
			t.Errorf("told %d times, %+v", n, c.lease)
		}
		c.lose(1, errTaken)
		if c.release(w); told.Load() != 1 || len(c.freed) != 0 {
			t.Errorf("told %d times, %v is given back", told.Load(), c.freed)
		}
	})
}

// What others wait for is left to them for a while after it was given back.
func TestOthersHaveTheirTurn(t *testing.T) {
	w, next := of("192.0.2.1"), of("192.0.2.1")
	c := &Claims{wake: make(chan struct{}, 1), wanted: map[*want]struct{}{next: {}}, held: map[int64]*want{w.key: w},
		contested: map[int64]bool{w.key: true}, rests: make(map[int64]time.Time)}
	c.release(w)
	now := time.Now()
	if _, asked, until := c.due(now, now.Add(time.Hour)); len(asked) != 0 || !until.Equal(c.rests[w.key]) {
		t.Errorf("%v are asked for, the next at %v", asked, until)
	}
	if _, asked, _ := c.due(now.Add(restTime), now.Add(time.Hour)); asked[w.key] != next || len(c.rests) != 0 {
		t.Errorf("%v are asked for, %v rest", asked, c.rests)
	}
}

// Whoever has what a process that goes first waits for is asked to yield, once, unless it goes first itself.
func TestWhoIsAskedToYield(t *testing.T) {
	for _, first := range []bool{false, true} {
		told := make(map[string]int)
		c := &Claims{first: first, held: make(map[int64]*want)}
		for _, addr := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
			w := of(addr)
			w.yield = func() { told[addr]++; c.having() } // it may ask us something
			c.held[w.key] = w
		}
		waits := map[int64]bool{of("192.0.2.1").key: true, of("192.0.2.2").key: false, of("192.0.2.4").key: true}
		c.hear(waits)
		c.hear(waits)
		if first && len(told) != 0 || !first && (len(told) != 1 || told["192.0.2.1"] != 1) {
			t.Errorf("%v are told, first: %v", told, first)
		}
	}
}

// A process that goes first leaves nothing to those that do not, and asks again sooner.
func TestAProcessThatGoesFirst(t *testing.T) {
	for _, test := range []struct{ first, other, rests bool }{{false, false, true}, {false, true, true}, {true, false, false}, {true, true, true}} {
		w := of("192.0.2.1")
		c := &Claims{first: test.first, wake: make(chan struct{}, 1), held: map[int64]*want{w.key: w}, rests: make(map[int64]time.Time)}
		c.hear(map[int64]bool{w.key: test.other})
		if c.release(w); len(c.rests) > 0 != test.rests {
			t.Errorf("%+v: %v rest", test, c.rests)
		}
	}
	for first, longest := range map[bool]time.Duration{false: lastTry, true: soonTry} {
		w := of("192.0.2.1")
		c := &Claims{first: first, wanted: map[*want]struct{}{w: {}}}
		for range 20 {
			c.answered(0, map[int64]*want{w.key: w}, nil)
		}
		if w.pause != longest {
			t.Errorf("%v is asked for again after %v, first: %v", w.key, w.pause, first)
		}
	}
}

// Only a process that has something and does not go first listens all the time.
func TestWhoListens(t *testing.T) {
	w := of("192.0.2.1")
	for _, held := range []map[int64]*want{nil, {w.key: w}} {
		for _, first := range []bool{false, true} {
			c := &Claims{first: first, held: held}
			if listens := c.pause() == hearTime; listens != (len(held) > 0 && !first) {
				t.Errorf("%d are held, first: %v, listens: %v", len(held), first, listens)
			}
		}
	}
}
