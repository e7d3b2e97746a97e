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

// strand is a stage, or a part of one: a coroutine that hands out what it has to wait for.
type strand struct {
	stage  Stage
	probes []report.Probe
	resume func() (step, bool) // goes on until the next step; nil before the beginning
	yield  func(step) bool
	whole  *strand // that it is a part of; nil for a stage
	parts  int     // that have not ended
	fault  string  // of our own, with its stack
}

// step is what a strand has to wait for: something that takes time, or parts of its own.
type step struct {
	wait  func()
	parts []*strand
}

// Run carries the stages out, of those that are ready the first first. Their probes are noted in
// the order of the list, whichever ends first, so that two looks at one server read alike.
//
// Without a handshake that worked there is nothing to tell a refusal from a server that has
// had enough: then they go one by one. A fault of our own in a stage stops the line and is
// raised here once the others have ended.
func (l *Line) Run(stages []Stage) {
	all := make([]*strand, len(stages))
	for i, s := range stages {
		all[i] = &strand{stage: s}
	}
	r := &round{line: l, places: abreast, queue: slices.Clone(all), waited: make(chan *strand)}
	if l.Permissive == nil {
		r.places = 1
	}
	l.unbegun = len(stages)
	for r.fill(); r.under > 0; r.fill() {
		r.think(<-r.waited)
	}
	if r.fault != "" {
		panic(r.fault)
	}
	for _, s := range all {
		l.Probes = append(l.Probes, s.probes...)
	}
}

// round is one run of a line over its stages.
type round struct {
	line   *Line
	places int          // strands that may be under way at a time
	under  int          // that are
	queue  []*strand    // not begun
	waited chan *strand // whose wait is over
	fault  string
}

// fill begins what is ready as long as there is a place for it.
func (r *round) fill() {
	for r.under < r.places {
		i := slices.IndexFunc(r.queue, func(s *strand) bool { return r.line.ready(s.stage) })
		if i < 0 {
			return
		}
		s := r.queue[i]
		r.queue = slices.Delete(r.queue, i, i+1)
		if s.whole == nil {
			r.line.unbegun--
		}
		r.line.begin(s)
		r.under++
		r.think(s)
	}
}

// think lets a strand go on until it has to wait or has ended.
func (r *round) think(s *strand) {
	r.line.current = s
	next, more := s.resume()
	r.line.current = nil
	switch {
	case !more:
		r.ended(s)
	case next.wait != nil:
		begun := make(chan struct{}) // what was to be done first begins first
		go func() {
			defer func() { r.waited <- s }()
			defer s.rescue()
			close(begun)
			next.wait()
		}()
		<-begun
	default: // its parts have its place
		r.under--
		s.parts = len(next.parts)
		r.queue = append(slices.Clone(next.parts), r.queue...)
	}
}

func (r *round) ended(s *strand) {
	r.under--
	if s.whole == nil {
		r.line.Pass(s.stage.Name + FirstAnswer)
		r.line.Pass(s.stage.Name)
	}
	if s.fault != "" {
		r.fault = s.fault
		r.line.stop("a fault of our own")
	}
	if s.whole == nil {
		return
	}
	if s.whole.parts--; s.whole.parts == 0 {
		r.under++
		r.think(s.whole)
	}
}

// ready reports whether all that a stage waits for has come.
func (l *Line) ready(s Stage) bool {
	return !slices.ContainsFunc(s.After, func(m string) bool { return !l.passed[m] })
}

func (l *Line) begin(s *strand) {
	s.resume, _ = iter.Pull(func(yield func(step) bool) {
		s.yield = yield
		defer s.rescue()
		if l.stopped != "" && s.whole == nil {
			l.Note(s.stage.Name, Untested, l.stopped)
			return
		}
		s.stage.Ask()
	})
}

// rescue keeps a panic, the first one, with its stack.
func (s *strand) rescue() {
	if v := recover(); v != nil && s.fault == "" {
		s.fault = fmt.Sprintf("%v\n%s", v, debug.Stack())
	}
}

// SideBySide carries out parts of a stage that do not build on each other, and returns when all
// have ended. Their probes are noted in the order of the parts.
func (l *Line) SideBySide(parts ...func()) {
	whole := l.current
	if whole == nil || len(parts) < 2 {
		for _, ask := range parts {
			ask()
		}
		return
	}
	strands := make([]*strand, len(parts))
	for i, ask := range parts {
		strands[i] = &strand{stage: Stage{Ask: ask}, whole: whole}
	}
	whole.yield(step{parts: strands})
	for _, s := range strands {
		whole.probes = append(whole.probes, s.probes...)
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
	s.yield(step{wait: do})
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
