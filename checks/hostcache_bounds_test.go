package checks

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/report"
)

// Whatever strangers' servers show and however many domains are served with it, so many octets
// are remembered, those of the last ones, and none of them for longer than they serve.
func TestWhatIsSeenOfHostsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHostCache(-1)
		const size = 200 << 10
		key := func(i int) hostKey {
			return hostKey{name: "mx.example", at: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), 25)}
		}
		looks := 0
		look := func(i int, domain string) {
			c.look(t.Context(), wish{hostKey: key(i), domain: domain, may: func(bool) error { return nil }, scan: func(bool) report.Address {
				looks++
				return report.Address{Reachable: true, SMTP: &report.SMTP{Banner: strings.Repeat("x", size)}}
			}})
		}
		n := 3 * hostOctets / size
		for i := range n {
			look(i, "example.org")
			if h := c.seen.Held(); h.Octets > hostOctets {
				t.Fatalf("%d octets after %d looks", h.Octets, i+1)
			}
		}
		h := c.seen.Held()
		if h.Items < hostOctets/size*9/10 || h.Items > hostOctets/size || looks != n {
			t.Errorf("%d looks, of which %d are remembered in %d octets", looks, h.Items, h.Octets)
		}
		look(n-1, "example.net")
		look(0, "example.net")
		if looks != n+1 {
			t.Errorf("%d looks: the last address serves another domain, and the first was forgotten; want %d", looks, n+1)
		}

		last := c.known(key(n - 1))
		before := last.octets
		for i := range 1000 {
			look(n-1, fmt.Sprintf("%d.example.net", i))
		}
		if grown := last.octets - before; grown < 1000*len("999.example.net") || looks != n+1 {
			t.Errorf("a thousand domains count as %d octets, after %d looks", grown, looks)
		}
		for i := range 200_000 {
			c.noteInjection(netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 1}), "discarded")
		}
		if h := c.injected.Held(); h.Octets > injectedOctets || h.Items < 1000 {
			t.Errorf("of commands slipped in: %+v", h)
		}
		time.Sleep(hostFresh + 2*time.Minute)
		if h := c.seen.Held(); h.Items != 0 || h.Octets != 0 {
			t.Errorf("an hour later: %+v", h)
		}
		time.Sleep(oneDay)
		if h := c.injected.Held(); h.Items != 0 {
			t.Errorf("a day later: %+v", h)
		}
	})
}
