package tls

import (
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"mxseal/checks/report"
)

// stage is a question, or a row of them of which each builds on the answer before.
type stage struct {
	name  string
	after []string // milestones: the end of a stage by its name, or its first answer
	ask   func()
}

// abreast is how many stages are under way at a time: as many as the gate admits
// connections to one address.
const abreast = 2

// conduct carries the stages out, of those that are ready the first first. Only one of them
// thinks at a time, the one that has the turn; it gives the turn away while it waits for the
// server. So all stages share what is known. Their probes are noted in the order of the
// list, whichever ends first, so that two looks at one server read alike.
//
// Without a handshake that worked there is nothing to tell a refusal from a server that has
// had enough: then they go one by one.
func (p *prober) conduct(stages []stage) {
	workers := abreast
	if p.permissive == nil {
		workers = 1
	}
	p.shared, p.unbegun = workers > 1, len(stages)
	notes := make([][]report.Probe, len(stages))
	taken := make([]bool, len(stages))
	next := func() int {
		for i, s := range stages {
			if !taken[i] && !slices.ContainsFunc(s.after, func(m string) bool { return !p.passed[m] }) {
				return i
			}
		}
		return -1
	}
	var work sync.WaitGroup
	for range workers {
		work.Go(func() {
			p.turn.Lock()
			defer p.turn.Unlock()
			defer func() {
				if v := recover(); v != nil { // ours; for whoever called us, as if there were no goroutine
					p.trouble = fmt.Sprintf("%v\n%s", v, debug.Stack())
					p.news.Broadcast()
				}
			}()
			for slices.Contains(taken, false) && p.trouble == "" {
				i := next()
				if i < 0 {
					p.news.Wait()
					continue
				}
				taken[i] = true
				p.unbegun--
				p.probes = &notes[i]
				if p.stopped != "" {
					p.note(stages[i].name, "untested", p.stopped)
				} else {
					stages[i].ask()
				}
				p.pass(stages[i].name + firstAnswer)
				p.pass(stages[i].name)
			}
		})
	}
	work.Wait()
	if p.trouble != "" {
		panic(p.trouble)
	}
	p.shared, p.probes = false, &p.tls.Probes
	for _, n := range notes {
		p.tls.Probes = append(p.tls.Probes, n...)
	}
}

// firstAnswer makes of the name of a stage a milestone that it may call out before its end.
const firstAnswer = " answered"

// pass calls out a milestone, for the stages that wait for it.
func (p *prober) pass(milestone string) {
	p.passed[milestone] = true
	p.news.Broadcast()
}

// away does what waits for the server, and gives the turn away meanwhile.
func (p *prober) away(do func()) {
	if !p.shared {
		do()
		return
	}
	notes := p.probes
	p.turn.Unlock()
	defer func() {
		p.turn.Lock()
		p.probes = notes
	}()
	do()
}

// single waits until no other connection that is to be the only one is open. It is given
// back by release.
func (p *prober) single() (release func()) {
	p.away(func() { p.alone <- struct{}{} })
	return func() { <-p.alone }
}
