package starttls

import (
	"context"
	"errors"

	"mxseal/checks/internal/hello"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// tooManyHangs is after how many hellos without an answer a server is taken to hang.
const tooManyHangs = 3

// ladder is the way from the modern hello down to what a server bears.
type ladder struct {
	*visit
	ctx     context.Context
	begun   bool
	works   bool
	hangs   int
	hang    error // no answer to a hello: nobody knows what it would have been
	blind   error // our own library stood in the way
	stopped error // no connection came as far as a hello
	inside  error // why the talk inside TLS ended
}

// open reports whether a further try makes sense.
func (l *ladder) open() bool {
	return l.stopped == nil && l.hangs < tooManyHangs && l.seen.ClientCert != report.ClientCertRequired && l.ctx.Err() == nil
}

// connected gives the next try a connection.
func (l *ladder) connected() bool {
	if !l.begun {
		l.begun = true
		return true
	}
	next, err := smtp.UpToTLS(l.ctx, l.Peer, l.Config)
	if err != nil {
		if !l.works {
			l.stopped = err
		}
		return false
	}
	l.session = next
	return true
}

// holds reports whether what came of the EHLO inside TLS shows that the server took our end of
// the handshake; nil is its answer.
func holds(e *smtp.Error) bool {
	return e == nil || e.Kind == report.KindReply || e.Kind == report.KindTimeout || e.Kind == report.KindProtocol || e.Kind == report.KindLimit
}

// worked notes a handshake that held. What the first one shows inside counts. A server that
// does not know a second EHLO has shown all that it will; senders do not mind.
func (l *ladder) worked(keywords []string, err error) {
	var e *smtp.Error
	if errors.As(err, &e) && e.Kind == report.KindReply && e.Reply.Code/10 == 50 {
		err = nil
	}
	if !l.works {
		l.works, l.seen.EHLOTLS, l.inside = true, keywords, err
	}
}

// failed notes a handshake that did not.
func (l *ladder) failed(step report.Rung, err error) {
	l.seen.Ladder = append(l.seen.Ladder, step)
	switch step.Kind {
	case report.KindUnsupported:
		l.blind = err
	case report.KindTimeout:
		l.hangs++
		l.hang = err
	}
}

// long notes how long the list of certificates is where some sender may find it too long.
func (l *ladder) long(version uint16, list [][]byte) {
	octets := 3
	if version == hello.TLS13 {
		octets = 4 + 2*len(list)
	}
	for _, der := range list {
		octets += 3 + len(der)
	}
	const worthNoting = 32 << 10
	if octets > worthNoting {
		l.seen.CertificateOctets = max(l.seen.CertificateOctets, octets)
	}
}
