// Package cache is the memory for what strangers make the program remember: every cache of the
// program is one of these, and each is bounded in octets.
//
// What was asked for longest ago makes room. What has expired is gone within two minutes,
// whether or not anybody asks again.
package cache

import (
	"container/list"
	"sync"
	"time"
	"weak"

	gocache "github.com/patrickmn/go-cache"
)

const (
	perItem   = 208         // octets that a value costs beside itself and its key: list, map, times
	largest   = 4           // no value takes more than this part of a cache
	sweepMost = time.Minute // between two looks for what has expired, at most
)

// Cache keeps values by name. It is safe for concurrent use. What it hands out is shared by
// all who ask: whoever changes a value puts it in again, so that it is weighed anew.
type Cache[V any] struct {
	most  int // octets
	keep  time.Duration
	weigh func(V) int

	mu     sync.Mutex     // guards all below, and every call to items
	items  *gocache.Cache // of *item[V]; it knows neither types nor bounds
	recent list.List      // of *item[V], what was asked for last at the front
	octets int
	pushed int // values that made room before their time
	armed  bool
}

// item is a value in its place.
type item[V any] struct {
	key    string
	value  V
	octets int
	at     *list.Element
}

// New returns a cache of at most so many octets, for values that are kept for a while. weigh
// says how many octets a value takes; nil is Octets.
func New[V any](most int, keep time.Duration, weigh func(V) int) *Cache[V] {
	if weigh == nil {
		weigh = func(v V) int { return Octets(v) }
	}
	c := &Cache[V]{most: most, keep: keep, weigh: weigh, items: gocache.New(keep, gocache.NoExpiration)} // no janitor: it would never end
	c.items.OnEvicted(func(_ string, v any) { c.forget(v.(*item[V])) })
	return c
}

// Get returns the value of that name.
func (c *Cache[V]) Get(key string) (v V, ok bool) {
	v, _, ok = c.Until(key)
	return v, ok
}

// Until is Get with the time at which the value expires.
func (c *Cache[V]) Until(key string) (v V, expires time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held, expires, ok := c.items.GetWithExpiration(key)
	if !ok || !time.Now().Before(expires) { // at its last moment go-cache still has it
		return v, expires, false
	}
	i := held.(*item[V])
	c.recent.MoveToFront(i.at)
	return i.value, expires, true
}

// Put keeps a value for the time that the cache keeps things, in the place of the one before.
func (c *Cache[V]) Put(key string, v V) { c.PutFor(key, v, c.keep) }

// PutFor keeps a value for a time of its own. A value that would take more than a quarter of
// the cache is not kept; nor is the one before.
func (c *Cache[V]) PutFor(key string, v V, keep time.Duration) {
	octets := c.weigh(v) + len(key) + perItem
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items.Delete(key)
	if octets > c.most/largest || keep <= 0 {
		return
	}
	i := &item[V]{key: key, value: v, octets: octets}
	i.at = c.recent.PushFront(i)
	c.octets += octets
	c.items.Set(key, i, keep)
	for c.octets > c.most {
		c.pushed++
		c.items.Delete(c.recent.Back().Value.(*item[V]).key)
	}
	c.arm()
}

// Drop forgets the value of that name.
func (c *Cache[V]) Drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items.Delete(key)
}

// Clear forgets everything.
func (c *Cache[V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.recent.Len() > 0 {
		c.items.Delete(c.recent.Front().Value.(*item[V]).key)
	}
}

// forget is what follows when an item has left. c.mu is held.
func (c *Cache[V]) forget(i *item[V]) {
	c.recent.Remove(i.at)
	c.octets -= i.octets
}

// arm sees to the next sweep. A cache that is empty, or that nobody has any more, needs none:
// the timer does not keep it. c.mu is held.
func (c *Cache[V]) arm() {
	if c.armed || c.recent.Len() == 0 {
		return
	}
	c.armed = true
	self := weak.Make(c)
	time.AfterFunc(min(max(c.keep/2, time.Second), sweepMost), func() {
		if c := self.Value(); c != nil {
			c.sweep()
		}
	})
}

// sweep forgets what has expired.
func (c *Cache[V]) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items.DeleteExpired()
	c.armed = false
	c.arm()
}

// Held is what a cache holds.
type Held struct {
	Items, Octets, Most int
	Pushed              int // values that made room for others before their time, since the beginning
}

// And is what two caches hold together.
func (h Held) And(other Held) Held {
	return Held{h.Items + other.Items, h.Octets + other.Octets, h.Most + other.Most, h.Pushed + other.Pushed}
}

// Held says what the cache holds now.
func (c *Cache[V]) Held() Held {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Held{c.recent.Len(), c.octets, c.most, c.pushed}
}
