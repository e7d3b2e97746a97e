package web

import (
	"fmt"
	"time"

	"mxseal/checks/cache"
)

// posts counts requests for httprate, whose own counter grows by every client that comes.
type posts struct {
	counts *cache.Cache[int] // by client and minute
}

// postOctets is the memory for who has asked within this minute and the one before.
const postOctets = 4 << 20

func newPosts() posts { return posts{cache.New[int](postOctets, 2*time.Minute, nil)} }

func (c posts) Held() cache.Held { return c.counts.Held() }

// Config is what httprate tells a counter: nothing that it has to know.
func (c posts) Config(int, time.Duration) {}

// Increment counts a request. httprate calls it and Get one at a time.
func (c posts) Increment(key string, window time.Time) error { return c.IncrementBy(key, window, 1) }

// IncrementBy counts several.
func (c posts) IncrementBy(key string, window time.Time, n int) error {
	name := name(key, window)
	count, _ := c.counts.Get(name)
	c.counts.Put(name, count+n)
	return nil
}

// Get returns the counts of two windows.
func (c posts) Get(key string, current, previous time.Time) (int, int, error) {
	now, _ := c.counts.Get(name(key, current))
	before, _ := c.counts.Get(name(key, previous))
	return now, before, nil
}

func name(key string, window time.Time) string { return fmt.Sprint(key, " ", window.Unix()) }
