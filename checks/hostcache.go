package checks

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"mxseal/checks/cache"
	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/share"
	"mxseal/checks/report"
)

const (
	hostFresh = time.Hour        // how long other domains are served with what was seen of a host
	askAgain  = time.Minute      // how soon a domain that asks again makes us look again
	oneDay    = 24 * time.Hour   // between two commands slipped in behind STARTTLS (RULES SMT-21)
	joinTime  = 10 * time.Second // for another's look under another name, which may serve in part

	hostOctets     = 32 << 20 // what was seen at addresses
	atOctets       = 2 << 20  // under which name an address was looked at last
	injectedOctets = 1 << 20  // what came of commands slipped in
	perDomain      = 32       // octets that a domain takes in the list of those who were served, beside its name

	fewLooks = 3 // looks that every part of an hour has
)

// hostCache remembers what was seen at each address of a mail host, so that one look
// serves the thousand domains that share it. A domain that asks again wants to know what
// has changed since: for it the address is looked at anew. Only whole looks are kept. An
// address, and each network, is looked at a bounded number of times an hour, whoever asks and by
// whatever name, and the names have shares of that (egress.Hour).
//
// A server may choose its certificate by the name that is sent to it. What else it offers it
// does not: under a further name it is asked for the certificates alone, and the rest is that
// of the look under another name, where the two handshakes came out alike.
type hostCache struct {
	looks    *egress.Hour // nil: no bound
	mu       sync.Mutex
	seen     *cache.Cache[*sighting]        // by hostKey
	at       *cache.Cache[hostKey]          // the latest look at everything, under whatever name, by address
	injected *cache.Cache[report.Injection] // what came of a command slipped in behind STARTTLS, by address
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
	name    string
	party   *share.Party  // for whom it is made; who waits for it joins; nil when it is over
	done    chan struct{} // closed when the look is over
	at      time.Time
	whole   bool
	address report.Address
	domains map[string]bool // who was served with it
	octets  int             // of all that
}

// wish is what a check wants to know of an address.
type wish struct {
	hostKey
	domain string
	anew   bool         // it wants to know what has changed since, as a domain that asks again does
	party  *share.Party // for whom scan looks
	// may says why the check may not look at the address itself, for the certificates alone or
	// for everything; nil where it may.
	may func(brief bool) error
	// scan looks.
	scan func(brief bool) report.Address
	// own reports whether the address bears the name; it is asked where that decides. Nil for no.
	own func() bool
}

// alone is the wish for the certificates alone.
func (w wish) alone() wish {
	w.brief = true
	return w
}

// newHostCache returns an empty cache that looks at an address so many times an hour; any
// number of times if that is negative.
func newHostCache(looks int) *hostCache {
	c := &hostCache{
		seen:     cache.New(hostOctets, hostFresh, func(s *sighting) int { return s.octets }),
		at:       cache.New[hostKey](atOctets, hostFresh, nil),
		injected: cache.New[report.Injection](injectedOctets, oneDay, nil),
	}
	if looks >= 0 {
		c.looks = &egress.Hour{N: looks * briefs, Least: fewLooks * briefs}
	}
	return c
}

// look returns what is known of an address for a domain. It looks when nothing usable
// is remembered, and waits when another check is looking at the moment. Once the address has
// been looked at often enough, it returns what is remembered of the last hour, also for a
// domain that asks again, or else says that it was left alone. reused is the time of an
// earlier look, nil for a fresh one. partial says that there was no more than the certificates,
// since the check may not look at everything.
func (c *hostCache) look(ctx context.Context, w wish) (a report.Address, reused *time.Time, partial bool) {
	if w.brief {
		a, reused = c.one(ctx, w)
		return a, reused, false
	}
	tried := false
	if under := c.underAnotherName(ctx, w); under != nil {
		a, reused = c.one(ctx, w.alone())
		if shared, alike := join(a, under); alike {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.serve(hostKey{name: under.name, at: w.at}, under, w.domain)
			return shared, reused, false
		}
		if a.Failure != nil && report.Own(a.Failure.Kind) {
			return a, reused, false
		}
		tried = true // the name leads to something of its own behind the address
	}
	if c.remembers(w) || w.may(false) == nil {
		a, reused = c.one(ctx, w)
		return a, reused, false
	}
	if !tried {
		a, reused = c.one(ctx, w.alone())
	}
	return a, reused, a.Reachable
}

// remembers reports whether there is a look that serves a wish, also one under way.
func (c *hostCache) remembers(w wish) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known(w.hostKey).serves(w)
}

// one is look under one name by itself.
func (c *hostCache) one(ctx context.Context, w wish) (address report.Address, reused *time.Time) {
	key := w.hostKey
	for {
		c.mu.Lock()
		if whole := (hostKey{name: w.name, at: w.at}); c.known(whole).serves(w) {
			key = whole
		}
		s := c.known(key)
		if !s.serves(w) {
			break
		}
		leave := s.party.Join(w.party)
		c.mu.Unlock()
		select {
		case <-s.done:
			leave()
		case <-ctx.Done():
			leave()
			return w.scan(key.brief), nil // finds the context ended, and says so
		}
		c.mu.Lock()
		if s.whole {
			c.serve(key, s, w.domain)
			c.mu.Unlock()
			return s.address, &s.at
		}
		if c.known(key) == s { // cut short: the next one looks for itself
			c.seen.Drop(key.String())
		}
		key = w.hostKey
		c.mu.Unlock()
	}
	last := c.known(key) // over and whole, or it would have been joined
	if last != nil && !report.Within(hostFresh, last.at, time.Now()) {
		last = nil
	}
	if f := c.refusal(w, last != nil); f != nil {
		defer c.mu.Unlock()
		if last != nil {
			c.serve(key, last, w.domain)
			return last.address, &last.at
		}
		return alone(f), nil
	}
	return c.fresh(ctx, w, key), nil
}

// fresh is a look that is made now, for all who wait for it. c.mu is held, and let go while it lasts.
func (c *hostCache) fresh(ctx context.Context, w wish, key hostKey) report.Address {
	s := &sighting{name: w.name, party: w.party, done: make(chan struct{}), at: time.Now().UTC().Truncate(time.Second), domains: map[string]bool{w.domain: true}}
	c.seen.Put(key.String(), s)
	if !key.brief && !c.latest(key.at).serves(w) {
		c.at.Put(key.at.String(), key)
	}
	c.mu.Unlock()

	defer close(s.done)
	s.address = w.scan(key.brief)
	c.vouch(w.name, key.at.Addr(), s.address)
	c.mu.Lock()
	defer c.mu.Unlock()
	s.party = nil
	s.whole = ctx.Err() == nil && s.address.Reachable && s.address.Failure == nil
	if c.known(key) != s { // forgotten meanwhile
		return s.address
	}
	if !s.whole {
		c.seen.Drop(key.String())
		return s.address
	}
	s.octets = cache.Octets(s)
	c.keep(key, s)
	return s.address
}

// known returns the last look of that kind, nil where none is remembered. c.mu is held.
func (c *hostCache) known(key hostKey) *sighting {
	s, _ := c.seen.Get(key.String())
	return s
}

// latest returns the latest look at everything at an address, under whatever name; nil where
// none is remembered. c.mu is held.
func (c *hostCache) latest(at netip.AddrPort) *sighting {
	key, ok := c.at.Get(at.String())
	if !ok {
		return nil
	}
	return c.known(key)
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

// serves reports whether there is a look and it still serves a wish. c.mu is held.
func (s *sighting) serves(w wish) bool { return s != nil && !s.stale(w) }

// stale reports whether a look does not serve a wish any more. One that is under way
// serves everybody. c.mu is held.
func (s *sighting) stale(w wish) bool {
	select {
	case <-s.done:
	default:
		return false
	}
	now := time.Now()
	return !report.Within(hostFresh, s.at, now) || (w.anew || s.domains[w.domain]) && !report.Within(askAgain, s.at, now)
}

// injection returns what came of the command slipped in behind STARTTLS at an address
// within the last day; empty when it may be asked.
func (c *hostCache) injection(addr netip.Addr) report.Injection {
	result, _ := c.injected.Get(addr.String())
	return result
}

func (c *hostCache) noteInjection(addr netip.Addr, result report.Injection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if result != "" && c.injection(addr) == "" { // else it is an answer that was remembered, not a new one
		c.injected.Put(addr.String(), result)
	}
}

// forget drops every look, also those under way: whoever waits for one still gets it.
func (c *hostCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.Clear()
	c.at.Clear()
}
