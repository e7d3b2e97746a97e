package checks

import (
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"mxseal/checks/check"
	"mxseal/checks/input"
	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// begin makes an empty report.
func (e *Engine) begin(id string) *report.Report {
	return &report.Report{
		Meta: report.Meta{
			Conditions:  spoiling(e.tested()),
			LargeHellos: slices.ContainsFunc(e.Conditions(), func(c report.Condition) bool { return c.Name == report.LargeCondition && c.State == report.ConditionOK }),
			Schema:      report.Schema,
			ID:          id,
			CheckedAt:   time.Now().UTC().Truncate(time.Second),
			Engine:      e.cfg.Version,
			Vantage:     e.cfg.Vantage,
			Depth:       e.cfg.Depth,
			Coded:       true,
		},
		Conclusions: report.Conclusions{Rules: report.RulesSet},
	}
}

// beginFor makes an empty report of a domain.
func (e *Engine) beginFor(d input.Domain, id string) *report.Report {
	r := e.begin(id)
	r.Domain, r.UnicodeDomain, r.Input = d.ASCII, d.Unicode, d.Notes
	return r
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
	emitted  map[finding]bool // those that were sent while the check runs
	work     sync.WaitGroup
	base     check.Scan // what a check gets to see, before it is made its own
	lookups  check.Lookups
	share    int           // hosts among which the room of a report is shared
	apart    bool          // others call on the mail servers
	anew     bool          // what is remembered of them will not do
	zoned    chan struct{} // closes when nobody reads the hosts' names any more
}

// finding is what tells one finding from another.
type finding struct {
	rule, host, address, title string
}

func (e *Engine) newRun(r *report.Report, emit func(report.Event)) *run {
	short, _ := e.dialer.Short()
	dialer := e.dialer.Check(r.Domain, bound(e.cfg.Depth))
	e = e.as(dialer.Scan())
	run := &run{Engine: e, resolver: e.resolver.Fresh(e.scan).Through(dialer), dialer: dialer, r: r, start: time.Now(), short: short, emit: emit, emitted: make(map[finding]bool), share: 1, zoned: make(chan struct{})}
	run.base = check.Scan{Domain: r.Domain, Resolver: run.resolver, Dialer: dialer.Counter(), Roots: e.roots, Port: e.cfg.STSPort,
		Depth: e.cfg.Depth, OptedOut: e.cfg.OptedOut, Evidence: &r.Evidence}
	return run
}

// stage does one piece of gathering and says so. A panic in it is our own fault: it is
// logged, noted in the report, and leaves the stage's evidence absent.
func (run *run) stage(id report.CheckID, host string, gather func()) {
	run.say(report.Progress{Stage: id, Host: host})
	defer run.say(report.Progress{Stage: id, Host: host, Ended: true})
	defer run.rescue(string(id))
	gather()
}

// gather is a stage in which a check asks.
func (run *run) gather(c check.Check, host string, ask func(*check.Scan)) {
	run.stage(c.ID, host, func() { ask(run.base.With(c.ID, &run.lookups)) })
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

// port returns the address and port of a mail server.
func (e *Engine) port(ip string) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(ip)
	return netip.AddrPortFrom(a, e.cfg.SMTPPort), err
}
