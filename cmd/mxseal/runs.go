package main

import (
	"context"
	"sync"
	"time"

	"mxseal/checks"
	"mxseal/checks/input"
	"mxseal/checks/report"
)

const (
	atOnce    = 8                // domains checked side by side, unless --jobs says another number
	mostJobs  = 256              // of --jobs
	outOfTurn = 2 * time.Second  // a report waits so long for those of the domains before it, with --ordered
	slowAfter = 10 * time.Second // a check that takes so long waits for others, and leaves its place
	slowToOne = 8                // slow checks, for each place
)

// order is that in which reports are shown.
type order int

const (
	asTheyCome order = iota
	nearly           // that of the list, unless one keeps others waiting for outOfTurn
	strictly         // that of the list
)

// result is the report of a domain, with its place in the list.
type result struct {
	place int
	*report.Report
}

// runAll checks the domains, so many side by side, and hands the reports to show, each once. A
// report that was shown is not kept, nor is a domain.
func runAll(ctx context.Context, engine *checks.Engine, domains <-chan input.Domain, jobs int, in order, p *progress, show func(*report.Report) error) error {
	ctx, cancel := context.WithCancel(ctx)
	ready := make(chan result)
	var work sync.WaitGroup
	work.Go(func() {
		defer close(ready)
		runEach(ctx, engine, domains, jobs, p, ready)
	})
	defer work.Wait()
	defer cancel()

	q := queue{in: in, show: show, waiting: make(map[int]*report.Report), early: make(map[int]bool)}
	due := make(chan int) // reports that have waited long enough
	for {
		var err error
		select {
		case r, more := <-ready:
			if !more {
				return ctx.Err()
			}
			p.ended()
			if waits := q.add(r); waits && in == nearly {
				time.AfterFunc(outOfTurn, func() {
					select {
					case due <- r.place:
					case <-ctx.Done():
					}
				})
			}
			err = q.advance()
		case place := <-due:
			err = q.give(place)
		case <-ctx.Done():
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// runEach hands on the reports as they come, and returns when there are no more.
func runEach(ctx context.Context, engine *checks.Engine, domains <-chan input.Domain, jobs int, p *progress, ready chan<- result) {
	places, slow := make(chan struct{}, jobs), make(chan struct{}, jobs*slowToOne)
	var work sync.WaitGroup
	defer work.Wait()
	for i := 0; ; i++ {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		var d input.Domain
		var more bool
		select {
		case d, more = <-domains:
		case <-ctx.Done():
		}
		if !more {
			return
		}
		work.Go(func() {
			at := &seat{in: places}
			timer := time.AfterFunc(slowAfter, func() { at.move(slow) })
			r := engine.Run(ctx, d, "", p.event(d.ASCII))
			timer.Stop()
			select {
			case ready <- result{i, r}:
			case <-ctx.Done():
			}
			at.leave()
		})
	}
}

// seat is where a check counts, until its report is taken.
type seat struct {
	mu   sync.Mutex
	in   chan struct{}
	left bool
}

// move takes it elsewhere, where there is room.
func (s *seat) move(to chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left {
		return
	}
	select {
	case to <- struct{}{}:
		<-s.in
		s.in = to
	default:
	}
}

func (s *seat) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = true
	<-s.in
}

// queue puts reports into their order.
type queue struct {
	in      order
	show    func(*report.Report) error
	next    int // place
	waiting map[int]*report.Report
	early   map[int]bool // places shown out of turn
}

// add takes a report in, and reports whether it has to wait.
func (q *queue) add(r result) (waits bool) {
	q.waiting[r.place] = r.Report
	return r.place != q.next
}

// advance shows what is to be shown.
func (q *queue) advance() error {
	if q.in == asTheyCome {
		for place := range q.waiting {
			if err := q.give(place); err != nil {
				return err
			}
		}
		return nil
	}
	for {
		switch {
		case q.early[q.next]:
			delete(q.early, q.next)
			q.next++
		case q.waiting[q.next] != nil:
			r := q.waiting[q.next]
			delete(q.waiting, q.next)
			q.next++
			if err := q.show(r); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// give shows a report out of turn, unless it was shown meanwhile.
func (q *queue) give(place int) error {
	r := q.waiting[place]
	if r == nil {
		return nil
	}
	delete(q.waiting, place)
	if q.in != asTheyCome {
		q.early[place] = true
	}
	return q.show(r)
}
