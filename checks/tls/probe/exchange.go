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
	return e.Kind == "reply" && e.Reply.Code/100 == 4 || e.Kind == "closed" || e.Kind == "reset"
}

// exchange makes one connection for a hello, and a second try after a pause when the server
// puts us off: by 421 or 454 (RFC 5321 §3.8, RFC 3207 §4), or by closing before it came to a
// hello. From then on it has one connection at a time.
func (l *Line) exchange(h *hello.Hello) (Answer, string) {
	untested := Answer{Result: report.ProbeUntested, Flight: &hello.Flight{}, Alert: -1}
	leave := l.enter(wanting)
	defer func() { leave() }()
	if l.stopped == "" && l.left <= 0 {
		l.stop("the connections allowed to one address are spent")
	}
	if l.stopped != "" {
		return untested, l.stopped
	}
	conn, number, err := l.open()
	again := ""
	if later(err) && l.left > 0 {
		l.slow = true
		leave()
		leave = l.enter(urgent)
		again = fmt.Sprintf("; at a second try, after a pause of %v", respite)
		var ended error
		if l.await(func() { ended = egress.Pause(l.ctx, respite) }); ended == nil && l.stopped == "" {
			conn, number, err = l.open()
		}
	}
	if err != nil {
		l.stop(err.Error())
		return untested, l.stopped + again
	}
	defer conn.Close()
	a, text := l.converse(h, conn, number)
	return a, text + again
}

// converse says the hello and makes of what comes back what can be made of it.
func (l *Line) converse(h *hello.Hello, conn net.Conn, number int) (Answer, string) {
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
		if why := unasked(h, a.Flight); why != "" {
			return a, why
		}
		a.Result = report.ProbeAccepted
		trouble := l.finish(h, &a, conn)
		return a, describe(a.Flight) + trouble
	case errors.As(err, &alert):
		a.Alert = int(alert.Code)
		text := fmt.Sprintf("alert %d (%s)", alert.Code, hello.AlertName(alert.Code))
		if a.Flight.Suite != 0 {
			text = "chose " + hello.SuiteOf(a.Flight.Suite).Name + ", then " + text
		}
		return a, text
	case errors.As(err, &format) && format.NoRecord:
		// Some mail servers answer a failed handshake in clear text (GnuTLS does so by a 421).
		return l.mute(a, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), egress.Kind(err) == "reset":
		return l.mute(a, err)
	}
	return l.mute(untested, err)
}

// mute makes of an answer without an alert what can be made of it: a refusal, if the server
// is known to answer hellos it likes. After the second of which nothing can be made the
// server is left alone.
func (l *Line) mute(a Answer, err error) (Answer, string) {
	text := fmt.Sprintf("after the ClientHello: %s", strings.TrimPrefix(err.Error(), "hello: "))
	if egress.Kind(err) == "timeout" {
		text = fmt.Sprintf("no answer to the ClientHello within %v", Patience)
	}
	if a.Refused() && l.Permissive != nil {
		return a, text
	}
	a.Result = report.ProbeUntested
	if l.unclear++; l.unclear >= 2 {
		l.stop(text)
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
