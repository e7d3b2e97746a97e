package scans

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// as is a client of that address, or one whose address is unknown.
func as(addr string) Client {
	c := Client{By: "form"}
	if addr != "" {
		c.Addr = netip.MustParseAddr(addr)
	}
	return c
}

func TestTheDayOfAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDay(3)
		begin := func(client string, wait time.Duration, why string) {
			t.Helper()
			if got := d.take(as(client)); got != wait {
				t.Errorf("%s waits %v, want %v: %s", client, got, wait, why)
			}
		}
		begin("192.0.2.1", 0, "the first")
		begin("::ffff:192.0.2.1", 0, "the same client in another form")
		time.Sleep(time.Hour)
		begin("192.0.2.1", 0, "the third")
		begin("192.0.2.1", 23*time.Hour, "the fourth")
		begin("::ffff:192.0.2.1", 23*time.Hour, "the fourth in another form")
		for i := range 9 {
			begin(fmt.Sprintf("192.0.2.%d", i+2), 0, "a neighbour of IPv4")
		}
		begin("192.0.2.99", 23*time.Hour, "the thirteenth of the /24, which has four times the share")
		begin("192.0.3.99", 0, "another /24")

		begin("2001:db8:0:1::1", 0, "the first of its /64")
		begin("2001:db8:0:1:2::2", 0, "the second")
		begin("2001:db8:0:1:ffff::3", 0, "the third")
		begin("2001:db8:0:1::4", 24*time.Hour, "the fourth")
		for i := range 3 {
			begin(fmt.Sprintf("2001:db8:0:%d::1", i+2), 0, "another /64 of the same /48")
		}
		begin("2001:db8:0:5::1", 24*time.Hour, "the seventh of the /48, which has twice the share")
		begin("2001:db8:1:1::1", 0, "another /48")

		for range 3 {
			begin("", 0, "nobody knows who; they share one budget")
		}
		begin("", 24*time.Hour, "the fourth of all unknown")
		time.Sleep(23 * time.Hour)
		begin("192.0.2.1", 0, "the first two are a day old")

		for range 10 {
			if wait := d.take(Client{}); wait > 0 {
				t.Errorf("the program itself waits %v", wait)
			}
		}
		if wait := newDay(-1).take(as("192.0.2.1")); wait > 0 {
			t.Errorf("without a bound: %v", wait)
		}
	})
}

// Within a minute no more begin than may, and what one network takes leaves some to others.
func TestTheMinuteOfTheInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := func(m *minute, who Client) (n int) {
			for ; m.allows(who) && n < 1000; n++ {
				m.take(who)
			}
			return n
		}
		m := &minute{most: startsPerMin}
		got := []int{}
		for i := range 4 {
			got = append(got, begin(m, as(fmt.Sprintf("192.0.%d.1", i))), begin(m, as(fmt.Sprintf("192.0.%d.2", i))))
		}
		if want := []int{40, 0, 27, 0, 18, 0, 12, 0}; !slices.Equal(got, want) {
			t.Errorf("four networks of two clients each have %v, want %v", got, want)
		}
		time.Sleep(30 * time.Second)
		if n := begin(m, as("2001:db8::1")); n != 8 {
			t.Errorf("who comes later has %d", n)
		}
		if n := begin(m, Client{}); n != 15 {
			t.Errorf("the program itself has %d, want all that is left", n)
		}
		if n := begin(m, as("203.0.113.1")); n != 0 {
			t.Errorf("%d more than there are", n)
		}
		time.Sleep(30 * time.Second)
		if n := begin(m, as("192.0.0.1")); n == 0 {
			t.Error("nothing after a minute")
		}
	})
	if m := (&minute{most: 1}); !m.allows(as("192.0.2.1")) {
		t.Error("nobody may begin the only one")
	}
	m := &minute{most: -1}
	for range 1000 {
		if m.take(as("192.0.2.1")); !m.allows(as("192.0.2.1")) || len(m.begun) > 0 {
			t.Fatal("a bound where there is none")
		}
	}
	for _, c := range []struct{ given, whole Limits }{
		{Limits{}, Limits{120, 300, 4, 8}},
		{Limits{PerMinute: -1, ClientDay: -1, ClientRunning: -1, ClientStreams: -1}, Limits{-1, -1, -1, -1}},
		{Limits{1, 2, 3, 4}, Limits{1, 2, 3, 4}},
	} {
		if got := c.given.whole(); got != c.whole {
			t.Errorf("%+v means %+v, want %+v", c.given, got, c.whole)
		}
	}
}
