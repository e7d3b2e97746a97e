package tls

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
)

// farewell is the longest wait for the answer to QUIT.
const farewell = 2 * time.Second

// finish brings an accepted handshake to its end where the suite is fit for that, and takes
// leave inside: what TLS 1.3 encrypts comes to light, and the server has not lost a
// connection. It returns what is to be added to the probe's text.
func (p *prober) finish(h *hello.Hello, a *answer, conn net.Conn) string {
	f := a.flight
	if !f.Finishable() {
		return ""
	}
	var s *hello.Session
	var err error
	p.away(func() {
		conn.SetDeadline(time.Now().Add(patience))
		s, err = f.Finish(conn)
	})
	var alert *hello.Alert
	switch {
	case err == nil:
	case errors.As(err, &alert) && f.Version == hello.TLS13 && len(f.Certificates) == 0 && !f.Resumed:
		// It found too late that it cannot sign, or that there is nothing in common after all.
		a.result, a.alert = "refused", int(alert.Code)
		return fmt.Sprintf(", then alert %d (%s)", alert.Code, hello.AlertName(alert.Code))
	default:
		return "; not completed: " + strings.TrimPrefix(err.Error(), "hello: ")
	}
	if f.Version < hello.TLS13 && !f.Resumed && !p.renegotiated && len(h.Versions) == 0 && (p.highest == 0 || f.Version == p.highest) {
		p.renegotiated = true
		if over := p.renegotiate(s); over {
			return "; renegotiation was asked for inside"
		}
	}
	known := f.Version < hello.TLS13 && !f.Resumed // the server's Finished came last
	p.away(func() { a.completed = quit(s, conn, !known) })
	if a.completed {
		p.tls.Completed++
	}
	p.remember(h, f, s.Tickets)
	return ""
}

// renegotiate asks once whether a client may start a new handshake inside the session, which
// makes the server work for little. It reports whether the session is over.
func (p *prober) renegotiate(s *hello.Session) (over bool) {
	var accepted bool
	var err error
	p.away(func() { accepted, err = s.Renegotiate() })
	if egress.Kind(err) != "timeout" {
		p.feature().Renegotiation = &accepted
	}
	return accepted || err != nil
}

// quit says QUIT and, where asked to, waits for the answer. It reports whether the handshake
// is known to be complete: in TLS 1.3 only an answer tells that the server took our Finished.
func quit(s *hello.Session, conn net.Conn, wait bool) bool {
	conn.SetDeadline(time.Now().Add(farewell))
	if _, err := s.Write([]byte("QUIT\r\n")); err != nil || !wait {
		return err == nil
	}
	var said []byte
	for buf := make([]byte, 512); len(said) < 4096 && !bytes.Contains(said, []byte("\n")); {
		n, err := s.Read(buf)
		if said = append(said, buf[:n]...); err != nil {
			break
		}
	}
	return len(said) >= 3 && said[0] >= '2' && said[0] <= '5'
}

// remember keeps a session of each kind, of the best version, for a visit, and what its tickets say.
func (p *prober) remember(h *hello.Hello, f *hello.Flight, tickets []*hello.Ticket) {
	is13 := f.Version == hello.TLS13
	if is13 {
		allowed := false
		for _, t := range tickets {
			allowed = allowed || t.EarlyData > 0
			p.tls.MaxEarlyData = max(p.tls.MaxEarlyData, t.EarlyData)
		}
		if allowed || p.feature().EarlyData == nil {
			p.feature().EarlyData = &allowed
		}
		p.some(&p.feature().Tickets, len(tickets) > 0)
	}
	for _, t := range tickets {
		p.tls.TicketLifetime = max(p.tls.TicketLifetime, t.Lifetime)
	}
	if s := p.past[is13]; len(tickets) > 0 && (s == nil || s.version < f.Version) {
		p.past[is13] = &session{f.Version, h, tickets[0]}
	}
}

// resumption asks whether a session is taken up again: in TLS 1.3 where the server has it,
// at full depth and where it has not also in older versions.
func (p *prober) resumption(is13 bool) {
	s := p.past[is13]
	if s == nil || !is13 && p.past[true] != nil && !p.full {
		return
	}
	h := *s.hello
	h.Resume, h.Suites, h.Other = s.ticket, []uint16{s.ticket.Suite}, nil
	h.ServerName = p.sni
	if is13 {
		h.Groups, h.Share = []uint16{s.ticket.Group}, s.ticket.Group
	}
	if a := p.ask("resumption", &h); a.accepted() {
		p.some(&p.feature().Resumed, a.flight.Resumed)
	}
}

// feature returns the features, made when needed.
func (p *prober) feature() *report.Features {
	if p.tls.Features == nil {
		p.tls.Features = &report.Features{}
	}
	return p.tls.Features
}

// some notes what one connection at least showed; all, what every one did.
func (p *prober) some(b **bool, v bool) {
	if *b == nil || v {
		*b = &v
	}
}

func (p *prober) all(b **bool, v bool) {
	if *b == nil || !v {
		*b = &v
	}
}
