package checks

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"mxseal/checks/cache"
	"mxseal/checks/report"
)

const (
	hostFresh = time.Hour      // how long other domains are served with what was seen of a host
	askAgain  = time.Minute    // how soon a domain that asks again makes us look again
	oneDay    = 24 * time.Hour // between two commands slipped in behind STARTTLS (RULES SMT-21)

	hostOctets     = 32 << 20 // what was seen at addresses
	looksOctets    = 16 << 20 // for the number of looks at each address within the hour
	injectedOctets = 1 << 20  // what came of commands slipped in
	perDomain      = 32       // octets that a domain takes in the list of those who were served, beside its name
)

// hostCache remembers what was seen at each address of a mail host, so that one look
// serves the thousand domains that share it. A domain that asks again wants to know what
// has changed since: for it the address is looked at anew. Only whole looks are kept. An
// address is looked at a bounded number of times an hour, whoever asks and by whatever name:
// a host of a thousand domains must not pay for each of them.
type hostCache struct {
	looks    *Allowance[netip.Addr] // nil: no bound
	mu       sync.Mutex
	seen     *cache.Cache[*sighting] // by hostKey
	injected *cache.Cache[string]    // what came of a command slipped in behind STARTTLS, by address
}

// hostKey says which look it was. The name matters: it is sent in TLS and compared with
// the certificate.
type hostKey struct {
	name  string
	at    netip.AddrPort
	brief bool // the certificates alone; a look at everything serves as well
}

func (k hostKey) String() string { return fmt.Sprint(k.name, " ", k.at, " ", k.brief) }

// sighting is one look at an address. Its evidence is never changed afterwards.
type sighting struct {
	done    chan struct{} // closed when the look is over
	at      time.Time
	whole   bool
	address report.Address
	domains map[string]bool // who was served with it
	octets  int             // of all that
}

// newHostCache returns an empty cache that looks at an address so many times an hour; any
// number of times if that is negative.
func newHostCache(looks int) *hostCache {
	c := &hostCache{
		seen:     cache.New(hostOctets, hostFresh, func(s *sighting) int { return s.octets }),
		injected: cache.New[string](injectedOctets, oneDay, nil),
	}
	if looks >= 0 {
		c.looks = &Allowance[netip.Addr]{N: looks, Span: time.Hour, Octets: looksOctets}
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
		if whole := (hostKey{name: key.name, at: key.at}); c.known(whole).serves(domain) {
			key = whole
		}
		s := c.known(key)
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
			c.serve(key, s, domain)
			c.mu.Unlock()
			return s.address, &s.at
		}
		if c.known(key) == s { // cut short: the next one looks for itself
			c.seen.Drop(key.String())
		}
		c.mu.Unlock()
	}
	if wait := c.looks.Take(key.at.Addr()); wait > 0 {
		defer c.mu.Unlock()
		if s := c.known(key); s != nil && time.Since(s.at) <= hostFresh { // over and whole, or it would have been joined
			c.serve(key, s, domain)
			return s.address, &s.at
		}
		return alone("rate-limited", fmt.Sprintf("%v has been looked at %d times from here within an hour, for all the domains that it serves; it is left alone until %s",
			key.at, c.looks.N, time.Now().Add(wait).UTC().Format("15:04 UTC"))), nil
	}
	s := &sighting{done: make(chan struct{}), at: time.Now().UTC().Truncate(time.Second), domains: map[string]bool{domain: true}}
	c.seen.Put(key.String(), s)
	c.mu.Unlock()

	defer close(s.done)
	s.address = scan()
	c.mu.Lock()
	defer c.mu.Unlock()
	s.whole = ctx.Err() == nil && s.address.Reachable && s.address.Failure == nil
	if c.known(key) != s { // forgotten meanwhile
		return s.address, nil
	}
	if !s.whole {
		c.seen.Drop(key.String())
		return s.address, nil
	}
	s.octets = cache.Octets(s)
	c.keep(key, s)
	return s.address, nil
}

// known returns the last look of that kind, nil where none is remembered. c.mu is held.
func (c *hostCache) known(key hostKey) *sighting {
	s, _ := c.seen.Get(key.String())
	return s
}

// serve notes that a domain was served with a look. c.mu is held.
func (c *hostCache) serve(key hostKey, s *sighting, domain string) {
	if s.domains[domain] {
		return
	}
	s.domains[domain] = true
	s.octets += cache.Octets(domain) + perDomain
	if c.known(key) == s {
		c.keep(key, s)
	}
}

// keep remembers a whole look at its present weight, until it is too old for anybody. c.mu is held.
func (c *hostCache) keep(key hostKey, s *sighting) {
	c.seen.PutFor(key.String(), s, time.Until(s.at.Add(hostFresh)))
}

// Caches are what the engine remembers for a while, by name.
func (e *Engine) Caches() map[string]cache.Held {
	answers, proofs := e.resolver.Held()
	return map[string]cache.Held{"hosts": e.hosts.seen.Held(), "looks": e.hosts.looks.Held(), "injections": e.hosts.injected.Held(), "dns": answers, "proofs": proofs}
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
	age := time.Since(s.at)
	return age > hostFresh || s.domains[domain] && age > askAgain
}

// injection returns what came of the command slipped in behind STARTTLS at an address
// within the last day; empty when it may be asked.
func (c *hostCache) injection(addr netip.Addr) string {
	result, _ := c.injected.Get(addr.String())
	return result
}

func (c *hostCache) noteInjection(addr netip.Addr, result string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if result != "" && c.injection(addr) == "" { // else it is an answer that was remembered, not a new one
		c.injected.Put(addr.String(), result)
	}
}
