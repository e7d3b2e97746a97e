package egress

import (
	"net/netip"
	"testing"
)

// Who has asked to be left alone is not contacted through any door, in any form of its address.
func TestOptedOutAddressesAreNotDialled(t *testing.T) {
	var p pipe
	optedOut := netip.MustParsePrefix("8.8.8.0/24")
	d := New(Config{Dial: p.dial, OptedOut: optedOut.Contains})
	for _, a := range []string{"8.8.8.8", "::ffff:8.8.8.8"} {
		addr := netip.MustParseAddr(a)
		if _, err := d.Peer(netip.AddrPortFrom(addr, 25)).Dial(t.Context()); Kind(err) != "opted-out" {
			t.Errorf("%s as a mail server: %v", a, err)
		}
		if _, err := d.Authority(t.Context(), "udp", addr); Kind(err) != "opted-out" {
			t.Errorf("%s as a name server: %v", a, err)
		}
	}
	if n := p.dials.Load(); n != 0 || d.Connections() != 0 || d.Asked() != 0 {
		t.Errorf("%d were dialled, %d and %d counted", n, d.Connections(), d.Asked())
	}
	c, err := d.Peer(netip.MustParseAddrPort("8.8.9.8:25")).Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
