package probe

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/hello"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// Patience is how long a server may take to answer one ClientHello, and again to finish.
const Patience = 10 * time.Second

// respite is how long a server that wants no more connections now is left in peace; after
// that the pace is slower.
const (
	respite = 5 * time.Second
	calm    = time.Second
)

// open makes one connection, and returns its number.
func (l *Line) open() (conn net.Conn, number int, err error) {
	l.left--
	l.made++
	number = l.made
	slow, more := l.slow, l.chains+l.wanted
	if l.SlowGreeting { // what is not wanted after all costs less than the wait
		more += l.unbegun / 2
	}
	more = min(l.left, more)
	l.await(func() {
		if slow {
			more = 0 // nothing ahead
			egress.Pause(l.ctx, calm)
		}
		conn, err = l.connect(l.ctx, more)
	})
	return conn, number, err
}

// later reports whether an error before the hello means “not now”.
func later(err error) bool {
	var e *smtp.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Kind == report.KindReply && e.Reply.Code/100 == 4 || e.Kind == report.KindClosed || e.Kind == report.KindReset
}

// exchange makes one connection for a hello, and a second try after a pause when the server
// puts us off: by 421 or 454 (RFC 5321 §3.8, RFC 3207 §4), or by closing before it came to a
// hello. From then on it has one connection at a time.
func (l *Line) exchange(h *hello.Hello) (Answer, report.Statement) {
	untested := Answer{Result: report.ProbeUntested, Flight: &hello.Flight{}, Alert: -1}
	leave := l.enter(wanting)
	defer func() { leave() }()
	if !l.stopped.Made() && l.left <= 0 {
		l.stop(report.Say(report.SaysAddressSpent))
	}
	if l.stopped.Made() {
		return untested, l.stopped
	}
	conn, number, err := l.open()
	told := func(what report.Statement) report.Statement { return what }
	if later(err) && l.left > 0 {
		l.slow = true
		leave()
		leave = l.enter(urgent)
		told = report.Say(report.SaysSecondTry, "pause", respite).About
		var ended error
		if l.await(func() { ended = egress.Pause(l.ctx, respite) }); ended == nil && !l.stopped.Made() {
			conn, number, err = l.open()
		}
	}
	if err != nil {
		l.stop(ended(err))
		return untested, told(l.stopped)
	}
	defer conn.Close()
	a, what := l.converse(h, conn, number)
	return a, told(what)
}

// converse says the hello and makes of what comes back what can be made of it.
func (l *Line) converse(h *hello.Hello, conn net.Conn, number int) (Answer, report.Statement) {
	a := Answer{Result: report.ProbeRefused, Alert: -1, number: number}
	var err error
	l.await(func() {
		conn.SetDeadline(time.Now().Add(Patience))
		a.Flight, err = h.Exchange(conn)
	})
	untested := Answer{Result: report.ProbeUntested, Flight: &hello.Flight{}, Alert: -1, number: a.number}

	var alert *hello.Alert
	var format *hello.FormatError
	switch {
	case err == nil:
		if why := unasked(h, a.Flight); why.Made() {
			return a, why
		}
		a.Result = report.ProbeAccepted
		return a, l.finish(h, &a, conn, report.Say(report.SaysShaken, "agreed", describe(a.Flight)))
	case errors.As(err, &alert):
		a.Alert = int(alert.Code)
		if a.Flight.Suite != 0 {
			return a, then(alert, report.Say(report.SaysChose, "suite", hello.SuiteOf(a.Flight.Suite).Name))
		}
		return a, report.Say(report.SaysAlert, "alert", alert.Code, "name", hello.AlertName(alert.Code))
	case errors.As(err, &format) && format.NoRecord:
		// Some mail servers answer a failed handshake in clear text (GnuTLS does so by a 421).
		return l.mute(a, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), egress.Kind(err) == report.KindReset:
		return l.mute(a, err)
	}
	return l.mute(untested, err)
}

// ended says why no connection came up to the hello.
func ended(err error) report.Statement {
	var e *smtp.Error
	if errors.As(err, &e) {
		return e.Statement
	}
	return egress.Say(err)
}

// then says that an alert followed what the server did.
func then(alert *hello.Alert, after report.Statement) report.Statement {
	return report.Say(report.SaysThenAlert, "alert", alert.Code, "name", hello.AlertName(alert.Code)).About(after)
}

// mute makes of an answer without an alert what can be made of it: a refusal, if the server
// is known to answer hellos it likes. After the second of which nothing can be made the
// server is left alone.
func (l *Line) mute(a Answer, err error) (Answer, report.Statement) {
	what := report.Say(report.SaysAfterHello, "error", strings.TrimPrefix(err.Error(), "hello: "))
	if egress.Kind(err) == report.KindTimeout {
		what = report.Say(report.SaysNoServerHello, "patience", Patience)
	}
	if a.Refused() && l.Permissive != nil {
		return a, what
	}
	a.Result = report.ProbeUntested
	if l.unclear++; l.unclear >= 2 {
		l.stop(what)
	}
	return a, what
}

// unasked says what is wrong with a flight that answers another hello than h; nothing for none.
func unasked(h *hello.Hello, f *hello.Flight) report.Statement {
	switch {
	case h.Version == hello.SSL2:
		if len(f.Kinds) == 0 {
			return report.Say(report.SaysSSL2NoCipher)
		}
		return report.Statement{}
	case !slices.Contains(h.Suites, f.Suite):
		return report.Say(report.SaysChoseUnoffered, "chosen", hello.SuiteOf(f.Suite).Name)
	case f.Version == hello.TLS13 && !slices.Contains(h.Groups, f.Group):
		return report.Say(report.SaysChoseGroup, "group", hello.GroupOf(f.Group).Name)
	case len(h.Versions) > 0 && !slices.Contains(h.Versions, f.Version), len(h.Versions) == 0 && f.Version > h.Version:
		return report.Say(report.SaysChoseUnoffered, "chosen", hello.VersionName(f.Version))
	}
	return report.Statement{}
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
