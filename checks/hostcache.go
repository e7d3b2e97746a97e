package checks

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"time"

	"mxseal/checks/report"
)

const (
	hostFresh = time.Hour      // how long other domains are served with what was seen of a host
	askAgain  = time.Minute    // how soon a domain that asks again makes us look again
	oneDay    = 24 * time.Hour // between two commands slipped in behind STARTTLS (RULES SMT-21)
	maxHosts  = 4096           // addresses remembered
	maxLooks  = 16 * maxHosts  // looks remembered, for their number within the hour
)

// hostCache remembers what was seen at each address of a mail host, so that one look
// serves the thousand domains that share it. A domain that asks again wants to know what
// has changed since: for it the address is looked at anew. Only whole looks are kept. An
// address is looked at a bounded number of times an hour, whoever asks and by whatever name:
// a host of a thousand domains must not pay for each of them.
type hostCache struct {
	looks    *Allowance[netip.Addr] // nil: no bound
	mu       sync.Mutex
	seen     map[hostKey]*sighting
	injected map[netip.Addr]injection
}

// hostKey says which look it was. The name matters: it is sent in TLS and compared with
// the certificate.
type hostKey struct {
	name  string
	at    netip.AddrPort
	brief bool // the certificates alone; a look at everything serves as well
}

// sighting is one look at an address. Its evidence is never changed afterwards.
type sighting struct {
	done    chan struct{} // closed when the look is over
	at      time.Time
	whole   bool
	address report.Address
	domains map[string]bool // who was served with it
}

// injection is what came of a command slipped in behind STARTTLS.
type injection struct {
	at     time.Time
	result string
}

// newHostCache returns an empty cache that looks at an address so many times an hour; any
// number of times if that is negative.
func newHostCache(looks int) *hostCache {
	c := &hostCache{seen: make(map[hostKey]*sighting), injected: make(map[netip.Addr]injection)}
	if looks >= 0 {
		c.looks = &Allowance[netip.Addr]{N: looks, Span: time.Hour, Most: maxLooks}
	}
	return c
}

// look returns what is known of an address for a domain. It calls scan when nothing usable
// is remembered, and waits when another check is looking at the moment. Once the address has
// been looked at often enough, it returns what is remembered of the last hour, also for a
// domain that asks again, or else says that it was left alone. reused is the time of an
// earlier look, nil for a fresh one.
func (c *hostCache) look(ctx context.Context, key hostKey, domain string, scan func() report.Address) (address report.Address, reused *time.Time) {
	for {
		c.mu.Lock()
		if whole := (hostKey{name: key.name, at: key.at}); c.seen[whole].serves(domain) {
			key = whole
		}
		s := c.seen[key]
		if !s.serves(domain) {
			break
		}
		c.mu.Unlock()
		select {
		case <-s.done:
		case <-ctx.Done():
			return scan(), nil // finds the context ended, and says so
		}
		c.mu.Lock()
		if s.whole {
			s.domains[domain] = true
			c.mu.Unlock()
			return s.address, &s.at
		}
		if c.seen[key] == s { // cut short: the next one looks for itself
			delete(c.seen, key)
		}
		c.mu.Unlock()
	}
	if wait := c.looks.Take(key.at.Addr()); wait > 0 {
		defer c.mu.Unlock()
		if s := c.seen[key]; s != nil && report.Within(hostFresh, s.at, time.Now()) { // over and whole, or it would have been joined
			s.domains[domain] = true
			return s.address, &s.at
		}
		return alone("rate-limited", fmt.Sprintf("%v has been looked at %d times from here within an hour, for all the domains that it serves; it is left alone until %s",
			key.at, c.looks.N, time.Now().Add(wait).UTC().Format("15:04 UTC"))), nil
	}
	s := &sighting{done: make(chan struct{}), at: time.Now().UTC().Truncate(time.Second), domains: map[string]bool{domain: true}}
	c.seen[key] = s
	if len(c.seen) > maxHosts {
		c.sweep()
	}
	c.mu.Unlock()

	defer close(s.done)
	s.address = scan()
	c.mu.Lock()
	defer c.mu.Unlock()
	s.whole = ctx.Err() == nil && s.address.Reachable && s.address.Failure == nil
	if !s.whole && c.seen[key] == s {
		delete(c.seen, key)
	}
	return s.address, nil
}

// alone is what is known of an address that was not contacted, and why not.
func alone(kind, why string) report.Address {
	return report.Address{
		SMTP:    &report.SMTP{STARTTLS: "untested"},
		Failure: &report.Failure{Phase: "connect", Kind: kind, Text: why},
	}
}

// serves reports whether there is a look and it still serves a domain. c.mu is held.
func (s *sighting) serves(domain string) bool { return s != nil && !s.stale(domain) }

// stale reports whether a look does not serve a domain any more. One that is under way
// serves everybody. c.mu is held.
func (s *sighting) stale(domain string) bool {
	select {
	case <-s.done:
	default:
		return false
	}
	now := time.Now()
	return !report.Within(hostFresh, s.at, now) || s.domains[domain] && !report.Within(askAgain, s.at, now)
}

// sweep forgets looks that serve nobody any more, and if that is not enough those that are
// over. c.mu is held.
func (c *hostCache) sweep() {
	maps.DeleteFunc(c.seen, func(_ hostKey, s *sighting) bool { return s.stale("") })
	if len(c.seen) > maxHosts {
		maps.DeleteFunc(c.seen, func(_ hostKey, s *sighting) bool {
			select {
			case <-s.done:
				return true
			default:
				return false
			}
		})
	}
}

// injection returns what came of the command slipped in behind STARTTLS at an address
// within the last day; empty when it may be asked.
func (c *hostCache) injection(addr netip.Addr) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.injected[addr]; time.Since(i.at) < oneDay {
		return i.result
	}
	return ""
}

func (c *hostCache) noteInjection(addr netip.Addr, result string) {
	if result == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.injected[addr]; time.Since(i.at) < oneDay {
		return // an answer that was remembered, not a new one
	}
	if len(c.injected) >= maxHosts {
		maps.DeleteFunc(c.injected, func(_ netip.Addr, i injection) bool { return time.Since(i.at) >= oneDay })
	}
	if len(c.injected) < maxHosts {
		c.injected[addr] = injection{time.Now(), result}
	}
}
