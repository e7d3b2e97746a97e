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
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/check"
	"mxseal/checks/input"
	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/pkix"
	"mxseal/checks/internal/resolve"
	"mxseal/checks/internal/share"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
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
	// Spared reports whether the owner of a mail or policy server, known by its name (A-label;
	// empty for a name server) and address, has asked not to be contacted. Nil spares nobody.
	Spared func(host string, addr netip.Addr) bool
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
		Spared:    func(a netip.Addr) bool { return e.cfg.Spared("", a) },
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
	if c.Spared == nil {
		c.Spared = func(string, netip.Addr) bool { return false }
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
	return &l
}

// begin makes an empty report.
func (e *Engine) begin(id string) *report.Report {
	return &report.Report{
		Meta: report.Meta{
			Conditions:  spoiling(e.tested()),
			LargeHellos: slices.ContainsFunc(e.Conditions(), func(c report.Condition) bool { return c.Name == report.LargeCondition && c.State == "ok" }),
			Schema:      report.Schema,
			ID:          id,
			CheckedAt:   time.Now().UTC().Truncate(time.Second),
			Engine:      e.cfg.Version,
			Depth:       e.cfg.Depth,
		},
		Conclusions: report.Conclusions{Rules: report.RulesSet},
	}
}

// run is one check under way.
type run struct {
	*Engine
	resolver *resolve.Resolver // this check's own view: fresh, and the same to its end
	dialer   *egress.Dialer    // this check's own way out
	purse    *purse            // what it may spend on mail servers
	r        *report.Report
	start    time.Time
	short    int        // what Dialer.Short said at the start
	mu       sync.Mutex // guards emit, told and r.Faults
	emit     func(report.Event)
	told     map[finding]bool // those that were sent while the check runs
	work     sync.WaitGroup
	share    int           // hosts among which the room of a report is shared
	zoned    chan struct{} // closes when nobody reads the hosts' names any more
}

func (e *Engine) newRun(r *report.Report, emit func(report.Event)) *run {
	short, _ := e.dialer.Short()
	dialer := e.dialer.Check(r.Domain, bound(e.cfg.Depth))
	e = e.as(dialer.Scan())
	return &run{Engine: e, resolver: e.resolver.Fresh(e.scan).Through(dialer), dialer: dialer, r: r, start: time.Now(), short: short, emit: emit, told: make(map[finding]bool), share: 1, zoned: make(chan struct{})}
}

// stage does one piece of gathering and says so. A panic in it is our own fault: it is
// logged, noted in the report, and leaves the stage's evidence absent.
func (run *run) stage(id report.CheckID, host string, gather func()) {
	run.say(report.Progress{Stage: id, Host: host})
	defer run.say(report.Progress{Stage: id, Host: host, Ended: true})
	defer run.rescue(string(id))
	gather()
}

func (run *run) rescue(check string) {
	if v := recover(); v != nil {
		run.cfg.Log.Error("a check panicked", "check", check, "panic", v, "stack", string(debug.Stack()))
		run.mu.Lock()
		defer run.mu.Unlock()
		run.r.Faults = append(run.r.Faults, check)
	}
}

func (run *run) say(p report.Progress) { run.send(report.Event{Progress: &p}) }

func (run *run) send(ev report.Event) {
	if run.emit == nil {
		return
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	ev.At = time.Now().UTC()
	run.emit(ev)
}

// finish judges the evidence and closes the report.
func (run *run) finish(ctx context.Context) *report.Report {
	r := run.r
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			if a.SeenAt == nil {
				r.Connections += a.Connections
			}
			if a.AsBase != nil && a.AsBase.SeenAt == nil {
				r.Connections += a.AsBase.Connections
			}
		}
	}
	r.HeldBack = run.dialer.Late()
	r.Unanswered = run.resolver.Unanswered()
	if ctx.Err() != nil {
		r.Interrupted = report.OutOfTime
		if context.Cause(ctx) != context.DeadlineExceeded {
			r.Interrupted = report.CutShort
		}
	}
	for _, c := range slices.Concat(spoiling(run.tested()), run.ownTroubles(ctx)) { // also what was discovered meanwhile
		if !slices.ContainsFunc(r.Conditions, func(known report.Condition) bool { return known.Name == c.Name }) {
			r.Conditions = append(r.Conditions, c)
		}
	}
	func() {
		defer run.rescue("grade")
		r.Conclusions = Judge(r.Meta, r.Evidence)
	}()
	r.ElapsedMS = time.Since(run.start).Milliseconds()
	for i := range r.Findings {
		run.tell(r.Findings[i])
	}
	run.send(report.Event{Done: r})
	return r
}

// preview judges a part of the evidence by the checks that are certain of something by it, and
// sends those findings about the host (none: the domain) that no further evidence can change.
// Rules that look at the whole domain have to wait for the end.
func (run *run) preview(part check.Part, e report.Evidence, host string) {
	if run.emit == nil || e.MX == nil {
		return
	}
	defer run.rescue("preview")
	m := report.Meta{Domain: run.r.Domain, UnicodeDomain: run.r.UnicodeDomain, CheckedAt: run.r.CheckedAt, Depth: run.r.Depth, LargeHellos: run.r.LargeHellos}
	r := &report.Report{Meta: m, Evidence: e}
	Derive(r.Observed())
	r.Findings = findings(r.Observed(), slices.DeleteFunc(slices.Clone(Every), func(c check.Check) bool { return c.Early&part == 0 })...)
	Explain(r)
	for _, f := range r.Findings {
		if f.Host == host {
			run.tell(f)
		}
	}
}

// finding is what tells one finding from another.
type finding struct {
	rule, host, address, title string
}

// tell sends a finding, once.
func (run *run) tell(f report.Finding) {
	key := finding{f.Rule, f.Host, f.Address, f.Title}
	run.mu.Lock()
	told := run.told[key]
	run.told[key] = true
	run.mu.Unlock()
	if !told {
		run.send(report.Event{Finding: &f})
	}
}

// port returns the address and port of a mail server.
func (e *Engine) port(ip string) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(ip)
	return netip.AddrPortFrom(a, e.cfg.SMTPPort), err
}
