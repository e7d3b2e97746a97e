// Package probe asks one TLS server behind STARTTLS one question after another: a question is a
// ClientHello, and each costs a connection.
//
// A Line is the way to one server. It spends no more connections than it was given, has at most
// two open at a time, steps back when the server puts us off, and stops for good when the server
// has had enough; from then on every answer is “untested” and says why. It tells a refusal from
// a server that closes every connection by asking once more what worked before.
//
// Questions that do not build on each other are stages of their own (Run). Only one stage thinks
// at a time, and what waits for the server runs beside: what the stages know needs no lock.
package probe

import (
	"context"
	"net"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
)

// Connect comes up to the point where a ClientHello is due; about more further connections will
// be wanted.
type Connect func(ctx context.Context, more int) (net.Conn, error)

// Line is the way to one server. It must not be used from several goroutines.
type Line struct {
	// Learn, if set, is told of every accepted hello before anything else is asked.
	Learn func(*hello.Hello, Answer)
	// Permissive is a hello that worked, nil before the first.
	Permissive *hello.Hello
	// SlowGreeting says that the server takes long to greet.
	SlowGreeting bool
	// Probes is the record of all that was asked, in the order of the stages.
	Probes []report.Probe

	ctx     context.Context
	connect Connect
	left    int              // connections still to be spent
	made    int              // connections tried
	stopped report.Statement // why no more questions are asked
	chains  int              // rows of questions under way that will want a further connection each
	slow    bool             // the server has asked us to come back later
	unclear int              // answers of which nothing can be made
	closes  bool             // it is known to refuse a hello by closing

	// The number of the latest connection that was refused by closing, and of the latest that
	// was answered. What was closed behind the last answer may be no refusal.
	closedOn, answeredOn int

	classic      uint16 // version of the first answer to a hello up to TLS 1.2; 0 before
	renegotiated bool   // the server was asked; once is enough

	schedule
}

// New returns the line to a server that may cost so many connections.
func New(ctx context.Context, budget int, connect Connect) *Line {
	return &Line{ctx: ctx, connect: connect, left: budget, schedule: schedule{passed: make(map[string]bool)}}
}

// Answer is what one question came to.
type Answer struct {
	Result report.ProbeResult
	Flight *hello.Flight // never nil
	Alert  int           // that refused; -1 when the server closed without one

	Finished      bool            // we took the handshake to its end
	Completed     bool            // and the server is known to have
	Tickets       []*hello.Ticket // of a finished one
	Renegotiation *bool           // a new handshake inside was accepted; nil where it was not asked for

	number int // of the connection; 0 for none
}

// Accepted reports whether the server went on with the handshake.
func (a Answer) Accepted() bool { return a.Result == report.ProbeAccepted }

// Refused reports whether it broke the handshake off.
func (a Answer) Refused() bool { return a.Result == report.ProbeRefused }

// Left returns how many connections may still be made.
func (l *Line) Left() int { return l.left }

// Made returns how many connections were tried.
func (l *Line) Made() int { return l.made }

// Stopped says why no more questions are asked; nothing as long as they are.
func (l *Line) Stopped() report.Statement { return l.stopped }

// Unclear reports whether the server has answered a hello by nothing of which anything can be
// made, perhaps because of its length.
func (l *Line) Unclear() bool { return l.unclear > 0 }

// Chain carries out a row of questions of which each is likely to be followed by another one, so
// that the connection for that may be opened ahead.
func (l *Line) Chain(ask func()) {
	l.chains++
	defer func() { l.chains-- }()
	ask()
}

// Ask spends one connection on a hello and notes what came of it. The first refusal without
// an alert is put to the test: a server that has had enough of us closes just the same.
func (l *Line) Ask(name string, h *hello.Hello) Answer {
	a := l.once(name, h)
	if !a.Refused() || a.Alert >= 0 || l.closes || l.stopped.Made() {
		return a
	}
	noted := l.noted()
	if at := len(*noted) - 1; l.control() {
		l.closes = true
	} else {
		(*noted)[at].Result, a.Result = report.ProbeUntested, report.ProbeUntested
		l.stop(report.Say(report.SaysClosesAll))
	}
	return a
}

func (l *Line) once(name string, h *hello.Hello) Answer {
	a, what := l.exchange(h)
	probe := report.Probe{Name: name, Result: a.Result, Statement: what, Completed: a.Completed}
	if a.number > 0 {
		probe.Offered = offered(h)
	}
	l.add(probe)
	if a.Refused() && a.Alert < 0 {
		l.closedOn = max(l.closedOn, a.number)
		return a
	}
	l.answeredOn = max(l.answeredOn, a.number)
	if !a.Accepted() {
		return a
	}
	if len(h.Versions) == 0 && l.classic == 0 {
		l.classic = a.Flight.Version
	}
	if l.Learn != nil {
		l.Learn(h, a)
		a.Flight.Certificates = nil // what is to be kept of them is kept
	}
	if l.Permissive == nil {
		l.Permissive = h
	}
	return a
}

func (l *Line) stop(why report.Statement) {
	if !l.stopped.Made() {
		l.stopped = why
	}
}

// Note adds a line to the probes that cost no connection.
func (l *Line) Note(name string, result report.ProbeResult, why report.Statement) {
	l.add(report.Probe{Name: name, Result: result, Statement: why})
}

func (l *Line) add(p report.Probe) {
	noted := l.noted()
	*noted = append(*noted, p)
}

// Confirmed reports whether a refusal is one: by an alert, or because the server still
// answers a hello that it liked before.
func (l *Line) Confirmed(a Answer) bool {
	return a.Refused() && (a.Alert >= 0 || l.control())
}

// control asks once more what the server accepted before.
func (l *Line) control() bool {
	return l.Permissive != nil && l.once("control", l.Permissive).Accepted()
}

// Assure looks whether the server still answers after refusals that were no more than a
// closed connection. If it does not, they may have been no refusals.
func (l *Line) Assure() {
	if l.closedOn > l.answeredOn && !l.stopped.Made() && !l.control() {
		l.stop(report.Say(report.SaysClosesAll))
		l.Note("refusals", report.ProbeUntested, report.Say(report.SaysLastRefusals).About(l.stopped))
	}
}
