package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/patrickmn/go-cache"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/web/store"
)

const (
	maxRunning = 64               // checks at a time
	maxWaiting = 256              // checks that wait for a place
	freshFor   = 60 * time.Second // a report younger than this is shown instead of checking again
	maxHot     = 256              // reports kept in memory
	lastWords  = 10 * time.Second // for a stopped check to return, and for a report to be saved
	regretFor  = 24 * time.Hour   // a report that could not be saved is known by its id
)

// run is the signature of Engine.Run.
type run func(ctx context.Context, d checks.Domain, id string, emit func(report.Event)) *report.Report

// desk is where visitors meet checks: it starts one, joins them to the one that runs, or
// hands out the latest report. A domain is checked once at a time, and no visitor's
// leaving ends a check.
type desk struct {
	run     run
	store   *store.Store
	log     *slog.Logger
	budget  budget              // what may still be begun; guarded by mu
	optOuts *OptOuts            // domains that are left alone
	audit   *Audit              // told of every wish and every end
	refused func(refusal)       // told of every refusal; may be nil
	hot     hot[*report.Report] // the latest report of a domain, while it is fresh
	spoilt  hot[*report.Report] // that of the last check, where trouble of our own kept it from being the latest
	lost    hot[bool]           // ids of reports that could not be saved
	places  chan struct{}       // one for each running check
	arrive  context.Context     // ends when no waiting check may begin any more
	shut    context.CancelFunc
	work    context.Context // ends when running checks must stop
	stop    context.CancelFunc
	mu      sync.Mutex // guards open, waiting and closing
	open    map[string]*running
	waiting []*running // those of open that have no place, in the order in which they get one
	closing bool
	workers sync.WaitGroup
}

func newDesk(run run, s *store.Store, log *slog.Logger) *desk {
	k := &desk{run: run, store: s, log: log, hot: newHot[*report.Report](maxHot, freshFor), spoilt: newHot[*report.Report](maxHot, freshFor), lost: newHot[bool](maxHot, regretFor), places: make(chan struct{}, maxRunning), open: make(map[string]*running)}
	k.arrive, k.shut = context.WithCancel(context.Background())
	k.work, k.stop = context.WithCancel(context.Background())
	return k
}

// start sees to it that a check of the domain runs, or that a fresh report is there. It
// returns the fresh report or, where that is nil, the check that will make one. A *problem
// says which limit forbids it.
func (k *desk) start(ctx context.Context, d checks.Domain) (*report.Report, *running, error) {
	who, known := askerOf(ctx)
	line := askedLine{Domain: d.ASCII}
	defer func() { k.audit.asked(who, known, line) }()

	fresh, c, started, err := k.begin(ctx, d)
	var p *problem
	switch {
	case errors.As(err, &p):
		line.Outcome, line.Reason = "refused", string(p.refusal)
		if k.refused != nil {
			k.refused(p.refusal)
		}
	case err != nil:
		line.Outcome = "failed"
	case fresh != nil:
		line.Outcome, line.Report = "fresh", fresh.ID
	case started:
		line.Outcome, line.Report = "started", c.id
	default:
		line.Outcome, line.Report = "joined", c.id
	}
	return fresh, c, err
}

// begin is start without a word to anybody; started tells a new check from a joined one.
func (k *desk) begin(ctx context.Context, d checks.Domain) (fresh *report.Report, c *running, started bool, err error) {
	latest, err := k.latest(ctx, d.ASCII)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return nil, nil, false, err
	case k.optOuts.Domain(d.ASCII):
		return nil, nil, false, leftAlone.about(latest)
	case err == nil && left(latest) > 0:
		return latest, nil, false, nil
	}
	if r, ok := k.spoilt.get(d.ASCII); ok && left(r) > 0 {
		return r, nil, false, nil
	}
	rest, err := k.rest(ctx, d.ASCII)
	if err != nil {
		return nil, nil, false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if c := k.open[d.ASCII]; c != nil {
		return nil, c, false, nil
	}
	if r, ok := k.hot.get(d.ASCII); ok { // it ended while we looked
		return r, nil, false, nil
	}
	switch {
	case k.closing:
		return nil, nil, false, closingDown
	case len(k.open) >= maxRunning+maxWaiting:
		return nil, nil, false, allBusy.about(latest)
	case rest > 0:
		return nil, nil, false, domainRests(rest).about(latest)
	}
	if p := k.budget.take(ctx); p != nil {
		return nil, nil, false, p.about(latest)
	}
	c = newRunning(store.NewID(), d)
	select {
	case k.places <- struct{}{}:
		c.admitted = true
		close(c.turn)
	default:
		c.before = len(k.waiting)
		k.waiting = append(k.waiting, c)
	}
	k.open[d.ASCII] = c
	k.workers.Go(func() { k.attend(c) })
	return nil, c, true, nil
}

// peek returns the running check of a domain (A-label), or nil. It starts nothing.
func (k *desk) peek(domain string) *running {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.open[domain]
}

// running returns the check that will make the report of that id, or nil.
func (k *desk) running(id string) *running {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range k.open {
		if c.id == id {
			return c
		}
	}
	return nil
}

// latest returns the youngest report of a domain (A-label) that no trouble of our own has
// spoilt, else the youngest, or store.ErrNotFound.
func (k *desk) latest(ctx context.Context, domain string) (*report.Report, error) {
	if r, ok := k.hot.get(domain); ok {
		return r, nil
	}
	return k.store.Latest(ctx, domain)
}

// attend takes a check from the queue to its saved report.
func (k *desk) attend(c *running) {
	defer c.end() // last: who is told so finds the report and no running check any more
	defer k.leave(c)
	select {
	case <-c.turn:
	case <-k.arrive.Done():
	}
	if k.arrive.Err() != nil && !c.admitted {
		k.audit.ended(c, nil)
		return
	}
	c.begin()
	r := k.look(c)
	if r != nil {
		k.keep(r)
	}
	k.audit.ended(c, r)
}

// leave closes a check and gives its place to the one that has waited longest. Whoever waits
// behind that one moves up.
func (k *desk) leave(c *running) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.open, c.domain.ASCII)
	if i := slices.Index(k.waiting, c); i >= 0 { // turned away, it never had a place
		k.waiting = slices.Delete(k.waiting, i, i+1)
		return
	}
	if len(k.waiting) == 0 {
		<-k.places
		return
	}
	close(k.waiting[0].turn)
	k.waiting = slices.Delete(k.waiting, 0, 1)
	for i, behind := range k.waiting {
		behind.moveUp(i)
	}
}

// look runs the check. A panic in it is our own fault and ends this check only.
func (k *desk) look(c *running) (r *report.Report) {
	defer func() {
		if v := recover(); v != nil {
			k.log.Error("a check panicked", "panic", v, "stack", string(debug.Stack()))
			r = nil
		}
	}()
	return k.run(k.work, c.domain, c.id, c.note)
}

// keep saves a report. It is in memory first, so that whoever looks finds the check or
// its report at every moment. One that cannot be saved is shown as the latest of its domain
// while it is fresh, and has no address of its own.
//
// What trouble of our own has spoilt takes the place of no sound report.
func (k *desk) keep(r *report.Report) {
	ctx, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	if k.behind(ctx, r) {
		k.spoilt.put(r.Domain, r)
	} else {
		k.hot.put(r.Domain, r)
		k.spoilt.drop(r.Domain)
	}
	if err := k.store.Save(ctx, r); err != nil {
		k.lost.put(r.ID, true)
		k.log.Error("a report is lost", "error", err)
	}
}

// behind reports whether a report stands behind an earlier one of its domain, which is sound.
func (k *desk) behind(ctx context.Context, r *report.Report) bool {
	if !r.Spoilt() {
		return false
	}
	before, err := k.latest(ctx, r.Domain)
	return err == nil && !before.Spoilt()
}

// close turns the waiting away, lets the running finish until ctx ends, then stops them.
func (k *desk) close(ctx context.Context) error {
	k.mu.Lock()
	k.closing = true
	k.mu.Unlock()
	k.shut()
	defer k.stop()
	done := make(chan struct{})
	go func() {
		k.workers.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	k.stop()
	select {
	case <-done:
		return nil
	case <-time.After(lastWords):
		k.mu.Lock()
		defer k.mu.Unlock()
		return fmt.Errorf("web: %d checks did not stop within %s; their reports are lost", len(k.open), lastWords)
	}
}

// left is how long a report stays fresh, from the end of its check on.
func left(r *report.Report) time.Duration {
	end, now := r.CheckedAt.Add(time.Duration(r.ElapsedMS)*time.Millisecond), time.Now()
	if !report.Within(freshFor, end, now) {
		return 0
	}
	return freshFor - now.Sub(end)
}

// hot holds what is asked for again and again, for a while and in bounded number. Nothing
// else in the program uses go-cache, which knows neither types nor bounds.
type hot[T any] struct {
	c   *cache.Cache
	max int
}

func newHot[T any](max int, keep time.Duration) hot[T] {
	return hot[T]{cache.New(keep, cache.NoExpiration), max} // no janitor: put sweeps
}

func (h hot[T]) put(key string, v T) {
	if h.c.ItemCount() >= h.max {
		h.c.DeleteExpired()
	}
	if _, held := h.c.Get(key); held || h.c.ItemCount() < h.max {
		h.c.SetDefault(key, v)
	}
}

func (h hot[T]) get(key string) (v T, ok bool) {
	held, ok := h.c.Get(key)
	if ok {
		v = held.(T)
	}
	return v, ok
}

func (h hot[T]) drop(key string) { h.c.Delete(key) }
