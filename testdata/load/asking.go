package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"mxseal/testdata/faults/world"
)

// asking is the checks that are asked for.
type asking struct {
	asked, taken, finished, whole int
	median                        time.Duration // of what a check took
	trouble                       string

	mu     sync.Mutex
	open   map[string]bool // domains whose report has not been seen
	lasted []time.Duration
}

// run posts a fresh domain every so often, whatever became of those before, and looks for the
// reports of those that were taken.
func (a *asking) run(p *world.Program, end time.Time) {
	a.open = make(map[string]bool)
	var work sync.WaitGroup
	work.Go(func() {
		for time.Now().Before(end) {
			time.Sleep(2 * time.Second)
			a.look(p)
		}
	})
	next := time.Now() // by the clock, and not by when the last one was sent: a program that is slow gets no rest
	for ; *perSecond > 0 && next.Before(end); next = next.Add(time.Second / time.Duration(*perSecond)) {
		time.Sleep(time.Until(next))
		domain := fmt.Sprintf("%d.%s", a.asked, world.Crowd)
		a.asked++
		work.Go(func() {
			status, body := post(p, domain)
			a.mu.Lock()
			defer a.mu.Unlock()
			if status == http.StatusSeeOther {
				a.taken++
				a.open[domain] = true
			} else {
				a.trouble = fmt.Sprintf("POST %d %.200s", status, body)
			}
		})
	}
	work.Wait()
	a.look(p)
}

// look asks for the reports that have not been seen. It does so rarely: who asks often for
// what is not there yet measures himself.
func (a *asking) look(p *world.Program) {
	a.mu.Lock()
	var waiting []string
	for domain := range a.open {
		waiting = append(waiting, domain)
	}
	a.mu.Unlock()
	c := world.Visitor(true)
	defer c.CloseIdleConnections()
	if len(waiting) > *perSecond { // the oldest would do, and are somewhere among them
		waiting = waiting[:*perSecond]
	}
	for _, domain := range waiting {
		r, err := reportOf(c, p, domain)
		if err != nil || r == nil {
			continue
		}
		a.mu.Lock()
		delete(a.open, domain)
		a.finished++
		a.lasted = append(a.lasted, time.Duration(r.ElapsedMS)*time.Millisecond)
		if r.Grade.Letter == "A" && r.Interrupted == "" {
			a.whole++
		} else {
			a.trouble = fmt.Sprintf("%s has the letter %s. %s", domain, r.Grade.Letter, r.Interrupted)
		}
		a.mu.Unlock()
	}
}

// settle waits for the checks that still run.
func (a *asking) settle(p *world.Program) {
	for end := time.Now().Add(2 * time.Minute); len(a.open) > 0 && time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		a.look(p)
	}
	if len(a.lasted) > 0 {
		slices.Sort(a.lasted)
		a.median = a.lasted[len(a.lasted)/2]
	}
}
