package web

import (
	"cmp"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/httprate"

	"mxseal/web/scans"
	"mxseal/web/store"
)

// Limits bound what strangers can make this instance do. Reading is not limited by number:
// nothing leaves the house for it, and few answers are made at a time (renderer).
type Limits struct {
	scans.Limits
	ClientMinute int // checks that one client may ask for within a minute, joined and fresh ones too; 30 if zero, no bound if negative
}

const postsPerMinute = 30 // the default of Limits.ClientMinute

// client is who asks for a check.
func client(r *http.Request) scans.Client {
	c := scans.Client{By: "form", Addr: middleware.GetClientIPAddr(r.Context()).Unmap().WithZone("")}
	if ofAPI(r) {
		c.By = "api"
	}
	return c
}

// clientIP finds out who asks: the peer, or behind a trusted proxy whom that names. Of a chain
// of proxies the last address that is none of them counts; what stands before it anybody can
// write. Other headers are never believed.
func (s *Site) clientIP() func(http.Handler) http.Handler {
	find := middleware.ClientIPFromRemoteAddr
	if len(s.cfg.TrustedProxies) > 0 {
		var prefixes []string
		for _, p := range s.cfg.TrustedProxies {
			prefixes = append(prefixes, p.String())
		}
		find = middleware.ClientIPFromXFF(prefixes...)
	}
	unnamed := sync.OnceFunc(func() {
		s.cfg.Log.Warn("requests come through a proxy that was not named: all its visitors share the limits of one client", "see", "--trusted-proxy")
	})
	return func(next http.Handler) http.Handler {
		return find(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			client := middleware.GetClientIPAddr(r.Context())
			if len(s.cfg.TrustedProxies) == 0 && r.Header.Get("X-Forwarded-For") != "" && (client.IsLoopback() || client.IsPrivate()) {
				unnamed()
			}
			next.ServeHTTP(w, r)
		}))
	}
}

// limit bounds how many checks one client asks for within a minute, wherever it asks.
func (s *Site) limit() func(http.Handler) http.Handler {
	n := cmp.Or(s.cfg.Limits.ClientMinute, postsPerMinute)
	if n < 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	var limits chi.Middlewares
	for i, share := range scans.Shares {
		limits = append(limits, httprate.LimitBy(n*share.Worth, time.Minute,
			func(r *http.Request) (string, error) { return fmt.Sprint(i, " ", client(r).Network(i)), nil },
			httprate.WithLimitCounter(s.posts),
			httprate.WithResponseHeaders(httprate.ResponseHeaders{RetryAfter: "Retry-After"}),
			httprate.WithLimitHandler(s.answer(s.overLimit))))
	}
	return limits.Handler
}

// overLimit answers a client that has asked for too much within a minute.
func (s *Site) overLimit(_ http.ResponseWriter, r *http.Request) error {
	s.scans.Impatient(client(r))
	return tooMany
}

// notice says on the page of the latest report why no other will follow it for now; history
// are the reports of the domain, youngest first.
func (s *Site) notice(domain string, history []store.Entry) string {
	if s.cfg.OptOuts.Domain(domain) {
		return "The owner of this domain has asked not to be checked from here. This report is from before, and no check will follow it."
	}
	if until := scans.Rests(history); time.Now().Before(until) {
		return fmt.Sprintf("This domain was checked %d times within an hour. The next check can begin at %s.", scans.DomainHour, until.UTC().Add(time.Minute-1).Format("15:04 UTC"))
	}
	return ""
}
