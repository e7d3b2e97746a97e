package limit

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/httprate"

	"mxseal/checks/cache"
	"mxseal/web/scans"
)

// postsPerMinute is how many checks one client may ask for within a minute, unless it is said.
const postsPerMinute = 30

// Posts bounds how many checks one client asks for within a minute, wherever it asks.
type Posts struct {
	counts counts
	stages chi.Middlewares
}

// NewPosts returns the bound: n checks a minute for each client, 30 if zero, none if negative. who
// tells who asks; over answers whoever has asked for too much.
func NewPosts(n int, who func(*http.Request) scans.Client, over http.HandlerFunc) *Posts {
	p := &Posts{counts: newCounts()}
	if n = cmp.Or(n, postsPerMinute); n < 0 {
		return p
	}
	for i, share := range scans.Shares {
		p.stages = append(p.stages, httprate.LimitBy(n*share.Worth, time.Minute,
			func(r *http.Request) (string, error) { return fmt.Sprint(i, " ", who(r).Network(i)), nil },
			httprate.WithLimitCounter(p.counts),
			httprate.WithResponseHeaders(httprate.ResponseHeaders{RetryAfter: "Retry-After"}),
			httprate.WithLimitHandler(over)))
	}
	return p
}

// Bound puts the bound before a handler.
func (p *Posts) Bound(next http.Handler) http.Handler { return p.stages.Handler(next) }

// Held says what is held in memory.
func (p *Posts) Held() cache.Held { return p.counts.kept.Held() }

// counts counts requests for httprate, whose own counter grows by every client that comes.
type counts struct {
	kept *cache.Cache[int] // by client and minute
}

// postOctets is the memory for who has asked within this minute and the one before.
const postOctets = 4 << 20

func newCounts() counts { return counts{cache.New[int](postOctets, 2*time.Minute, nil)} }

// Config is what httprate tells a counter: nothing that it has to know.
func (c counts) Config(int, time.Duration) {}

// Increment counts a request. httprate calls it and Get one at a time.
func (c counts) Increment(key string, window time.Time) error { return c.IncrementBy(key, window, 1) }

// IncrementBy counts several.
func (c counts) IncrementBy(key string, window time.Time, n int) error {
	name := name(key, window)
	count, _ := c.kept.Get(name)
	c.kept.Put(name, count+n)
	return nil
}

// Get returns the counts of two windows.
func (c counts) Get(key string, current, previous time.Time) (int, int, error) {
	now, _ := c.kept.Get(name(key, current))
	before, _ := c.kept.Get(name(key, previous))
	return now, before, nil
}

func name(key string, window time.Time) string { return fmt.Sprint(key, " ", window.Unix()) }
