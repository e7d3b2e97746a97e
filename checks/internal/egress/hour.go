package egress

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"
)

// Hour shares out what may be asked of an address within any hour, and of the networks around
// it, among the names for which it is asked. A stranger chooses the names and thereby whom we
// ask; what he takes must leave something for those whose server it is. So the more a name has
// to do with the address the further it may reach into what there is: in a network strangers get
// less of it than at one address, as more others live there. A registrable domain that the
// address has not vouched for gets a quarter at most.
//
// It remembers a bounded number of octets (HourOctets). A nil Hour grants everything. It is safe for
// concurrent use.
type Hour struct {
	N     int // at one address; a network has several times as much (Times)
	Least int // so much every part of that has at least

	mu    sync.Mutex
	taken map[netip.Prefix][]taking // oldest first
	held  int                       // octets in taken
	items int                       // in taken and names
	names map[voucher]time.Time     // when an address vouched for a name, or a registrable domain, last
	named int                       // octets in names
}

const (
	netTimes  = 4 // a /24 of IPv4, or a /64 of IPv6, has so many times what an address has
	siteTimes = 8 // and a /48

	span       = time.Hour
	vouchFor   = 24 * time.Hour // how long an address vouches for a name
	takeOctets = 6 << 20        // of memory for what was taken; beyond it some addresses and networks are forgotten
	nameOctets = 4 << 20        // of memory for names that an address has vouched for
	perTaking  = 96             // octets beside the account
	perName    = 128            // octets beside the name
)

// HourOctets is what an Hour takes of memory at most.
const HourOctets = takeOctets + nameOctets

// taking is what was taken at once.
type taking struct {
	at      time.Time
	account string // the registrable domain of the name; empty once the address has vouched for it
	n       int
}

type voucher struct {
	addr netip.Addr
	name string // a host name; a registrable domain with a dot before it
}

// Times says how many times as much as one address a network has.
func Times(n netip.Prefix) int {
	switch {
	case n.IsSingleIP():
		return 1
	case n.Addr().Is6() && n.Bits() < 64:
		return siteTimes
	}
	return netTimes
}

// Claim says for whom an address is asked.
type Claim struct {
	Name string
	// Again: what was seen of late would do. It has the smallest part.
	Again bool
	// Own: the address itself bears the name, forward-confirmed. It may take the last.
	Own bool
}

// Account is who answers for a name: its registrable domain, or the name where it has none.
func Account(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if domain, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return domain
	}
	return name
}

// Take takes n for a name at an address. When that is more than its part nothing is taken, and
// Take says how long it has to wait and where it has run out.
func (h *Hour) Take(addr netip.Addr, c Claim, n int) (wait time.Duration, where netip.Prefix) {
	if h == nil {
		return 0, where
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	account := Account(c.Name)
	vouched := c.Own || h.vouched(now, addr, "."+account)
	part, wide := 3, 2 // fifths of what there is of the address, and of a network
	switch {
	case c.Again:
		part, wide = 2, 1
	case c.Own, h.vouched(now, addr, c.Name):
		part, wide = 5, 5
	case vouched:
		part, wide = 4, 4
	}
	if vouched {
		account = ""
	}
	places := append([]netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())}, networks(addr)...)
	for _, p := range places {
		h.forget(p, now)
		all, least, fifths := h.N*Times(p), h.Least*Times(p), part
		if !p.IsSingleIP() {
			fifths = wide
		}
		if w := after(h.taken[p], n, min(all, max(least, all*fifths/5)), now, func(taking) bool { return true }); w > wait {
			wait, where = w, p
		}
		if account == "" {
			continue
		}
		if w := after(h.taken[p], n, min(all, max(least, all/4)), now, func(t taking) bool { return t.account == account }); w > wait {
			wait, where = w, p
		}
	}
	if wait > 0 {
		return wait, where
	}
	if h.taken == nil {
		h.taken = make(map[netip.Prefix][]taking)
	}
	if h.held >= takeOctets-4*perTaking {
		h.sweep(now, addr)
	}
	for _, p := range places {
		t := taking{now, account, n}
		h.taken[p] = append(h.taken[p], t)
		h.held += t.octets()
		h.items++
	}
	return 0, where
}

// after says how long until n more are within a bound, of those takings that count.
func after(list []taking, n, most int, now time.Time, counts func(taking) bool) time.Duration {
	for i := len(list) - 1; i >= 0; i-- {
		if !counts(list[i]) {
			continue
		}
		if n += list[i].n; n > most {
			return list[i].at.Add(span).Sub(now)
		}
	}
	return 0
}

// Vouch notes that an address has shown to be the server of a name: by a certificate for it, by
// its greeting, by an answer with authority. A stranger who merely points a name there has none
// of that.
func (h *Hour) Vouch(addr netip.Addr, name string) {
	if h == nil || name == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if h.names == nil {
		h.names = make(map[voucher]time.Time)
	}
	if h.named >= nameOctets-4*perName {
		for v, at := range h.names {
			if now.Sub(at) >= vouchFor {
				h.drop(v)
			}
		}
		for v := range h.names {
			if h.named < nameOctets*3/4 {
				break
			}
			h.drop(v)
		}
	}
	for _, name := range []string{strings.ToLower(name), "." + Account(name)} {
		v := voucher{addr, name}
		if _, known := h.names[v]; !known {
			h.named += v.octets()
			h.items++
		}
		h.names[v] = now
	}
}

// drop forgets that an address has vouched for a name. h.mu is held.
func (h *Hour) drop(v voucher) {
	h.named -= v.octets()
	h.items--
	delete(h.names, v)
}

func (t taking) octets() int { return perTaking + len(t.account) }

func (v voucher) octets() int { return perName + len(v.name) }

// Held returns how many things are remembered, and in how many octets.
func (h *Hour) Held() (items, octets int) {
	if h == nil {
		return 0, 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.items, h.held + h.named
}

// vouched reports whether an address has vouched for a name within a day. h.mu is held.
func (h *Hour) vouched(now time.Time, addr netip.Addr, name string) bool {
	at, known := h.names[voucher{addr, strings.ToLower(name)}]
	return known && now.Sub(at) < vouchFor
}

// forget drops what was taken before the hour that ends now. h.mu is held.
func (h *Hour) forget(p netip.Prefix, now time.Time) {
	list := h.taken[p]
	over := 0
	for over < len(list) && now.Sub(list[over].at) >= span {
		h.held -= list[over].octets()
		h.items--
		over++
	}
	if over == len(list) {
		delete(h.taken, p)
	} else {
		h.taken[p] = list[over:]
	}
}

// sweep makes room: of what is over first, and when that is too little of whatever comes, but
// for one address and its networks. A quarter is free afterwards, so that it is rarely called.
// h.mu is held.
func (h *Hour) sweep(now time.Time, spare netip.Addr) {
	for p := range h.taken {
		h.forget(p, now)
	}
	for p, list := range h.taken {
		if h.held <= takeOctets*3/4 {
			return
		}
		if !p.Contains(spare) {
			for _, t := range list {
				h.held -= t.octets()
			}
			h.items -= len(list)
			delete(h.taken, p)
		}
	}
}

// RateError says that an address is left alone for now: it, or its network, has been asked
// enough within an hour.
type RateError struct {
	Addr  netip.Addr
	Where netip.Prefix // the address alone, or the network in which it lies
	Until time.Time
}

func (e *RateError) Error() string {
	return fmt.Sprintf("%v is left alone until %s: this checker has asked enough of %s within an hour", e.Addr, e.clock(), e.network())
}

// clock is when it may be asked again, to the next minute.
func (e *RateError) clock() string { return e.Until.UTC().Add(time.Minute - 1).Format("15:04 UTC") }

func (e *RateError) network() string {
	if e.Where.IsSingleIP() {
		return e.Where.Addr().String()
	}
	return e.Where.String()
}
