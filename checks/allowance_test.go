package checks_test

import (
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks"
)

// Within any hour there are at most three, wherever the hour begins.
func TestAllowanceIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &checks.Allowance[string]{N: 3, Span: time.Hour, Most: 100}
		start := time.Now()
		for _, c := range []struct {
			minute int
			wait   time.Duration
			why    string
		}{
			{0, 0, "the first"},
			{50, 0, "the second"},
			{55, 0, "the third"},
			{55, 5 * time.Minute, "until the first is an hour old"},
			{59, time.Minute, "a refusal costs nothing"},
			{60, 0, "the first is an hour old"},
			{60, 50 * time.Minute, "until the second is"},
			{110, 0, "the second is"},
			{110, 5 * time.Minute, "until the third is"},
			{300, 0, "all are forgotten"},
		} {
			time.Sleep(time.Until(start.Add(time.Duration(c.minute) * time.Minute)))
			if got := a.Wait("x"); got != c.wait {
				t.Errorf("minute %d: wait %v, want %v: %s", c.minute, got, c.wait, c.why)
			}
			if got := a.Take("x"); got != c.wait {
				t.Errorf("minute %d: %v, want %v: %s", c.minute, got, c.wait, c.why)
			}
		}
		if got := a.Take("y"); got != 0 {
			t.Errorf("another key waits %v", got)
		}
	})
}

// Strangers choose the keys: whatever they send, so much is remembered and no more.
func TestAllowanceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &checks.Allowance[int]{N: 2, Span: time.Hour, Most: 1000}
		for i := range 50_000 {
			if a.Take(i) != 0 {
				t.Fatalf("key %d is refused its first", i)
			}
			if n := checks.Held(a); n < 0 || n > 1000 {
				t.Fatalf("%d things are remembered after %d keys", n, i+1)
			}
		}
		last := 49_999
		a.Take(last)
		if a.Wait(last) == 0 {
			t.Error("the last key was forgotten at once")
		}
		time.Sleep(time.Hour)
		a.Wait(last)
		for i := range 1001 {
			a.Take(-i)
		}
		if n := checks.Held(a); n < 0 || n > 1000 {
			t.Errorf("%d things are remembered: what is over was kept", n)
		}
	})
}

func TestNoAllowanceIsNoBound(t *testing.T) {
	var a *checks.Allowance[string]
	for range 1000 {
		if a.Take("x") != 0 || a.Wait("x") != 0 {
			t.Fatal("a bound")
		}
	}
}
