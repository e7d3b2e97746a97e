package ask

import (
	"mxseal/checks/internal/hello"
	"mxseal/checks/tls/probe"
)

// resume13 takes a session of TLS 1.3 up again.
func (l *look) resume13() *hello.Hello {
	h := l.resume(l.past[true])
	if h != nil {
		h.Groups, h.Share = []uint16{h.Resume.Group}, h.Resume.Group
	}
	return h
}

// resumeOlder does so in older versions: at full depth, and where there is none of TLS 1.3.
func (l *look) resumeOlder() *hello.Hello {
	if l.past[true] != nil && !l.full {
		return nil
	}
	return l.resume(l.past[false])
}

func (l *look) resume(s *session) *hello.Hello {
	if s == nil {
		return nil
	}
	h := *s.hello
	h.Resume, h.Suites, h.Other = s.ticket, []uint16{s.ticket.Suite}, nil
	h.ServerName = l.sni
	return &h
}

func (l *look) resumed(a probe.Answer) {
	if a.Accepted() {
		atLeastOnce(&l.feature().Resumed, a.Flight.Resumed)
	}
}
