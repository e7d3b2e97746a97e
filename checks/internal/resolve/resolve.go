// Package resolve looks names up and says how far each answer can be trusted.
//
// It is a validating stub resolver (RFC 4035 §5): questions go to a recursive upstream
// with DO and CD set, and every answer is proved here, link by link, from the root's trust
// anchors. An AD bit is never believed.
package resolve

import (
	"context"
	"net/netip"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

// Config says whom to ask and what to believe.
type Config struct {
	Dialer     *egress.Dialer
	Upstreams  []netip.AddrPort // recursive resolvers, tried in order
	Anchors    []dns.RR         // DS or DNSKEY records of the root; the built-in ones if nil
	AcceptSHA1 bool             // validate algorithms 5 and 7 instead of calling them insecure (RFC 9905)
}

// Resolver answers questions. It is safe for concurrent use and caches what it learns.
type Resolver struct {
	cfg Config
}

// Answer is what a name and type came to. Look-ups never return an error: what went wrong
// is part of the answer.
type Answer struct {
	Name      string // as asked: lower case, fully qualified
	Type      uint16
	Rcode     int      // NOERROR or NXDOMAIN; anything else comes with a Failure
	Canonical string   // the name after its aliases, fully qualified; Name where there are none
	Records   []dns.RR // of the type asked, at Canonical; kept, unvalidated, when the state is bogus
	TTL       uint32   // seconds, the least over the records
	Size      int      // octets of the answer message
	Trust     report.Trust
	Failure   *report.Failure // no answer to be had: timeout, servfail, refused, loop …
}

// New returns a Resolver.
func New(cfg Config) *Resolver { return &Resolver{cfg: cfg} }

// Lookup asks for the records of one type at a name, following aliases.
func (r *Resolver) Lookup(ctx context.Context, name string, qtype uint16) *Answer {
	panic("resolve: not built yet")
}
