package probe

import (
	"fmt"
	"iter"
	"runtime/debug"
	"slices"

	"mxseal/checks/report"
)

// Stage is a question, or a row of them of which each builds on the answer before.
type Stage struct {
	Name  string
	After []string // milestones: the end of a stage by its name, or its first answer
	Ask   func()
}

// FirstAnswer makes of the name of a stage a milestone that it may pass before its end.
const FirstAnswer = " answered"

// abreast is how many stages are under way at a time: as many as the gate admits
// connections to one address.
const abreast = 2

// schedule is what a line knows of its stages.
type schedule struct {
	current *strand         // the stage that thinks; nil outside of Run
	passed  map[string]bool // milestones
	unbegun int             // stages, about half of which will need a connection
	alone   chan struct{}   // holds the connection that must be the only one
}

func newSchedule() schedule {
	return schedule{passed: make(map[string]bool), alone: make(chan struct{}, 1)}
}

// strand is a stage under way: a coroutine that hands out what it has to wait for.
type strand struct {
	stage  Stage
	probes []report.Probe
	next   func() (wait func(), more bool)
	yield  func(wait func()) bool
	fault  string // of our own, with its stack
}

// Run carries the stages out, of those that are ready the first first. Their probes are noted in
// the order of the list, whichever ends first, so that two looks at one server read alike.
//
// Without a handshake that worked there is nothing to tell a refusal from a server that has
// had enough: then they go one by one. A fault of our own in a stage stops the line and is
// raised here once the others have ended.
func (l *Line) Run(stages []Stage) {
	places := abreast
	if l.Permissive == nil {
		places = 1
	}
	strands, under := make([]*strand, len(stages)), 0
	fault, waited := "", make(chan *strand)
	// think lets a stage go on until it has to wait for the server or has ended.
	think := func(s *strand) {
		l.current = s
		wait, more := s.next()
		l.current = nil
		if more {
			go func() {
				defer func() { waited <- s }()
				defer s.rescue()
				wait()
			}()
			return
		}
		under--
		l.Pass(s.stage.Name + FirstAnswer)
		l.Pass(s.stage.Name)
		if s.fault != "" {
			fault = s.fault
			l.stop("a fault of our own")
		}
	}
	for l.unbegun = len(stages); ; think(<-waited) {
		for i := 0; i < len(stages) && under < places; i++ {
			if strands[i] == nil && l.ready(stages[i]) {
				strands[i] = l.begin(stages[i])
				l.unbegun--
				under++
				think(strands[i])
				i = -1 // what it has passed may have made an earlier one ready
			}
		}
		if under == 0 {
			break
		}
	}
	if fault != "" {
		panic(fault)
	}
	for _, s := range strands {
		l.Probes = append(l.Probes, s.probes...)
	}
}

// ready reports whether all that a stage waits for has come.
func (l *Line) ready(s Stage) bool {
	return !slices.ContainsFunc(s.After, func(m string) bool { return !l.passed[m] })
}

func (l *Line) begin(stage Stage) *strand {
	s := &strand{stage: stage}
	s.next, _ = iter.Pull(func(yield func(func()) bool) {
		s.yield = yield
		defer s.rescue()
		if l.stopped != "" {
			l.Note(stage.Name, Untested, l.stopped)
			return
		}
		stage.Ask()
	})
	return s
}

// rescue keeps a panic, the first one, with its stack.
func (s *strand) rescue() {
	if v := recover(); v != nil && s.fault == "" {
		s.fault = fmt.Sprintf("%v\n%s", v, debug.Stack())
	}
}

// Pass calls out a milestone, for the stages that wait for it.
func (l *Line) Pass(milestone string) { l.passed[milestone] = true }

// Passed reports whether a milestone was called out or a stage of that name has ended.
func (l *Line) Passed(milestone string) bool { return l.passed[milestone] }

// await does what waits for the server; other stages think meanwhile.
func (l *Line) await(do func()) {
	s := l.current
	if s == nil {
		do()
		return
	}
	s.yield(do)
	if s.fault != "" {
		panic(s.fault)
	}
}

// noted is where the stage that thinks notes its probes.
func (l *Line) noted() *[]report.Probe {
	if l.current != nil {
		return &l.current.probes
	}
	return &l.Probes
}

// single waits until no other connection that is to be the only one is open. It is given
// back by release.
func (l *Line) single() (release func()) {
	l.await(func() { l.alone <- struct{}{} })
	return func() { <-l.alone }
}
