package checks

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
	"mxseal/checks/starttls"
)

const (
	hostFresh = time.Hour        // how long other domains are served with what was seen of a host
	askAgain  = time.Minute      // how soon a domain that asks again makes us look again
	oneDay    = 24 * time.Hour   // between two commands slipped in behind STARTTLS (RULES SMT-21)
	maxHosts  = 4096             // addresses remembered
	joinTime  = 10 * time.Second // for another's look under another name, which may serve in part

	// An hour of looks is counted in brief ones, of which a look at everything is worth so many.
	briefs   = wholeLook / briefLook
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
	seen     map[hostKey]*sighting
	at       map[netip.AddrPort]*sighting // the latest look at everything, under whatever name
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
	name    string
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

// wish is what a check wants to know of an address.
type wish struct {
	hostKey
	domain string
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
	c := &hostCache{seen: make(map[hostKey]*sighting), at: make(map[netip.AddrPort]*sighting), injected: make(map[netip.Addr]injection)}
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
			under.domains[w.domain] = true
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

// underAnotherName returns a look at everything at the address that serves the domain, made
// under another name than the one wanted; nil where there is none, or it is not needed. It waits
// for one that is under way, for a while.
func (c *hostCache) underAnotherName(ctx context.Context, w wish) *sighting {
	if c.remembers(w) {
		return nil
	}
	c.mu.Lock()
	s := c.at[w.at]
	serves := s.serves(w.domain) && s.name != w.name
	c.mu.Unlock()
	if !serves {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	select {
	case <-s.done:
	case <-ctx.Done():
		return nil
	}
	if !s.whole || s.address.SMTP.STARTTLS != "ok" || s.address.TLS == nil {
		return nil
	}
	return s
}

// remembers reports whether there is a look that serves a wish, also one under way.
func (c *hostCache) remembers(w wish) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[w.hostKey].serves(w.domain)
}

// one is look under one name by itself.
func (c *hostCache) one(ctx context.Context, w wish) (address report.Address, reused *time.Time) {
	key := w.hostKey
	for {
		c.mu.Lock()
		if whole := (hostKey{name: w.name, at: w.at}); c.seen[whole].serves(w.domain) {
			key = whole
		}
		s := c.seen[key]
		if !s.serves(w.domain) {
			break
		}
		c.mu.Unlock()
		select {
		case <-s.done:
		case <-ctx.Done():
			return w.scan(key.brief), nil // finds the context ended, and says so
		}
		c.mu.Lock()
		if s.whole {
			s.domains[w.domain] = true
			c.mu.Unlock()
			return s.address, &s.at
		}
		if c.seen[key] == s { // cut short: the next one looks for itself
			delete(c.seen, key)
		}
		key = w.hostKey
		c.mu.Unlock()
	}
	last := c.seen[key] // over and whole, or it would have been joined
	if last != nil && time.Since(last.at) > hostFresh {
		last = nil
	}
	if f := c.refusal(w, last != nil); f != nil {
		defer c.mu.Unlock()
		if last != nil {
			last.domains[w.domain] = true
			return last.address, &last.at
		}
		return alone(f), nil
	}
	s := &sighting{name: w.name, done: make(chan struct{}), at: time.Now().UTC().Truncate(time.Second), domains: map[string]bool{w.domain: true}}
	c.seen[key] = s
	if !key.brief && !c.at[key.at].serves(w.domain) {
		c.at[key.at] = s
	}
	if len(c.seen) > maxHosts {
		c.sweep()
	}
	c.mu.Unlock()

	defer close(s.done)
	s.address = w.scan(key.brief)
	c.vouch(w.name, key.at.Addr(), s.address)
	c.mu.Lock()
	defer c.mu.Unlock()
	s.whole = ctx.Err() == nil && s.address.Reachable && s.address.Failure == nil
	if !s.whole && c.seen[key] == s {
		delete(c.seen, key)
	}
	if !s.whole && c.at[key.at] == s {
		delete(c.at, key.at)
	}
	return s.address, nil
}

// refusal says why an address is not looked at; nil where it is, and then the look is counted.
// again: what is remembered will do. c.mu is held, and let go while others are asked.
func (c *hostCache) refusal(w wish, again bool) *report.Failure {
	if err := w.may(w.brief); err != nil {
		return &report.Failure{Phase: "connect", Kind: egress.Spent, Text: report.Clean(fmt.Sprintf("%v was not asked under the name %s: %v", w.at, w.name, err), 500)}
	}
	claim, n := egress.Claim{Name: w.name, Again: again}, briefs
	if w.brief {
		n = 1
	}
	wait, where := c.looks.Take(w.at.Addr(), claim, n)
	if wait > 0 && !again && w.own != nil {
		c.mu.Unlock()
		claim.Own = w.own()
		c.mu.Lock()
		if claim.Own {
			wait, where = c.looks.Take(w.at.Addr(), claim, n)
		}
	}
	if wait <= 0 {
		return nil
	}
	what, most := w.at.String(), c.looks.N/briefs
	if !where.IsSingleIP() {
		what, most = "The network "+where.String(), most*egress.Times(where)
	}
	return &report.Failure{Phase: "connect", Kind: egress.RateLimited, Text: report.Clean(fmt.Sprintf(
		"%s may be looked at %d times from here within an hour, for all the names and domains that it serves, and the part of %s is used up; %v is left alone until %s",
		what, most, egress.Account(w.name), w.at, time.Now().Add(wait).UTC().Format("15:04 UTC")), 500)}
}

// vouch notes the names that an address has shown to be its own, by a certificate or in its
// greeting.
func (c *hostCache) vouch(name string, addr netip.Addr, a report.Address) {
	shown := slices.ContainsFunc(a.Named(), func(c *report.Certificate) bool { return c.NameMatch })
	if a.SMTP != nil && !shown {
		greeted, _, _ := strings.Cut(a.SMTP.Banner, " ")
		shown = strings.Contains(greeted, ".") && egress.Account(greeted) == egress.Account(name)
	}
	if shown {
		c.looks.Vouch(addr, name)
	}
}

// join makes one of what an address showed under a name and of a look at everything under
// another one. alike is whether the two may be taken for the same server: the same hello came
// to the same end, with a key of the same kind.
func join(named report.Address, under *sighting) (a report.Address, alike bool) {
	all := under.address
	if named.Failure != nil || named.SMTP == nil || named.TLS == nil || named.SMTP.STARTTLS != all.SMTP.STARTTLS ||
		starttls.Worked(named.SMTP.Ladder) != starttls.Worked(all.SMTP.Ladder) || named.TLS.Version != all.TLS.Version ||
		named.TLS.Cipher != all.TLS.Cipher || named.TLS.Group != all.TLS.Group || keyKinds(named) != keyKinds(all) {
		return named, false
	}
	a = named
	smtp, tls := *named.SMTP, *all.TLS
	smtp.Enforced, smtp.MailReply, smtp.MailFailure = all.SMTP.Enforced, all.SMTP.MailReply, all.SMTP.MailFailure
	smtp.Injection, smtp.Changed, smtp.Oddities = all.SMTP.Injection, all.SMTP.Changed, all.SMTP.Oddities
	tls.MustStaple, tls.Staple = named.TLS.MustStaple, named.TLS.Staple
	tls.SeenAs, tls.SeenAt = under.name, &under.at
	a.SMTP, a.TLS = &smtp, &tls
	return a, true
}

// keyKinds are the kinds of the keys in the certificates that an address shows under its name.
func keyKinds(a report.Address) string {
	var kinds []string
	for _, c := range a.Named() {
		kind, _, _ := strings.Cut(c.Key, " ")
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return strings.Join(slices.Compact(kinds), " ")
}

// alone is what is known of an address that was not contacted, and why not.
func alone(f *report.Failure) report.Address {
	return report.Address{SMTP: &report.SMTP{STARTTLS: "untested"}, Failure: f}
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
	maps.DeleteFunc(c.at, func(at netip.AddrPort, s *sighting) bool { return c.seen[hostKey{name: s.name, at: at}] != s })
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
