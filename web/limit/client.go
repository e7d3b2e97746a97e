// Package limit knows who asks, and bounds how often one may. What a check costs is bounded behind
// it (web/scans).
package limit

import (
	"log/slog"
	"net/http"
	"net/netip"
	"sync"

	"github.com/go-chi/chi/v5/middleware"
)

// Clients finds out who asks: the peer, or behind a trusted proxy whom that names. Of a chain
// of proxies the last address that is none of them counts; what stands before it anybody can
// write. Other headers are never believed.
type Clients struct {
	find    func(http.Handler) http.Handler
	unnamed func() // a proxy was not named; nil where one is
}

// NewClients returns the Clients of a site behind these proxies, of which there may be none.
func NewClients(proxies []netip.Prefix, log *slog.Logger) *Clients {
	if len(proxies) == 0 {
		return &Clients{middleware.ClientIPFromRemoteAddr, sync.OnceFunc(func() {
			log.Warn("requests come through a proxy that was not named: all its visitors share the limits of one client", "see", "--trusted-proxy")
		})}
	}
	var prefixes []string
	for _, p := range proxies {
		prefixes = append(prefixes, p.String())
	}
	return &Clients{find: middleware.ClientIPFromXFF(prefixes...)}
}

// Of returns the address of who asks, which is invalid where it is unknown.
func (c *Clients) Of(r *http.Request) (who netip.Addr) {
	// chi hides it in a context; here it comes out again.
	c.find(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		who = middleware.GetClientIPAddr(r.Context())
	})).ServeHTTP(nil, r)
	if c.unnamed != nil && r.Header.Get("X-Forwarded-For") != "" && (who.IsLoopback() || who.IsPrivate()) {
		c.unnamed()
	}
	return who.Unmap().WithZone("")
}
