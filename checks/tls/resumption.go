package tls

import (
	"mxseal/checks/internal/hello"
	"mxseal/checks/tls/probe"
)

// session is one that was finished and may be taken up again.
type session struct {
	version uint16
	hello   *hello.Hello
	ticket  *hello.Ticket
}

// finished keeps of a handshake a session of each kind, of the best version, for a visit, and
// what its tickets say.
func (l *look) finished(h *hello.Hello, a probe.Answer) {
	f := a.Flight
	is13 := f.Version == hello.TLS13
	if is13 {
		allowed := false
		for _, t := range a.Tickets {
			allowed = allowed || t.EarlyData > 0
			l.tls.MaxEarlyData = max(l.tls.MaxEarlyData, t.EarlyData)
		}
		if allowed || l.feature().EarlyData == nil {
			l.feature().EarlyData = &allowed
		}
		atLeastOnce(&l.feature().Tickets, len(a.Tickets) > 0)
	}
	for _, t := range a.Tickets {
		l.tls.TicketLifetime = max(l.tls.TicketLifetime, t.Lifetime)
	}
	if s := l.past[is13]; len(a.Tickets) > 0 && (s == nil || s.version < f.Version) {
		l.past[is13] = &session{f.Version, h, a.Tickets[0]}
	}
}

// resumption asks whether a session is taken up again: in TLS 1.3 where the server has it,
// at full depth and where it has not also in older versions.
func (l *look) resumption(is13 bool) {
	s := l.past[is13]
	if s == nil || !is13 && l.past[true] != nil && !l.full {
		return
	}
	h := *s.hello
	h.Resume, h.Suites, h.Other = s.ticket, []uint16{s.ticket.Suite}, nil
	h.ServerName = l.sni
	if is13 {
		h.Groups, h.Share = []uint16{s.ticket.Group}, s.ticket.Group
	}
	if a := l.Ask("resumption", &h); a.Accepted() {
		atLeastOnce(&l.feature().Resumed, a.Flight.Resumed)
	}
}
