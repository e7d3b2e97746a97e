package egress

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func domainOf(i int) string { return fmt.Sprintf("d%d.test", i) }

// All that strangers' names take of an address leaves something for those whose server it is.
func TestSharesOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Hour{N: 80, Least: 12}
		addr := netip.MustParseAddr("8.8.8.8")
		took := func(c Claim, n, most int) (times int) {
			for times < most {
				if wait, _ := h.Take(addr, c, n); wait > 0 {
					break
				}
				times++
			}
			return times
		}
		for _, step := range []struct {
			why   string
			claim Claim
			n     int
			want  int
		}{
			{"a stranger's domain has a quarter, under whatever names", Claim{Name: "a.evil.test"}, 4, 5},
			{"another name of it has nothing", Claim{Name: "b.evil.test"}, 1, 0},
			{"the next domain", Claim{Name: "mx.worse.test"}, 4, 5},
			{"the next gets what strangers have left", Claim{Name: "mx.worst.test"}, 4, 2},
			{"all strangers have three fifths", Claim{Name: "mx.new.test"}, 1, 0},
			{"what would do without has less", Claim{Name: "mx.owner.test", Again: true}, 1, 0},
			{"an address of its own name may take all", Claim{Name: "mx.owner.test", Own: true}, 4, 8},
			{"and no more", Claim{Name: "mx.owner.test", Own: true}, 1, 0},
		} {
			if got := took(step.claim, step.n, 100); got != step.want {
				t.Errorf("%s: %d, want %d", step.why, got, step.want)
			}
		}
		wait, where := h.Take(addr, Claim{Name: "mx.new.test"}, 1)
		if wait != time.Hour || where.String() != "8.8.8.8/32" {
			t.Errorf("wait %v at %v", wait, where)
		}
		time.Sleep(time.Hour)
		if got := took(Claim{Name: "mx.new.test"}, 1, 100); got != 20 {
			t.Errorf("an hour later: %d, want 20", got)
		}

		h = &Hour{N: 80, Least: 12}
		h.Vouch(addr, "MX1.owner.test")
		for _, step := range []struct {
			why   string
			claim Claim
			want  int
		}{
			{"new names of a domain that the address has vouched for have four fifths, and no quarter of their own", Claim{Name: "x.owner.test"}, 64},
			{"a name that it has vouched for goes on to the end", Claim{Name: "mx1.owner.test"}, 16},
		} {
			if got := took(step.claim, 1, 100); got != step.want {
				t.Errorf("%s: %d, want %d", step.why, got, step.want)
			}
		}
		time.Sleep(vouchFor)
		if got := took(Claim{Name: "mx1.owner.test"}, 1, 100); got != 20 {
			t.Errorf("a day later it is a stranger's: %d", got)
		}
	})
}

// The networks around an address have shares by the same rule, each several times as much.
func TestNetworksHaveShares(t *testing.T) {
	h := &Hour{N: 80, Least: 12}
	most := map[int]int{}
	for i := range 4000 {
		b := netip.MustParseAddr("2a00:1:2::").As16()
		b[7], b[15] = byte(i%16), byte(i/16)
		addr := netip.AddrFrom16(b)
		wait, where := h.Take(addr, Claim{Name: "mx." + domainOf(i)}, 4)
		if wait == 0 {
			for _, n := range networks(addr) {
				most[n.Bits()] += 4
			}
		} else if where.IsSingleIP() {
			t.Fatalf("%v ran out by itself", addr)
		}
	}
	// 16 networks of 128 are more than the one around them has.
	if most[48] != 80*siteTimes*2/5 {
		t.Errorf("%d in the /48", most[48])
	}
	if wait, where := h.Take(netip.MustParseAddr("2a00:1:2:77::1"), Claim{Name: "mx.late.test"}, 1); wait == 0 || where.Bits() != 48 {
		t.Errorf("another /64 of it: %v, %v", wait, where)
	}
	if wait, _ := h.Take(netip.MustParseAddr("2a00:1:3::1"), Claim{Name: "mx.late.test"}, 1); wait != 0 {
		t.Error("the next /48 has to wait")
	}
}

// Strangers choose addresses and names: whatever they send, so much is remembered and no more.
func TestAnHourIsBounded(t *testing.T) {
	h := &Hour{N: 80}
	for i := range 200_000 {
		addr := netip.AddrFrom4([4]byte{9, byte(i >> 16), byte(i >> 8), byte(i)})
		h.Take(addr, Claim{Name: domainOf(i)}, 1)
		h.Vouch(addr, domainOf(i))
		if items, octets := h.Held(); octets > HourOctets || i > 60_000 && items < 30_000 {
			t.Fatalf("%d things in %d octets after %d", items, octets, i)
		}
	}
	items, held, named := len(h.names), 0, 0
	for _, list := range h.taken {
		items += len(list)
		for _, t := range list {
			held += t.octets()
		}
	}
	for v := range h.names {
		named += v.octets()
	}
	if held != h.held || named != h.named || items != h.items {
		t.Errorf("%d, %d and %d are counted of %d, %d and %d", h.held, h.named, h.items, held, named, items)
	}
}

func TestAccount(t *testing.T) {
	for name, want := range map[string]string{
		"mx1.mail.example.org":                     "example.org",
		"MX.example.co.uk.":                        "example.co.uk",
		"customer-com.mail.protection.outlook.com": "outlook.com",
		"customer.github.io":                       "customer.github.io", // everybody has one of his own
		"org":                                      "org",
		"":                                         "",
		"192.0.2.1":                                "192.0.2.1",
		"alt1.aspmx.l.google.com":                  "google.com",
		"xn--bcher-kva.example":                    "xn--bcher-kva.example",
		"mx.xn--bcher-kva.example":                 "xn--bcher-kva.example",
		"a.very.long.name.of.a.server.mx.certificate.test": "certificate.test",
	} {
		if got := Account(name); got != want {
			t.Errorf("%q is answered for by %q, want %q", name, got, want)
		}
	}
	var none *Hour
	if wait, _ := none.Take(netip.MustParseAddr("8.8.8.8"), Claim{}, 1000); wait != 0 {
		t.Error("no hour is a bound")
	}
	none.Vouch(netip.MustParseAddr("8.8.8.8"), "x.test")
}
