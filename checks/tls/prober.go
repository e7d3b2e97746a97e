package tls

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/hello"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// Connections one address may cost in all, those of the ordinary conversation included.
const (
	budgetStandard = 28
	budgetFull     = 120
	ordinary       = 2 // the ordinary conversation and the one beside it
)

// patience is how long a server may take to answer one ClientHello, and again to finish.
const patience = 10 * time.Second

// prober asks one server, two connections at a time. What it learns goes into tls and seen;
// when the server has had enough it stops and says why.
type prober struct {
	ctx context.Context
	// connect comes up to the point where a ClientHello is due; about more further connections
	// will be wanted.
	connect  func(ctx context.Context, more int) (net.Conn, error)
	describe func([][]byte) *report.Certificate // of Target
	sni      string                             // empty for none
	full     bool                               // every suite, not one of each family
	left     int                                // connections still to be spent
	made     int                                // connections tried
	stopped  string                             // why no more questions are asked
	slow     bool                               // the server has asked us to come back later
	unclear  int                                // answers of which nothing can be made
	closes   bool                               // it is known to refuse a hello by closing

	// The number of the latest connection that was refused by closing, and of the latest that
	// was answered. What was closed behind the last answer may be no refusal.
	closedOn, answeredOn int

	turn    sync.Mutex // of the stages, where shared; guards everything but what never changes
	news    *sync.Cond // of milestones
	shared  bool
	passed  map[string]bool // milestones
	unbegun int             // stages, about half of which will need a connection
	trouble string          // a fault of our own in a stage, with its stack
	alone   chan struct{}   // holds the connection that must be the only one

	tls        *report.TLS
	probes     *[]report.Probe // where the stage that has the turn notes them
	seen       []Seen
	strays     []stray           // chains shown to a hello without the host's name
	leaves     map[[32]byte]bool // certificates known, by their digest
	auths      map[string]bool   // key types of certificates known: RSA, ECDSA
	permissive *hello.Hello      // one that worked; nil before the first
	wide       bool              // the server reads suite lists beyond 64 entries
	highest    uint16            // version up to TLS 1.2 that has answered first; 0 before
	lowest     uint16            // the lowest of those
	unsure     *answer           // a refusal below TLS 1.2, perhaps of the hello's length; nil for none
	picks      []pick            // of the TLS 1.2 enumeration, in order

	pending      []rider
	riding       uint16            // version of the hellos that riders go with; 0 for any
	apart        bool              // riders go one by one: one of several was refused
	stranded     bool              // no more rides: the last one was refused and so was the hello without it
	renegotiated bool              // the server was asked; once is enough
	listed       bool              // the server has told all its TLS 1.3 groups
	past         map[bool]*session // of TLS 1.3, and of older versions
}

func newProber(ctx context.Context, depth report.Depth, sni string, connect func(context.Context, int) (net.Conn, error)) *prober {
	p := &prober{ctx: ctx, connect: connect, sni: sni, full: depth == report.Full, left: budgetStandard, tls: &report.TLS{},
		leaves: make(map[[32]byte]bool), auths: make(map[string]bool), passed: make(map[string]bool), alone: make(chan struct{}, 1), past: make(map[bool]*session)}
	if p.full {
		p.left = budgetFull
	}
	p.news, p.probes = sync.NewCond(&p.turn), &p.tls.Probes
	return p
}

// session is one that was finished and may be taken up again.
type session struct {
	version uint16
	hello   *hello.Hello
	ticket  *hello.Ticket
}

// pick is a suite that the server chose among those offered.
type pick struct {
	suite   uint16
	offered []uint16
}

// answer is what one probe came to.
type answer struct {
	result string // accepted, refused, untested
	flight *hello.Flight
	alert  int // that refused; -1 when the server closed without one
	number int // of the connection; 0 for none

	completed bool // the handshake came to its end
}

func (a answer) accepted() bool { return a.result == "accepted" }
func (a answer) refused() bool  { return a.result == "refused" }

// ask spends one connection on a hello and notes what came of it. The first refusal without
// an alert is put to the test: a server that has had enough of us closes just the same.
func (p *prober) ask(name string, h *hello.Hello) answer {
	a := p.once(name, h)
	if !a.refused() || a.alert >= 0 || p.closes || p.stopped != "" {
		return a
	}
	if at := len(*p.probes) - 1; p.control() {
		p.closes = true
	} else {
		(*p.probes)[at].Result, a.result = "untested", "untested"
		p.stop("the server has begun to close every connection")
	}
	return a
}

func (p *prober) once(name string, h *hello.Hello) answer {
	a, text := p.exchange(h)
	probe := report.Probe{Name: name, Result: a.result, Text: report.Clean(text, 256), Completed: a.completed}
	if a.number > 0 {
		probe.Offered = offered(h)
	}
	*p.probes = append(*p.probes, probe)
	if a.refused() && a.alert < 0 {
		p.closedOn = max(p.closedOn, a.number)
		return a
	}
	p.answeredOn = max(p.answeredOn, a.number)
	if a.accepted() {
		p.learn(h, a.flight)
		a.flight.Certificates = nil // what is to be kept of them is kept
		if p.permissive == nil {
			p.permissive = h
		}
	}
	return a
}

func (p *prober) stop(why string) {
	if p.stopped == "" {
		p.stopped = why
	}
}

// note adds a line to the probes that cost no connection.
func (p *prober) note(name, result, text string) {
	*p.probes = append(*p.probes, report.Probe{Name: name, Result: result, Text: report.Clean(text, 256)})
}

// respite is how long a server that wants no more connections now is left in peace; after
// that the pace is slower.
const (
	respite = 5 * time.Second
	calm    = time.Second
)

// open makes one connection, and returns its number.
func (p *prober) open() (conn net.Conn, number int, err error) {
	p.left--
	p.made++
	number = p.made
	slow, more := p.slow, min(p.left, p.unbegun/2)
	p.away(func() {
		if slow {
			more = 0 // nothing ahead
			egress.Pause(p.ctx, calm)
		}
		conn, err = p.connect(p.ctx, more)
	})
	return conn, number, err
}

// later reports whether an error before the hello means “not now”.
func later(err error) bool {
	var e *smtp.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Kind == "reply" && e.Reply.Code/100 == 4 || e.Kind == "closed" || e.Kind == "reset"
}

// exchange makes one connection for a hello, and a second try after a pause when the server
// puts us off: by 421 or 454 (RFC 5321 §3.8, RFC 3207 §4), or by closing before it came to a
// hello. From then on it has one connection at a time.
func (p *prober) exchange(h *hello.Hello) (answer, string) {
	untested := answer{result: "untested", flight: &hello.Flight{}, alert: -1}
	single := p.slow
	if single {
		defer p.single()()
	}
	if p.stopped == "" && p.left <= 0 {
		p.stop("the connections allowed to one address are spent")
	}
	if p.stopped != "" {
		return untested, p.stopped
	}
	conn, number, err := p.open()
	again := ""
	if later(err) && p.left > 0 {
		p.slow = true
		if !single {
			defer p.single()()
		}
		again = fmt.Sprintf("; at a second try, after a pause of %v", respite)
		var ended error
		if p.away(func() { ended = egress.Pause(p.ctx, respite) }); ended == nil && p.stopped == "" {
			conn, number, err = p.open()
		}
	}
	if err != nil {
		p.stop(err.Error())
		return untested, p.stopped + again
	}
	defer conn.Close()
	a, text := p.converse(h, conn, number)
	return a, text + again
}

// converse says the hello and makes of what comes back what can be made of it.
func (p *prober) converse(h *hello.Hello, conn net.Conn, number int) (answer, string) {
	a := answer{result: "refused", alert: -1, number: number}
	var err error
	p.away(func() {
		conn.SetDeadline(time.Now().Add(patience))
		a.flight, err = h.Exchange(conn)
	})
	untested := answer{result: "untested", flight: &hello.Flight{}, alert: -1, number: a.number}

	var alert *hello.Alert
	var format *hello.FormatError
	switch {
	case err == nil:
		if why := unasked(h, a.flight); why != "" {
			return a, why
		}
		a.result = "accepted"
		trouble := p.finish(h, &a, conn)
		return a, describe(a.flight) + trouble
	case errors.As(err, &alert):
		a.alert = int(alert.Code)
		text := fmt.Sprintf("alert %d (%s)", alert.Code, hello.AlertName(alert.Code))
		if a.flight.Suite != 0 {
			text = "chose " + hello.SuiteOf(a.flight.Suite).Name + ", then " + text
		}
		return a, text
	case errors.As(err, &format) && format.NoRecord:
		// Some mail servers answer a failed handshake in clear text (GnuTLS does so by a 421).
		return p.mute(a, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), egress.Kind(err) == "reset":
		return p.mute(a, err)
	}
	return p.mute(untested, err)
}

// mute makes of an answer without an alert what can be made of it: a refusal, if the server
// is known to answer hellos it likes. After the second of which nothing can be made the
// server is left alone.
func (p *prober) mute(a answer, err error) (answer, string) {
	text := fmt.Sprintf("after the ClientHello: %s", strings.TrimPrefix(err.Error(), "hello: "))
	if egress.Kind(err) == "timeout" {
		text = fmt.Sprintf("no answer to the ClientHello within %v", patience)
	}
	if a.result == "refused" && p.permissive != nil {
		return a, text
	}
	a.result = "untested"
	if p.unclear++; p.unclear >= 2 {
		p.stop(text)
	}
	return a, text
}

// unasked says what is wrong with a flight that answers another hello than h; empty for none.
func unasked(h *hello.Hello, f *hello.Flight) string {
	switch {
	case h.Version == hello.SSL2:
		if len(f.Kinds) == 0 {
			return "SSL 2.0 without a cipher"
		}
		return ""
	case !slices.Contains(h.Suites, f.Suite):
		return fmt.Sprintf("chose %s, which was not offered", hello.SuiteOf(f.Suite).Name)
	case f.Version == hello.TLS13 && !slices.Contains(h.Groups, f.Group):
		return fmt.Sprintf("chose the group %s, which was not offered", hello.GroupOf(f.Group).Name)
	case len(h.Versions) > 0 && !slices.Contains(h.Versions, f.Version), len(h.Versions) == 0 && f.Version > h.Version:
		return fmt.Sprintf("chose %s, which was not offered", hello.VersionName(f.Version))
	}
	return ""
}

func describe(f *hello.Flight) string {
	if f.Version == hello.SSL2 {
		names := make([]string, len(f.Kinds))
		for i, k := range f.Kinds {
			names[i] = hello.KindName(k)
		}
		return "SSL2 " + strings.Join(names, " ")
	}
	text := hello.VersionName(f.Version) + " " + hello.SuiteOf(f.Suite).Name
	if f.Group != 0 {
		text += " " + hello.GroupOf(f.Group).Name
	}
	if k := f.KeyExchange; k != nil && k.Bits > 0 {
		text += fmt.Sprintf(" %d bits", k.Bits)
	}
	return text
}

// confirmed reports whether a refusal is one: by an alert, or because the server still
// answers a hello that it liked before.
func (p *prober) confirmed(a answer) bool {
	return a.refused() && (a.alert >= 0 || p.control())
}

// control asks once more what the server accepted before.
func (p *prober) control() bool {
	return p.permissive != nil && p.once("control", p.permissive).accepted()
}

// assure looks whether the server still answers after refusals that were no more than a
// closed connection. If it does not, they may have been no refusals.
func (p *prober) assure() {
	if p.closedOn > p.answeredOn && p.stopped == "" && !p.control() {
		p.stop("the server has begun to close every connection")
		p.note("refusals", "untested", p.stopped+"; the last refusals may be no more than that")
	}
}
