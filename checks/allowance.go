package checks

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"mxseal/checks/cache"
)

// Allowance grants each key at most N things within any span of that length. It remembers
// when each was taken, so what it says of the next is exact. Where strangers choose the keys,
// memory stays bounded: who has been quiet for the longest time is forgotten first. It is safe
// for concurrent use.
//
// A nil Allowance grants everything.
type Allowance[K comparable] struct {
	N      int
	Span   time.Duration
	Octets int // of memory that it may take; more where that is too little for a few keys that have had their share

	mu    sync.Mutex
	began time.Time                     // what times are counted from
	taken *cache.Cache[[]time.Duration] // by key, oldest first
}

// Wait says how long key has to wait for its next thing; zero when it may have it now.
func (a *Allowance[K]) Wait(key K) time.Duration {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, wait := a.look(fmt.Sprint(key))
	return wait
}

// Take takes one thing for key. When key has had its share nothing is taken, and Take says
// how long it has to wait.
func (a *Allowance[K]) Take(key K) time.Duration {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	name := fmt.Sprint(key)
	taken, wait := a.look(name)
	if wait == 0 {
		a.taken.PutFor(name, append(taken, time.Since(a.began)), a.Span)
	}
	return wait
}

// look returns what a key took within the span that ends now, and how long it has to wait.
// a.mu is held.
func (a *Allowance[K]) look(key string) (taken []time.Duration, wait time.Duration) {
	if a.taken == nil {
		a.began = time.Now()
		a.taken = cache.New[[]time.Duration](max(a.Octets, 4*(16*a.N+1024)), a.Span, nil)
	}
	now := time.Since(a.began)
	taken, _ = a.taken.Get(key)
	over := 0
	for over < len(taken) && now-taken[over] >= a.Span {
		over++
	}
	if taken = slices.Clip(taken[over:]); len(taken) >= a.N {
		wait = taken[len(taken)-a.N] + a.Span - now
	}
	return taken, wait
}

// Held is what an allowance holds.
func (a *Allowance[K]) Held() cache.Held {
	if a == nil {
		return cache.Held{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.taken == nil {
		return cache.Held{Most: a.Octets}
	}
	return a.taken.Held()
}
