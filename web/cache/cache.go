// Package cache holds what is asked for again and again, for a while and in bounded number.
// Nothing else in the program uses go-cache, which knows neither types nor bounds.
package cache

import (
	"time"

	"github.com/patrickmn/go-cache"
)

// Cache is safe for concurrent use.
type Cache[T any] struct {
	c   *cache.Cache
	max int
}

// New returns an empty cache of at most max things, each of which is kept for that long.
func New[T any](max int, keep time.Duration) Cache[T] {
	return Cache[T]{cache.New(keep, cache.NoExpiration), max} // no janitor: Put sweeps
}

// Put keeps a thing, in place of what is kept under that key. Where there is no room for a
// further key it does nothing.
func (c Cache[T]) Put(key string, v T) {
	if c.Len() >= c.max {
		c.c.DeleteExpired()
	}
	if _, held := c.c.Get(key); held || c.Len() < c.max {
		c.c.SetDefault(key, v)
	}
}

// Get returns what is kept under a key.
func (c Cache[T]) Get(key string) (v T, ok bool) {
	held, ok := c.c.Get(key)
	if ok {
		v = held.(T)
	}
	return v, ok
}

// Drop forgets a key.
func (c Cache[T]) Drop(key string) { c.c.Delete(key) }

// Len is how many things are kept, those included whose time is over and that were not swept
// yet.
func (c Cache[T]) Len() int { return c.c.ItemCount() }
