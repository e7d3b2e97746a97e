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

// maxLooks is how many questions of one check others are asked for too.
const maxLooks = 32

// selfTest is a type that the root does not have: whether the upstream passes on the proof
// of that says whether it passes on proofs of absence at all.
const selfTest = dns.TypeMX

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
	frugal   bool           // hosts are not asked ahead of time whether they are zones
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
	fresh.lost = &lost{kinds: make(map[report.Question]report.Kind)}
	return fresh
}

// Through returns the same Resolver, whose questions to name servers go through another door.
func (r *Resolver) Through(d *egress.Dialer) *Resolver {
	through := *r
	through.cfg.Dialer = d
	return &through
}

// Frugal returns the same Resolver, which does not ask ahead whether a host is a zone of its own: one
// more wait where it is, and one question less for every host where it is not.
func (r *Resolver) Frugal() *Resolver {
	frugal := *r
	frugal.frugal = true
	return &frugal
}

// For returns the resolver for one room of a check, by whose name its questions are kept that
// get no answer.
func (r *Resolver) For(check report.CheckID) *Resolver {
	one := *r
	one.check = check
	return &one
}

// Held is what the resolver remembers, and the proofs that it has seen.
func (r *Resolver) Held() (answers, proofs cache.Held) {
	return r.top.held().And(r.below.held()), r.proved.known.Held()
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
	replies, key := r.store(q.name).replies, q.String()
	if rep, ok := replies.Get(key); ok {
		return rep
	}
	rep, ok := r.asking.Do(ctx, key, func(ctx context.Context) *reply {
		if rep, ok := replies.Get(key); ok {
			return rep // it came between the two looks
		}
		rep := r.upstream.ask(ctx, q)
		if rep.failure == nil || ctx.Err() != context.Canceled {
			replies.PutFor(key, rep, r.least(q.name, rep.lifetime(q)))
		}
		return rep
	})
	if !ok {
		return r.upstream.gaveUp(q)
	}
	return rep
}

// Unanswered returns the questions of the check so far that got no answer, those first that
// weigh most.
func (r *Resolver) Unanswered() []report.Question { return r.lost.list() }

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
		if labels > deepest || n[0] == '_' || n[0] == '*' || r.frugal && labels > 2 {
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

// Silence asks the upstream for the root, past everything that is remembered, and returns why
// there is no answer; nil where there is one. An upstream that does not know the root knows
// nothing, and no name server of a domain is to blame for it.
func (r *Resolver) Silence(ctx context.Context) *report.Failure {
	return r.upstream.ask(ctx, question{".", dns.TypeSOA}).failure
}
