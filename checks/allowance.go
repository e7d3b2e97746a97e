package checks

import (
	"sync"
	"time"
)

// Allowance grants each key at most N things within any span of that length. It remembers
// when each was taken, so what it says of the next is exact, and it remembers at most Most
// of them: where strangers choose the keys, memory stays bounded. It is safe for concurrent use.
//
// A nil Allowance grants everything.
type Allowance[K comparable] struct {
	N    int
	Span time.Duration
	Most int // things remembered over all keys; beyond it some keys are forgotten

	mu    sync.Mutex
	taken map[K][]time.Time // oldest first
	held  int               // things in taken
}

// Wait says how long key has to wait for its next thing; zero when it may have it now.
func (a *Allowance[K]) Wait(key K) time.Duration {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.wait(key, time.Now())
}

// Take takes one thing for key. When key has had its share nothing is taken, and Take says
// how long it has to wait.
func (a *Allowance[K]) Take(key K) time.Duration {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if wait := a.wait(key, now); wait > 0 {
		return wait
	}
	if a.taken == nil {
		a.taken = make(map[K][]time.Time)
	}
	if a.held >= a.Most {
		a.sweep(now, key)
	}
	a.taken[key] = append(a.taken[key], now)
	a.held++
	return 0
}

// wait is Wait with the lock held; it forgets what is over.
func (a *Allowance[K]) wait(key K, now time.Time) time.Duration {
	a.forget(key, now)
	taken := a.taken[key]
	if len(taken) < a.N {
		return 0
	}
	return taken[len(taken)-a.N].Add(a.Span).Sub(now)
}

// forget drops what a key took before the span that ends now. a.mu is held.
func (a *Allowance[K]) forget(key K, now time.Time) {
	taken := a.taken[key]
	over := 0
	for over < len(taken) && now.Sub(taken[over]) >= a.Span {
		over++
	}
	if a.held -= over; over == len(taken) {
		delete(a.taken, key)
	} else {
		a.taken[key] = taken[over:]
	}
}

// sweep makes room: of what is over first, and when that is too little of whatever comes,
// but for one key. A quarter is free afterwards, so that it is rarely called. a.mu is held.
func (a *Allowance[K]) sweep(now time.Time, spare K) {
	for key := range a.taken {
		a.forget(key, now)
	}
	for key, taken := range a.taken {
		if a.held <= a.Most*3/4 {
			return
		}
		if key != spare {
			a.held -= len(taken)
			delete(a.taken, key)
		}
	}
}
