package checks

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

// spend plays a check of so many hosts with so many addresses of each family: every look takes
// a second and as many connections as needs says, within what it is given. It returns what each
// address was given, by host and address, and how many connections there were in all.
func spend(t *testing.T, p *purse, hosts, addresses int, needs func(most int) int) (given map[string]int, all int) {
	t.Helper()
	given = make(map[string]int)
	var mu sync.Mutex
	var work sync.WaitGroup
	for n := range hosts {
		h := &report.Host{Name: fmt.Sprintf("mx%d", n)}
		for k := range addresses {
			h.Addresses = append(h.Addresses, &report.Address{IP: fmt.Sprintf("127.1.%d.%d", n, k)}, &report.Address{IP: fmt.Sprintf("fd00::%d:%d", n, k)})
		}
		work.Go(func() {
			time.Sleep(time.Duration(hosts-n) * 10 * time.Millisecond) // the best are known last
			for a, turn := range p.queue(n, h) {
				work.Go(func() {
					defer p.end(turn)
					p.begin(t.Context(), turn)
					if p.may(turn, true) != nil {
						return
					}
					most := turn.most
					if n := p.count(turn, most < p.whole); n < most || n > most+spareTries {
						t.Errorf("a look that was given %d may make %d", most, n)
					}
					time.Sleep(time.Second)
					made := min(needs(most), most)
					mu.Lock()
					defer mu.Unlock()
					p.used(turn, made)
					given[a.IP] = most
					all += made
				})
			}
		})
	}
	work.Wait()
	return given, all
}

// What a check may make goes to the first addresses of the hosts that senders try first; every
// address is looked at where there is enough for that, and what is not needed comes back.
func TestThePurse(t *testing.T) {
	for _, c := range []struct {
		why              string
		hosts, addresses int // addresses of each family
		needs            int
		whole, seen      int
	}{
		{"an ordinary domain", 2, 2, 15, 8, 8},
		{"five hosts with two addresses, all that they may take", 5, 1, 99, 10, 10},
		{"ten hosts with two addresses, as most are", 10, 1, 12, 20, 20},
		{"ten hosts with four addresses that need little", 10, 2, 7, 36, 40},
		{"ten hosts with four addresses, as most are", 10, 2, 12, 16, 40},
		{"ten hosts with four addresses that take all they can get", 10, 2, 99, 6, 40},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPurse(report.Standard, c.hosts)
			defer p.close()
			needs := func(most int) int {
				if most < wholeLook && c.needs < 99 {
					return usualBrief
				}
				return c.needs
			}
			given, all := spend(t, p, c.hosts, c.addresses, needs)
			whole := 0
			for _, most := range given {
				if most == wholeLook {
					whole++
				}
			}
			t.Logf("%s: %d connections, %d of %d addresses looked at, %d of them at everything", c.why, all, len(given), 2*c.hosts*c.addresses, whole)
			if all > maxConnections-forPolicy || whole != c.whole || len(given) != c.seen {
				t.Errorf("%s: %d connections, %d looked at, %d at everything; want %d and %d", c.why, all, len(given), whole, c.seen, c.whole)
			}
			for n := range min(3, c.hosts) {
				for _, ip := range []string{fmt.Sprintf("127.1.%d.0", n), fmt.Sprintf("fd00::%d:0", n)} {
					if given[ip] != wholeLook {
						t.Errorf("%s: %s of a host that senders try first was given %d", c.why, ip, given[ip])
					}
				}
			}
		})
	}
}

// Slow servers that come first do not keep the others from being looked at.
func TestThePurseWaitsForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPurse(report.Standard, 11) // of one host the addresses never come
		defer p.close()
		began := time.Now()
		var last time.Duration
		var mu sync.Mutex
		spend(t, p, 10, 2, func(most int) int {
			mu.Lock()
			last = max(last, time.Since(began))
			mu.Unlock()
			time.Sleep(time.Minute)
			return most
		})
		if last > giveTime+2*time.Second {
			t.Errorf("the last look begins after %v", last)
		}
	})
}

// An address is looked at under two names in a check, one after the other; what is remembered
// under a third is used all the same.
func TestTwoLooksAtAnAddressInACheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPurse(report.Standard, 4)
		defer p.close()
		addr := netip.MustParseAddr("127.1.1.1")
		var order []string
		var mu sync.Mutex
		var work sync.WaitGroup
		for n := range 4 {
			h := &report.Host{Name: fmt.Sprintf("mx%d", n), Addresses: []*report.Address{{IP: addr.String()}}}
			for _, turn := range p.queue(n, h) {
				work.Go(func() {
					defer p.end(turn)
					p.begin(t.Context(), turn)
					err := p.may(turn, true)
					if err == nil {
						p.used(turn, p.count(turn, true))
						time.Sleep(time.Second)
					}
					mu.Lock()
					defer mu.Unlock()
					order = append(order, fmt.Sprint(h.Name, " ", err == nil, " ", turn.most >= wholeLook))
				})
			}
		}
		work.Wait()
		if got, want := strings.Join(order, ", "), "mx0 true true, mx1 true false, mx2 false false, mx3 false false"; got != want {
			t.Errorf("%s; want %s", got, want)
		}
	})
}

// world of a cache: addresses that show what a test says.
type shown struct {
	made  []string // name, and whether it was brief
	looks func(name string, brief bool) report.Address
}

func (s *shown) wish(name, domain string) wish {
	return wish{hostKey: hostKey{name: name, at: netip.MustParseAddrPort("127.1.1.1:25")}, domain: domain,
		may: func(bool) error { return nil },
		scan: func(brief bool) report.Address {
			s.made = append(s.made, fmt.Sprint(name, " ", brief))
			return s.looks(name, brief)
		}}
}

func (s *shown) take() (made string) {
	made = strings.Join(s.made, ", ")
	s.made = nil
	return made
}

// speaks is what a server shows under a name, by its certificate for other names.
func speaks(cipher, key string, match bool) func(name string, brief bool) report.Address {
	return func(_ string, brief bool) report.Address {
		a := report.Address{Reachable: true, SMTP: &report.SMTP{STARTTLS: "ok", Banner: "server ESMTP", Ladder: []report.Rung{{Hello: "modern", OK: true}}},
			TLS:          &report.TLS{Version: "TLS1.3", Cipher: cipher, Group: "X25519"},
			Certificates: []*report.Certificate{{Key: key + " 256", Via: "first", NameMatch: match}}}
		if !brief {
			yes := true
			a.TLS.Versions, a.SMTP.Enforced = []report.Version{"TLS1.3", "TLS1.2"}, &yes
		}
		return a
	}
}

// What does not depend on the name that is sent is seen once for all names.
func TestNamesShareALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHostCache(20)
		s := &shown{looks: speaks("A", "RSA", true)}
		ask := func(name, domain, made string, whole bool) report.Address {
			t.Helper()
			a, _, _ := c.look(t.Context(), s.wish(name, domain))
			if got := s.take(); got != made {
				t.Errorf("%s for %s: looks %q, want %q", name, domain, got, made)
			}
			if (a.TLS != nil && len(a.TLS.Versions) == 2 && a.SMTP.Enforced != nil) != whole {
				t.Errorf("%s for %s: %+v", name, domain, a.TLS)
			}
			return a
		}
		ask("mx.a.test", "a.test", "mx.a.test false", true)
		a := ask("mx.b.test", "b.test", "mx.b.test true", true)
		if a.TLS.SeenAs != "mx.a.test" || a.TLS.SeenAt == nil {
			t.Errorf("the report does not say under which name it was seen: %q", a.TLS.SeenAs)
		}
		ask("mx.b.test", "c.test", "", true) // both are remembered
		time.Sleep(2 * time.Minute)
		ask("mx.b.test", "b.test", "mx.b.test false", true) // asks again, and gets all anew

		s.looks = speaks("B", "RSA", true) // a name behind which is another server
		ask("mx.d.test", "d.test", "mx.d.test true, mx.d.test false", true)
		s.looks = speaks("A", "ECDSA", true) // whose suites are others for its key
		ask("mx.e.test", "e.test", "mx.e.test true, mx.e.test false", true)
		s.looks = func(string, bool) report.Address {
			return report.Address{SMTP: &report.SMTP{STARTTLS: "untested"}, Failure: &report.Failure{Phase: "connect", Kind: "timeout"}}
		}
		ask("mx.f.test", "f.test", "mx.f.test true, mx.f.test false", false)
		time.Sleep(61 * time.Minute)
		s.looks = speaks("A", "RSA", true)
		ask("mx.g.test", "g.test", "mx.g.test false", true) // nothing is as young as that
	})
}

// Strangers' names take no more than their part of an address; those whose server it is keep
// theirs, and what was seen serves on.
func TestNamesHaveSharesOfLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHostCache(20)
		s := &shown{looks: speaks("A", "RSA", false)}
		limited := func(name, domain string, own bool) bool {
			w := s.wish(name, domain)
			w.own = func() bool { return own }
			a, _, _ := c.look(t.Context(), w)
			return a.Failure != nil && a.Failure.Kind == "rate-limited"
		}
		tries := 0
		for i := range 400 { // two of the strangers' checks were enough
			name := fmt.Sprintf("x%d.evil%d.test", i, i%2)
			for _, domain := range []string{name, "again." + name} {
				tries++
				limited(name, domain, false)
			}
		}
		took := len(s.made)
		s.take()
		t.Logf("%d tries under 400 names of two domains: %d looks", tries, took)
		if took == 0 || took > 2*5*briefs {
			t.Errorf("%d looks for two domains, want at most %d", took, 2*5*briefs)
		}
		for i := range 100 {
			limited("mx."+fmt.Sprintf("more%d.test", i), "more.test", false)
		}
		if !limited("mx.stranger.test", "stranger.test", false) {
			t.Error("there is no end to it for strangers")
		}
		if limited("mx1.owner.test", "owner.test", true) {
			t.Error("the name that the address bears has no look left")
		}
		s.looks = speaks("A", "RSA", true)
		c.vouch("mx2.owner.test", netip.MustParseAddr("127.1.1.1"), s.looks("", true))
		if limited("mx2.owner.test", "second.test", false) || limited("mx3.owner.test", "third.test", false) {
			t.Error("names that the address has vouched for have no look left")
		}
		if limited("mx2.owner.test", "fourth.test", false) || len(s.made) == 0 {
			t.Error("what is remembered does not serve")
		}
	})
}

// The greeting says whose server it is as well.
func TestAGreetingVouches(t *testing.T) {
	c := newHostCache(20)
	for _, v := range []struct {
		banner, name string
		vouched      bool
	}{
		{"mail.owner.test ESMTP", "mx.owner.test", true},
		{"mail.owner.test ESMTP", "mx.evil.test", false},
		{"localhost ESMTP", "localhost", false},
		{"", "mx.owner.test", false},
	} {
		addr := netip.MustParseAddr("127.9.9.9")
		c.looks.Vouch(addr, "") // nothing
		c.vouch(v.name, addr, report.Address{SMTP: &report.SMTP{Banner: v.banner}})
		n := 0
		for {
			if wait, _ := c.looks.Take(addr, egress.Claim{Name: v.name}, 1); wait > 0 {
				break
			}
			n++
		}
		if (n > 20) != v.vouched {
			t.Errorf("%q of a server that greets with %q: %d", v.name, v.banner, n)
		}
		c = newHostCache(20)
	}
}
