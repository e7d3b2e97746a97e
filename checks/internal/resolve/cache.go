package resolve

import (
	"container/list"
	"sync"
	"time"
)

// cache keeps a bounded number of values until each expires; the least recently used one
// makes room. There is no janitor: what has expired goes when it is met or pushed out.
type cache[K comparable, V any] struct {
	mu      sync.Mutex
	max     int
	entries map[K]*list.Element
	recent  *list.List // of *entry, most recently used first
}

type entry[K comparable, V any] struct {
	key     K
	value   V
	expires time.Time
}

func newCache[K comparable, V any](max int) *cache[K, V] {
	return &cache[K, V]{max: max, entries: make(map[K]*list.Element), recent: list.New()}
}

func (c *cache[K, V]) get(key K) (value V, expires time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.entries[key]
	if !ok {
		return value, expires, false
	}
	e := el.Value.(*entry[K, V])
	if !time.Now().Before(e.expires) {
		c.drop(el)
		return value, expires, false
	}
	c.recent.MoveToFront(el)
	return e.value, e.expires, true
}

func (c *cache[K, V]) put(key K, value V, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.entries[key]; ok {
		c.drop(el)
	}
	c.entries[key] = c.recent.PushFront(&entry[K, V]{key, value, expires})
	if c.recent.Len() > c.max {
		c.drop(c.recent.Back())
	}
}

// drop removes an element. c.mu is held.
func (c *cache[K, V]) drop(el *list.Element) {
	delete(c.entries, c.recent.Remove(el).(*entry[K, V]).key)
}
