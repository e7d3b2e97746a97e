// Package resolve looks names up and says how far each answer can be trusted.
//
// It is a validating stub resolver (RFC 4035 §5): questions go to a recursive upstream
// with DO and CD set, and every answer is proved here, link by link, from the root's trust
// anchors. An AD bit is never believed. What cannot be proved is never called secure; what
// our own view of the DNS is to blame for is never called bogus.
package resolve

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/cache"
	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/share"
	"mxseal/checks/report"
)

// Config says whom to ask and what to believe.
type Config struct {
	Dialer     *egress.Dialer
	Upstreams  []netip.AddrPort // recursive resolvers, tried in order
	Anchors    []dns.RR         // DS or DNSKEY records of the root; the built-in ones if nil
	AcceptSHA1 bool             // validate algorithms 5 and 7 instead of calling them insecure (RFC 9905)
	Now        func() time.Time // the clock that signatures are held against; time.Now if nil
}

// Resolver answers questions. It is safe for concurrent use and caches what it learns.
type Resolver struct {
	cfg      Config
	anchors  []*dns.DS
	upstream *upstream
	top      *store        // the root and the top-level domains, shared with every Fresh resolver
	below    *store        // everything else
	keep     time.Duration // how long what lies below the top is remembered at least
	asking   *cache.Flight[*reply]
	walking  *cache.Flight[*zone]
	looking  *cache.Flight[*reply]
	looks    *atomic.Int32  // second looks left to one check; nil: no bound
	proved   *proofs        // shared with every Fresh resolver: mathematics does not change
	lost     *lost          // what got no answer, of one check; nil: nobody asks
	check    report.CheckID // that asks
}

// Answer is what a name and type came to. Look-ups never return an error: what went wrong
// is part of the answer.
type Answer struct {
	Name      string // as asked: lower case, fully qualified
	Type      uint16
	Rcode     int      // NOERROR or NXDOMAIN; anything else comes with a Failure
	Canonical string   // the name after its aliases, fully qualified; Name where there are none
	Zone      string   // apex of the zone that answered, as its signature or SOA names it; empty where neither came
	Records   []dns.RR // of the type asked, at Canonical; kept, unvalidated, when the state is bogus
	TTL       uint32   // seconds, the least over the records; of a denial, how long it may be kept
	Size      int      // octets of the answer message
	Trust     report.Trust
	Failure   *report.Failure // no answer to be had: timeout, servfail, refused, loop …
}

// Exists reports whether there are records of the type asked.
func (a *Answer) Exists() bool { return a.Failure == nil && len(a.Records) > 0 }

// NXDOMAIN reports whether the answer is that the name does not exist.
func (a *Answer) NXDOMAIN() bool { return a.Failure == nil && a.Rcode == dns.RcodeNameError }

// Denied reports whether a sender may act on the answer that there are no such records: it
// came, and its proof of absence is not broken. Whether the absence was proved or merely
// said is in Trust.State.
func (a *Answer) Denied() bool {
	return a.Failure == nil && len(a.Records) == 0 &&
		(a.Trust.State == report.Secure || a.Trust.State == report.Insecure)
}

// LookupFailed reports whether a validating sender gets no answer at all: SERVFAIL, a
// timeout and a bogus answer are the same to it (RFC 7672 §2.1.1).
func (a *Answer) LookupFailed() bool {
	return a.Failure != nil || a.Trust.State == report.Bogus || a.Trust.State == report.Indeterminate
}

// Blameable reports whether a name server may be to blame for what the answer came to: it
// failed, or what came does not validate.
func (a *Answer) Blameable() bool {
	if a.Failure != nil {
		return a.Failure.Kind != "malformed" && a.Failure.Kind != "loop"
	}
	return a.Trust.State == report.Bogus
}

// New returns a Resolver.
func New(cfg Config) *Resolver {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Anchors == nil {
		cfg.Anchors = rootAnchors()
	}
	return &Resolver{
		cfg:      cfg,
		anchors:  digests(cfg.Anchors),
		upstream: newUpstream(cfg.Dialer, cfg.Upstreams),
		top:      newStore(topOctets),
		below:    newStore(checkOctets),
		asking:   new(cache.Flight[*reply]),
		walking:  new(cache.Flight[*zone]),
		looking:  new(cache.Flight[*reply]),
		proved:   newProofs(),
	}
}

// Of returns the same Resolver for the questions of a scan, which get its share of the places.
func (r *Resolver) Of(scan *share.Scan) *Resolver {
	of := *r
	of.upstream = r.upstream.of(scan)
	return &of
}

// Fresh returns a Resolver for one scan. It has forgotten everything below the top-level
// domains, so that it sees what was just changed, and from then on remembers what it was
// told for as long as a check may take, so that the whole check sees one state of things.
// The upstream may still answer from its own cache.
func (r *Resolver) Fresh(scan *share.Scan) *Resolver {
	fresh := r.Of(scan)
	fresh.below = newStore(checkOctets)
	fresh.keep = mostLifetime
	fresh.asking, fresh.walking, fresh.looking = new(cache.Flight[*reply]), new(cache.Flight[*zone]), new(cache.Flight[*reply])
	fresh.looks = new(atomic.Int32)
	fresh.looks.Store(maxLooks)
	fresh.lost = &lost{kinds: make(map[report.Question]string)}
	return fresh
}

// Through returns the same Resolver, whose questions to name servers go through another door.
func (r *Resolver) Through(d *egress.Dialer) *Resolver {
	through := *r
	through.cfg.Dialer = d
	return &through
}

// For returns the resolver for one room of a check, by whose name its questions are kept that
// get no answer.
func (r *Resolver) For(check report.CheckID) *Resolver {
	one := *r
	one.check = check
	return &one
}

// store is the memory for a part of the name space.
type store struct {
	replies *cache.Cache[*reply]         // by question
	zones   *cache.Cache[*zone]          // by name
	steps   *cache.Cache[*step]          // by question
	ways    *cache.Cache[*delegation]    // by zone: where its servers are
	mute    *cache.Cache[struct{}]       // name servers that were silent to everything, by address
	heard   *cache.Cache[report.Witness] // what name servers gave that was no answer, by ear
}

const (
	topOctets   = 16 << 20 // of memory for the top of the name space
	checkOctets = 2 << 20  // for what one check learns below it, and for what is learnt there outside of checks
)

func newStore(octets int) *store {
	return &store{
		cache.New[*reply](octets*3/8, mostLifetime, nil),
		cache.New[*zone](octets/8, mostLifetime, nil),
		cache.New(octets*3/8, mostLifetime, (*step).octets),
		cache.New[*delegation](octets/16, mostLifetime, nil),
		cache.New[struct{}](octets/32, mostLifetime, nil),
		cache.New[report.Witness](octets/32, mostLifetime, nil),
	}
}

// Held is what the resolver remembers, and the proofs that it has seen.
func (r *Resolver) Held() (answers, proofs cache.Held) {
	return r.top.held().And(r.below.held()), r.proved.known.Held()
}

// held is what a store holds, all together.
func (s *store) held() (sum cache.Held) {
	for _, h := range []cache.Held{s.replies.Held(), s.zones.Held(), s.steps.Held(), s.ways.Held(), s.mute.Held(), s.heard.Held()} {
		sum = sum.And(h)
	}
	return sum
}

func (r *Resolver) store(name string) *store {
	if dns.CountLabel(name) <= 1 {
		return r.top
	}
	return r.below
}

// least is how long something about a name is kept that could be kept for so long.
func (r *Resolver) least(name string, keep time.Duration) time.Duration {
	if r.store(name) == r.below {
		return max(keep, r.keep)
	}
	return keep
}

// ask returns the upstream's reply to one question, from the cache where it can.
func (r *Resolver) ask(ctx context.Context, q question) *reply {
	replies := r.store(q.name).replies
	if rep, ok := replies.Get(q.String()); ok {
		return rep
	}
	rep, ok := r.asking.Do(ctx, q.String(), func(ctx context.Context) *reply {
		if rep, ok := replies.Get(q.String()); ok {
			return rep // it came between the two looks
		}
		rep := r.upstream.ask(ctx, q)
		if rep.failure == nil || ctx.Err() != context.Canceled {
			replies.PutFor(q.String(), rep, r.least(q.name, rep.lifetime(q)))
		}
		return rep
	})
	if !ok {
		return r.upstream.gaveUp(q)
	}
	return rep
}

// prefetch asks ahead for what the chain of a name will need, so that the whole chain
// takes one wave of queries: DS at every ancestor that could be a zone, DNSKEY at those
// near the root, which mostly are. What is still on its way when ctx ends is given up.
func (r *Resolver) prefetch(ctx context.Context, name string) {
	const deepest = 6 // labels; a hostile name of a hundred labels is walked one by one
	for _, n := range ancestry(name) {
		labels := dns.CountLabel(n)
		if z, ok := r.store(n).zones.Get(n); ok {
			if z.fault != nil {
				return // nothing below is asked for
			}
			continue
		}
		if labels > deepest || n[0] == '_' {
			return
		}
		types := []uint16{dns.TypeDS, dns.TypeDNSKEY}
		switch {
		case labels == 0:
			types[0] = selfTest
		case labels > 2:
			types = types[:1]
		}
		for _, t := range types {
			if q := (question{n, t}); !r.knows(q) {
				go r.ask(ctx, q)
			}
		}
	}
}

func (r *Resolver) knows(q question) bool {
	_, ok := r.store(q.name).replies.Get(q.String())
	return ok
}

// trial begins the examination of one message.
func (r *Resolver) trial() *trial {
	return &trial{now: r.cfg.Now(), sha1: r.cfg.AcceptSHA1, proved: r.proved}
}
