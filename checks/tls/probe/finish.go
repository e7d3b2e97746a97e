package probe

import (
	"bytes"
	"errors"
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
// connection. It adds to what the server did before.
func (l *Line) finish(h *hello.Hello, a *Answer, conn net.Conn, did report.Statement) report.Statement {
	f := a.Flight
	if !f.Finishable() {
		return did
	}
	var s *hello.Session
	var err error
	l.await(func() {
		conn.SetDeadline(time.Now().Add(Patience))
		s, err = f.Finish(conn)
	})
	var alert *hello.Alert
	switch {
	case err == nil:
	case errors.As(err, &alert) && f.Version == hello.TLS13 && len(f.Certificates) == 0 && !f.Resumed:
		// It found too late that it cannot sign, or that there is nothing in common after all.
		a.Result, a.Alert = report.ProbeRefused, int(alert.Code)
		return then(alert, did)
	default:
		return report.Say(report.SaysNotCompleted, "error", strings.TrimPrefix(err.Error(), "hello: ")).About(did)
	}
	best := len(h.Versions) == 0 && (l.classic == 0 || f.Version == l.classic)
	if f.Version < hello.TLS13 && !f.Resumed && !l.renegotiated && best {
		l.renegotiated = true
		if over := l.renegotiate(s, a); over {
			return report.Say(report.SaysRenegotiated).About(did)
		}
	}
	known := f.Version < hello.TLS13 && !f.Resumed // the server's Finished came last
	l.await(func() { a.Completed = quit(s, conn, !known) })
	a.Finished, a.Tickets = true, s.Tickets
	return did
}

// renegotiate asks once whether a client may start a new handshake inside the session, which
// makes the server work for little. It reports whether the session is over.
func (l *Line) renegotiate(s *hello.Session, a *Answer) (over bool) {
	var accepted bool
	var err error
	l.await(func() { accepted, err = s.Renegotiate() })
	if kind := egress.Kind(err); kind != report.KindTimeout && !report.Own(kind) {
		a.Renegotiation = &accepted
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
