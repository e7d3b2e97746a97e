package checks

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"time"

	"mxseal/checks/report"
)

// Config is how an Engine looks at the world. The zero value looks at the internet.
type Config struct {
	Resolvers []netip.AddrPort // recursive upstreams; those of /etc/resolv.conf if empty
	Anchors   []byte           // DS or DNSKEY records of the root in zone-file form; IANA's if nil
	Roots     *x509.CertPool   // for mail and policy servers; Mozilla's if nil
	SMTPPort  uint16           // 25 if zero
	STSPort   uint16           // 443 if zero
	Allow     []netip.Prefix   // special-purpose networks that may be contacted
	HELO      string           // EHLO name; the host's if empty
	Timeout   time.Duration    // of one domain; 90 s if zero
	Depth     report.Depth     // report.Standard if empty
	MaxConns  int              // at a time to one address; 2 if zero
	Pace      time.Duration    // between connections to one address; 50 ms if zero, none if negative
	Version   string           // of the program
	// Dial makes every connection; nil for the network. The lab puts its own here.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Engine runs checks. It is safe for concurrent use.
type Engine struct {
	cfg Config
}

// New returns an Engine. The error says which part of the configuration cannot be used.
func New(cfg Config) (*Engine, error) { return &Engine{cfg: cfg}, nil }

// Run checks one domain and returns its report under the given id. It always returns a
// report: what could not be found out is in it as untested. Events are passed to emit, one
// at a time, while the check runs; emit may be nil.
func (e *Engine) Run(ctx context.Context, d Domain, id string, emit func(report.Event)) *report.Report {
	panic("not built yet")
}

// Explain fills the sentences of every finding from the rules that are in force now.
func Explain(r *report.Report) {}
