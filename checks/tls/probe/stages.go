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

// abreast is how many questions are under way at a time: as many as the gate admits
// connections to one address.
const abreast = 2

// schedule is what a line knows of its stages.
type schedule struct {
	current *strand         // the stage that thinks; nil outside of Run
	passed  map[string]bool // milestones
	unbegun int             // stages, about half of which will need a connection
	busy    int             // questions under way
	wanted  int             // questions that wait for a place
	blind   bool            // no handshake had worked before the stages began
}

// strand is a stage, or a part of one: a coroutine that hands out what it has to wait for.
type strand struct {
	stage  Stage
	probes []report.Probe
	turn   turn
	resume func() (step, bool) // goes on until the next step
	yield  func(step) bool
	whole  *strand // that it is a part of; nil for a stage
	parts  int     // that have not ended
	fault  string  // of our own, with its stack
}

// turn says what a strand needs to go on.
type turn int

const (
	unbegun turn = iota // that all it builds on is known, and a place
	wanting             // a place for a question
	urgent              // that, before all others
	away                // that what it waits for comes; nothing any more once it has ended
)

// step is what a strand has to wait for: a place, something that takes time, or parts of its own.
type step struct {
	want  turn
	wait  func()
	parts []*strand
}

// Run carries the stages out. A place that is free goes to the first in the list of those that can
// use it: what is worth most is never held up by the rest. Their probes are noted in the order of
// the list, whichever ends first, so that two looks at one server read alike.
//
// Without a handshake that worked there is nothing to tell a refusal from a server that has
// had enough: then questions go one by one. A fault of our own in a stage stops the line and is
// raised here once the others have ended.
func (l *Line) Run(stages []Stage) {
	all := make([]*strand, len(stages))
	for i, s := range stages {
		all[i] = &strand{stage: s}
	}
	r := &round{line: l, strands: slices.Clone(all), waited: make(chan *strand)}
	l.unbegun, l.blind = len(stages), l.Permissive == nil
	for r.next() {
	}
	if r.fault != "" {
		panic(r.fault)
	}
	for _, s := range all {
		l.Probes = append(l.Probes, s.probes...)
	}
}

// places is how many questions may be under way.
func (l *Line) places() int {
	if l.slow || l.blind {
		return 1
	}
	return abreast
}

// round is one run of a line over its stages.
type round struct {
	line    *Line
	strands []*strand // in order, parts behind their whole
	waits   int       // strands that wait for something that takes time
	waited  chan *strand
	fault   string
}

// next lets one strand go on; it reports whether there was one.
func (r *round) next() bool {
	if s := r.first(); s != nil {
		switch {
		case s.turn != unbegun:
			r.line.busy++
			r.line.wanted--
		case s.whole == nil:
			r.line.unbegun--
			fallthrough
		default:
			r.line.begin(s)
		}
		r.think(s)
		return true
	}
	if r.waits == 0 {
		return false
	}
	s := <-r.waited
	r.waits--
	r.think(s)
	return true
}

// first returns the strand that a free place goes to; nil if there is none.
func (r *round) first() (first *strand) {
	if r.line.busy >= r.line.places() {
		return nil
	}
	for _, s := range r.strands {
		switch {
		case s.turn == urgent:
			return s
		case first == nil && (s.turn == wanting || s.turn == unbegun && r.line.ready(s.stage)):
			first = s
		}
	}
	return first
}

// think lets a strand go on until it has to wait or has ended.
func (r *round) think(s *strand) {
	s.turn = away
	r.line.current = s
	next, more := s.resume()
	r.line.current = nil
	switch {
	case !more:
		r.ended(s)
	case next.wait != nil:
		r.waits++
		begun := make(chan struct{}) // what was to be done first begins first
		go func() {
			defer func() { r.waited <- s }()
			defer s.rescue()
			close(begun)
			next.wait()
		}()
		<-begun
	case next.parts != nil:
		s.parts = len(next.parts)
		r.strands = slices.Insert(r.strands, slices.Index(r.strands, s)+1, next.parts...)
	default:
		s.turn = next.want
		r.line.wanted++
	}
}

func (r *round) ended(s *strand) {
	if s.fault != "" {
		r.fault = s.fault
		r.line.stop(report.Say(report.SaysOwnFault))
	}
	if s.whole == nil {
		r.line.Pass(s.stage.Name + FirstAnswer)
		r.line.Pass(s.stage.Name)
		return
	}
	if s.whole.parts--; s.whole.parts == 0 {
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
		if l.stopped.Made() && s.whole == nil {
			l.Note(s.stage.Name, report.ProbeUntested, l.stopped)
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

// enter waits for a place for a question: wanting, or urgent where it has been waited for long
// enough. It is given back by leave.
func (l *Line) enter(t turn) (leave func()) {
	if l.current == nil {
		return func() {}
	}
	l.current.yield(step{want: t})
	return func() { l.busy-- }
}
