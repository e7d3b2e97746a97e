// Package scans sees to it that a domain is looked at when somebody asks for it: once at a
// time, within limits, and never where the owner does not want it. A scan is one run of the
// engine over a domain.
//
// Who asks for more than his share waits for himself and not in anybody's way: the queue gives
// places in turn to networks and clients (queue.go), a day and a minute have their bounds
// (limit.go). Whoever asks for a domain that is waiting or running joins, which is free.
//
// Nothing here knows HTTP: who asks is a parameter, and what is refused is refused with a
// reason.
package scans

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"mxseal/checks/cache"
	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/web/store"
)

const (
	// FreshFor is how long a report is shown instead of scanning again, from the end of its scan on.
	FreshFor = 60 * time.Second

	freshOctets  = 16 << 20         // of memory for reports
	spoiltOctets = 4 << 20          // for those that are not the latest
	idOctets     = 2 << 20          // of memory for ids, of lost ones and of the last report of each domain
	grace        = 10 * time.Second // for a stopped scan to return, and for a report to be saved
	lostFor      = 24 * time.Hour   // a report that could not be saved is known by its id
)

// Run is the signature of Engine.Run.
type Run func(ctx context.Context, d input.Domain, id string, emit func(report.Event)) *report.Report

// Config is what a Scanner works with.
type Config struct {
	Run     Run
	Store   *store.Store
	Log     *slog.Logger
	Limits  Limits
	OptOuts *OptOuts     // domains that are left alone; nil for none
	Audit   *Audit       // has a line for every scan that is asked for, and for its end; may be nil
	Refused func(Reason) // is called for every scan that is refused; may be nil
	// Delay says how long what is ready to compute waits for a processor; while that is long,
	// scans begin slowly. Nil for scans that begin at once.
	Delay func() time.Duration
}

// Scanner starts a scan, joins those who ask for it to the one that runs, or hands out the
// latest report. A domain is scanned once at a time, and nobody's leaving ends a scan. It is
// safe for concurrent use.
type Scanner struct {
	cfg     Config
	fresh   *cache.Cache[*report.Report] // the latest report of a domain, while it is fresh
	spoilt  *cache.Cache[*report.Report] // that of the last scan, where trouble of our own kept it from being the latest
	lost    *cache.Cache[struct{}]       // ids of reports that could not be saved
	last    *cache.Cache[string]         // id of the last report of a domain that was made here
	work    context.Context              // ends when running scans must stop
	stop    context.CancelFunc
	mu      sync.Mutex // guards what follows
	day     day        // what may still be begun for clients
	queue   *queue     // what begins when
	open    map[string]*Scan
	again   *time.Timer // for those who wait for the next minute, or for others to compute
	closing bool
	workers sync.WaitGroup
}

// New returns a Scanner. Close it when nobody asks any more.
func New(cfg Config) *Scanner {
	cfg.Limits = cfg.Limits.whole()
	s := &Scanner{cfg: cfg, fresh: cache.New[*report.Report](freshOctets, FreshFor, nil), spoilt: cache.New[*report.Report](spoiltOctets, FreshFor, nil),
		lost: cache.New[struct{}](idOctets, lostFor, nil), last: cache.New[string](idOctets, 2*FreshFor, nil),
		day: newDay(cfg.Limits.ClientDay), queue: newQueue(cfg.Limits, cfg.Delay), open: make(map[string]*Scan)}
	s.again = time.AfterFunc(time.Hour, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if wait := s.queue.pace.wait(); wait > 0 && !s.queue.mayBegin() { // nothing is new
			s.again.Reset(wait)
			return
		}
		s.advance()
	})
	s.again.Stop()
	s.work, s.stop = context.WithCancel(context.Background())
	return s
}

// Start sees to it that a scan of the domain runs, or that a fresh report is there. It
// returns the fresh report or, where that is nil, the scan that will make one. A *Refusal
// says why there is neither.
func (s *Scanner) Start(ctx context.Context, who Client, d input.Domain) (*report.Report, *Scan, error) {
	line := askedLine{Domain: d.ASCII}
	defer func() { s.cfg.Audit.asked(who, line) }()

	fresh, c, started, err := s.begin(ctx, who, d)
	var no *Refusal
	switch {
	case errors.As(err, &no):
		line.Outcome, line.Reason = "refused", string(no.Reason)
		s.refused(no.Reason)
	case err != nil:
		line.Outcome = "failed"
	case fresh != nil:
		line.Outcome, line.Report = "fresh", fresh.ID
	case started:
		line.Outcome, line.Report = "started", c.ID
	default:
		line.Outcome, line.Report = "joined", c.ID
	}
	return fresh, c, err
}

// begin is Start without a word to anybody; started tells a new scan from a joined one.
func (s *Scanner) begin(ctx context.Context, who Client, d input.Domain) (fresh *report.Report, c *Scan, started bool, err error) {
	latest, err := s.Latest(ctx, d.ASCII)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return nil, nil, false, err
	case s.cfg.OptOuts.Domain(d.ASCII):
		return nil, nil, false, &Refusal{Reason: OptedOut, Latest: latest}
	case err == nil && left(latest) > 0:
		return latest, nil, false, nil
	}
	if r, ok := s.spoilt.Get(d.ASCII); ok && left(r) > 0 {
		return r, nil, false, nil
	}
	rest, err := s.rest(ctx, d.ASCII)
	if err != nil {
		return nil, nil, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.open[d.ASCII]; c != nil {
		if c.waits() {
			s.queue.join(c, who)
			s.advance()
		}
		return nil, c, false, nil
	}
	if r, ok := s.fresh.Get(d.ASCII); ok { // it ended while we looked
		return r, nil, false, nil
	}
	switch {
	case s.closing:
		return nil, nil, false, &Refusal{Reason: Closing, Wait: soon}
	case rest > 0:
		return nil, nil, false, &Refusal{Reason: DomainRests, Wait: rest, Latest: latest}
	}
	if why := s.queue.room(who); why != "" {
		return nil, nil, false, &Refusal{Reason: why, Wait: soon, Latest: latest}
	}
	if wait := s.day.take(who); wait > 0 {
		return nil, nil, false, &Refusal{Reason: ClientDay, Wait: wait, Latest: latest}
	}
	c = newScan(store.NewID(), d)
	s.open[d.ASCII] = c
	s.queue.enter(c, who)
	s.advance()
	return nil, c, true, nil
}

// rest is how long a domain has to wait for its next scan. What counts are its reports, so
// that neither a restart nor a second process gives a domain more than its share.
func (s *Scanner) rest(ctx context.Context, domain string) (time.Duration, error) {
	list, err := s.cfg.Store.Until(ctx, domain, time.Now(), DomainHour)
	if err != nil {
		return 0, err
	}
	return max(time.Until(Rests(list)), 0), nil
}

// refused tells of a refusal.
func (s *Scanner) refused(why Reason) {
	if s.cfg.Refused != nil {
		s.cfg.Refused(why)
	}
}

// RefusedUnread notes a client that was refused before its wish was read, since it had asked too
// often.
func (s *Scanner) RefusedUnread(who Client) {
	s.cfg.Audit.refusedUnread(who)
	s.refused(ClientDay)
}

// advance begins the scans whose turn it is. s.mu is held.
func (s *Scanner) advance() {
	if s.closing {
		return
	}
	for _, c := range s.queue.advance() {
		c.begin()
		s.workers.Go(func() { s.attend(c) })
	}
	if s.queue.free > 0 && s.queue.crowd > 0 { // what they wait for comes by itself
		s.again.Reset(cmp.Or(s.queue.pace.wait(), time.Second))
	}
}

// Running returns the scan of a domain (A-label) that waits or runs, or nil. It starts nothing.
func (s *Scanner) Running(domain string) *Scan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[domain]
}

// ByID returns the scan that will make the report of that id, or nil.
func (s *Scanner) ByID(id string) *Scan {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.open {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// attend takes a scan that has begun to its saved report.
func (s *Scanner) attend(c *Scan) {
	defer c.end() // last: who is told so finds the report and no running scan any more
	defer s.leave(c)
	r := s.look(c)
	if r != nil {
		s.keep(r)
	}
	s.cfg.Audit.ended(c, r)
}

// leave closes a scan and gives its place to the next.
func (s *Scanner) leave(c *Scan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c.Domain.ASCII)
	s.queue.end(c)
	s.advance()
}

// look runs the engine. A panic in it is our own fault and ends this scan only.
func (s *Scanner) look(c *Scan) (r *report.Report) {
	defer func() {
		if v := recover(); v != nil {
			s.cfg.Log.Error("a check panicked", "panic", v, "stack", string(debug.Stack()))
			r = nil
		}
	}()
	return s.cfg.Run(s.work, c.Domain, c.ID, c.note)
}

// Close turns the waiting away, lets the running finish until ctx ends, then stops them.
func (s *Scanner) Close(ctx context.Context) error {
	s.turnAway()
	defer s.stop()
	done := make(chan struct{})
	go func() {
		s.workers.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.stop()
	select {
	case <-done:
		return nil
	case <-time.After(grace):
		s.mu.Lock()
		defer s.mu.Unlock()
		return fmt.Errorf("scans: %d did not stop within %s; their reports are lost", len(s.open), grace)
	}
}

// turnAway ends what waits, and lets nothing begin any more.
func (s *Scanner) turnAway() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for _, c := range slices.Clone(s.queue.waiting) {
		s.queue.leave(c)
		delete(s.open, c.Domain.ASCII)
		s.cfg.Audit.ended(c, nil)
		c.end()
	}
}

// Subscribe takes one of the streams that a client may have; it is given back by calling leave.
// The error is a *Refusal.
func (s *Scanner) Subscribe(who Client) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if why := s.queue.subscribe(who); why != "" {
		return nil, &Refusal{Reason: why, Wait: soon}
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.queue.unsubscribe(who)
	}, nil
}

// Stats are what there is at the moment.
type Stats struct {
	Running, Waiting int // scans
	Streams          int // that follow them
}

// Stats counts.
func (s *Scanner) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Running: maxRunning - s.queue.free, Waiting: len(s.queue.waiting), Streams: s.queue.streams}
}

// Caches says what is held in memory, by kind.
func (s *Scanner) Caches() map[string]cache.Held {
	var clients cache.Held
	for _, share := range s.day {
		clients = clients.And(share.Held())
	}
	return map[string]cache.Held{"reports": s.fresh.Held(), "spoilt": s.spoilt.Held(), "lost": s.lost.Held(), "last": s.last.Held(), "clients": clients}
}
