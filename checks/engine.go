package checks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/cache"
	"mxseal/checks/check"
	"mxseal/checks/input"
	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/pkix"
	"mxseal/checks/internal/resolve"
	"mxseal/checks/internal/share"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Config is how an Engine looks at the world. The zero value looks at the internet.
type Config struct {
	Resolvers []netip.AddrPort // recursive upstreams; those of /etc/resolv.conf if empty
	Anchors   []byte           // DS or DNSKEY records of the root in zone-file form; IANA's if nil
	Roots     []byte           // PEM, for mail and policy servers; Mozilla's if nil
	SMTPPort  uint16           // 25 if zero
	STSPort   uint16           // 443 if zero
	Allow     []netip.Prefix   // special-purpose networks that may be contacted
	HELO      string           // EHLO name; the host's if empty
	Timeout   time.Duration    // of one domain; 90 s if zero
	Depth     report.Depth     // report.Standard if empty
	MaxConns  int              // at a time to one address; 2 if zero
	Pace      time.Duration    // between connections to one address; 50 ms if zero, none if negative
	Version   string           // of the program
	Log       *slog.Logger     // for faults of our own; discarded if nil
	// Previous returns the latest report of a domain (A-label), nil where there is none; it is
	// asked once a check. Nil for an engine without memory.
	Previous func(ctx context.Context, domain string) *report.Report
	// HostLooks bounds how often one address of a mail server is looked at within an hour,
	// for all domains together, and its networks in proportion; 20 if zero, no bound if
	// negative. Beyond it what was seen within the hour serves. Names have shares of it, and a
	// look at the certificates under one name counts a quarter.
	HostLooks int
	// OptedOut reports whether the owner of a mail or policy server, known by its name (A-label;
	// empty for a name server) and address, has asked not to be contacted. Nil spares nobody.
	OptedOut func(host string, addr netip.Addr) bool
	// Claim makes this process the only one that connects to an address, until release is called; lost
	// is called once where that ends before: every connection to it is then broken off. yield is called
	// at most once, where another process is to have it soon: no more connections begin. None of them
	// waits. The error is that of ctx, or says why nothing can be claimed. Nil: this process is the only one.
	Claim func(ctx context.Context, addr netip.Addr, lost, yield func()) (release func(), err error)
	// Vantage is what the network in which this engine stands is called; empty where there is one.
	Vantage string
	// Elsewhere has a call made from other vantages (FromHere), and returns what each has seen. It is
	// asked where STARTTLS does not work from here, or a promise is broken; nil: there is one vantage.
	Elsewhere func(ctx context.Context, c Call, domain string) []report.Elsewhere
	// Dial makes every connection; nil for the network. The lab puts its own here.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Engine runs checks. It is safe for concurrent use.
type Engine struct {
	cfg      Config
	dialer   *egress.Dialer
	resolver *resolve.Resolver
	roots    pkix.Store
	smtp     smtp.Config
	hosts    *hostCache
	scan     *share.Scan // that the engine is used for; nil for none
	// conditions are what the last SelfTest found.
	conditions *atomic.Pointer[[]report.Condition]
	troubles   *troubles // what was noticed while checks ran
}

// ErrNoResolver says that no resolver is named, and that the system names none.
var ErrNoResolver = errors.New("no resolver")

// New returns an Engine. The error says which part of the configuration cannot be used.
func New(cfg Config) (*Engine, error) {
	e := &Engine{cfg: cfg, conditions: new(atomic.Pointer[[]report.Condition]), troubles: new(troubles)}
	if err := e.defaults(); err != nil {
		return nil, err
	}
	e.hosts = newHostCache(e.cfg.HostLooks)
	var anchors []dns.RR
	if cfg.Anchors != nil {
		var err error
		if anchors, err = resolve.ParseAnchors(bytes.NewReader(cfg.Anchors)); err != nil {
			return nil, fmt.Errorf("trust anchors: %w", err)
		}
	}
	e.roots = pkix.BuiltIn()
	if cfg.Roots != nil {
		var err error
		if e.roots, err = pkix.FromPEM(cfg.Roots); err != nil {
			return nil, fmt.Errorf("CA file: %w", err)
		}
	}
	e.dialer = egress.New(egress.Config{
		Upstreams: e.cfg.Resolvers,
		Allow:     e.cfg.Allow,
		MaxConns:  e.cfg.MaxConns,
		Pace:      e.cfg.Pace,
		OptedOut:  func(a netip.Addr) bool { return e.cfg.OptedOut("", a) },
		Claim:     e.cfg.Claim,
		Dial:      e.cfg.Dial,
	})
	e.resolver = resolve.New(resolve.Config{Dialer: e.dialer, Upstreams: e.cfg.Resolvers, Anchors: anchors})
	e.smtp = smtp.Config{HELO: e.cfg.HELO}
	return e, nil
}

// as returns the engine for the use of one scan, which gets its share of the places for
// questions and no more.
func (e *Engine) as(scan *share.Scan) *Engine {
	one := *e
	one.scan, one.resolver = scan, e.resolver.Of(scan)
	return &one
}

func (e *Engine) defaults() error {
	c := &e.cfg
	if len(c.Resolvers) == 0 {
		var err error
		if c.Resolvers, err = resolve.SystemUpstreams(); err != nil {
			return fmt.Errorf("%w: %w (name one)", ErrNoResolver, err)
		}
	}
	if c.SMTPPort == 0 {
		c.SMTPPort = 25
	}
	if c.STSPort == 0 {
		c.STSPort = 443
	}
	if c.HELO == "" {
		name, err := os.Hostname()
		if err != nil || name == "" {
			name = "localhost"
		}
		c.HELO = name
	}
	if c.Timeout == 0 {
		c.Timeout = 90 * time.Second
	}
	if c.Depth == "" {
		c.Depth = report.Standard
	}
	if c.Pace == 0 {
		c.Pace = 50 * time.Millisecond
	}
	if c.HostLooks == 0 {
		c.HostLooks = 20
	}
	if c.OptedOut == nil {
		c.OptedOut = func(string, netip.Addr) bool { return false }
	}
	if c.Version == "" {
		c.Version = "devel"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// ParseDomain understands what a person typed. Special-use names are accepted where
// special-purpose networks may be contacted.
func (e *Engine) ParseDomain(typed string) (input.Domain, error) {
	return input.Parse(typed, len(e.cfg.Allow) > 0)
}

// Lookup makes one validated look-up. Where the answer fails, the name servers are asked one
// by one which of them is to blame.
func (e *Engine) Lookup(ctx context.Context, name string, qtype uint16) *report.Lookup {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	e = e.as(new(share.Scan))
	a := e.resolver.Lookup(ctx, name, qtype)
	l := check.Answered(a)
	if a.Blameable() {
		l.Authority = e.resolver.Authority(ctx, a.Canonical, qtype)
	}
	l.Say(view.Say)
	return &l
}

// Texts makes one validated look-up of TXT records, each as one text. known is false where no answer came, or
// a bogus one.
func (e *Engine) Texts(ctx context.Context, name string) (texts []string, known bool) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	a := e.as(new(share.Scan)).resolver.Lookup(ctx, name, dns.TypeTXT)
	return a.Texts(), a.Failure == nil && a.Trust.State != report.Bogus
}

// Caches are what the engine remembers for a while, by name.
func (e *Engine) Caches() map[string]cache.Held {
	answers, proofs := e.resolver.Held()
	held := map[string]cache.Held{"hosts": e.hosts.seen.Held(), "host-names": e.hosts.at.Held(), "injections": e.hosts.injected.Held(), "dns": answers, "proofs": proofs}
	for name, hour := range e.dialer.Hours() {
		held[name] = heldBy(hour)
	}
	held["looks"] = heldBy(e.hosts.looks)
	return held
}

func heldBy(h *egress.Hour) cache.Held {
	items, octets := h.Held()
	return cache.Held{Items: items, Octets: octets, Most: egress.HourOctets}
}
