package scans

import (
	"fmt"
	"net/netip"
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
		b := newBudget(Limits{PerMinute: -1, ClientDay: 3})
		begin := func(client string, wait time.Duration, why string) {
			t.Helper()
			p := b.take(as(client))
			if p == nil && wait == 0 {
				return
			}
			if p == nil || p.Reason != ClientDay || p.Wait != wait {
				t.Errorf("%s: %+v, want a wait of %v: %s", client, p, wait, why)
			}
		}
		begin("192.0.2.1", 0, "the first")
		begin("::ffff:192.0.2.1", 0, "the same client in another form")
		time.Sleep(time.Hour)
		begin("192.0.2.1", 0, "the third")
		begin("192.0.2.1", 23*time.Hour, "the fourth")
		begin("::ffff:192.0.2.1", 23*time.Hour, "the fourth in another form")
		begin("192.0.2.2", 0, "a neighbour of IPv4")

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
			if p := b.take(Client{}); p != nil {
				t.Errorf("the program itself is refused: %v", p)
			}
		}
	})
}

func TestTheMinuteOfTheInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(Limits{PerMinute: 2, ClientDay: 3})
		b.take(as("192.0.2.1"))
		time.Sleep(10 * time.Second)
		b.take(as("192.0.2.2"))
		for range 5 { // a refusal costs its client nothing
			if p := b.take(as("192.0.2.3")); p == nil || p.Reason != InstanceFull || p.Wait != 50*time.Second {
				t.Errorf("the third within a minute: %+v", p)
			}
		}
		time.Sleep(50 * time.Second)
		if p := b.take(as("192.0.2.3")); p != nil {
			t.Errorf("after the time that was said: %v", p)
		}
	})
	for _, c := range []struct {
		l                Limits
		instance, client int
	}{
		{Limits{}, 120, 300},
		{Limits{PerMinute: -1, ClientDay: -1}, 0, 0},
		{Limits{PerMinute: 5, ClientDay: 6}, 5, 6},
	} {
		b := newBudget(c.l)
		if b.instance == nil != (c.instance == 0) || b.instance != nil && b.instance.N != c.instance || b.client != nil && (b.client.N != c.client || b.client.Most > maxClients) || b.client == nil != (c.client == 0) {
			t.Errorf("%+v gives %+v", c.l, b)
		}
	}
}
