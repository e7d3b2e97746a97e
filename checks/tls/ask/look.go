package ask

import (
	"crypto/tls"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/probe"
)

// Server is one address of a mail server, and how much is to be asked of it.
type Server struct {
	Name     string // to ask for (SNI); empty where none may be sent
	Depth    report.Depth
	First    *tls.ConnectionState // the first ordinary handshake; nil if the library managed none
	Rung     report.Hello         // of the ladder, that worked; empty for none
	OtherKey bool                 // ask for a certificate of another key type at depth quick too
	// Describe says what is kept of a chain, as soon as it has come; nil keeps it as it is.
	Describe func(chain [][]byte) *report.Certificate
}

// version is that of the first handshake; 0 if there was none.
func (s Server) version() uint16 {
	if s.First == nil {
		return 0
	}
	return s.First.Version
}

// look is one look at one address: the line to it, the hellos that may be sent, what has been
// learned so far, and what may go along with a hello.
type look struct {
	*probe.Line
	hellos
	*learned
	*oddities
	full bool // every suite, not one of each family
}

func newLook(line *probe.Line, s Server) *look {
	l := &look{Line: line, hellos: hellos{s.Name}, learned: newLearned(s.Describe), full: s.Depth == report.Full}
	l.oddities = newOddities(line, l.learned, l.hellos)
	line.Learn = func(h *hello.Hello, a probe.Answer) { l.learn(s.Name, h, a) }
	return l
}

// row carries out questions of which each is likely to be followed by another one. Only at full
// depth are there so many that connections are worth opening ahead, though one be in vain.
func (l *look) row(ask func()) {
	if l.full {
		l.Chain(ask)
	} else {
		ask()
	}
}
