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
		a := &checks.Allowance[string]{N: 3, Span: time.Hour, Octets: 4096}
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

// Strangers choose the keys: whatever they send, so much is remembered and no more, and who
// has been quiet for the longest time is forgotten first.
func TestAllowanceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 256 << 10
		a := &checks.Allowance[int]{N: 2, Span: time.Hour, Octets: most}
		a.Take(-1)
		a.Take(-1)
		for i := range 50_000 {
			if a.Take(i) != 0 {
				t.Fatalf("key %d is refused its first", i)
			}
			if a.Take(-1) == 0 {
				t.Fatalf("who asks all the time was forgotten after %d keys", i+1)
			}
			if h := a.Held(); h.Octets > most {
				t.Fatalf("%d octets are held after %d keys", h.Octets, i+1)
			}
		}
		if h := a.Held(); h.Items < 500 || h.Pushed != 50_001-h.Items {
			t.Errorf("of 50001 keys %d are held, and %d made room", h.Items, h.Pushed)
		}
		time.Sleep(time.Hour + 2*time.Minute)
		if h := a.Held(); h.Items != 0 || h.Octets != 0 {
			t.Errorf("%d keys are held in %d octets: what is over was kept", h.Items, h.Octets)
		}
	})
}

func TestNoAllowanceIsNoBound(t *testing.T) {
	var a *checks.Allowance[string]
	if a.Held().Octets != 0 {
		t.Error("it holds something")
	}
	for range 1000 {
		if a.Take("x") != 0 || a.Wait("x") != 0 {
			t.Fatal("a bound")
		}
	}
}
