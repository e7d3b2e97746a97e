package checks

import (
	"context"
	cryptotls "crypto/tls"
	"sync"
	"time"

	"mxseal/checks/certificate"
	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
	"mxseal/checks/starttls"
	"mxseal/checks/tls"
)

// visit talks to one address of a mail exchanger. Once a handshake has worked our own hellos
// go on beside the rest of the conversation.
func (run *run) visit(ctx context.Context, name string, peer *egress.Peer) (a report.Address) {
	addr := peer.Addr.Addr()
	var beside sync.WaitGroup
	target := func(state *cryptotls.ConnectionState, s *report.SMTP) tls.Target {
		return tls.Target{Peer: peer, Host: name, Config: run.smtp, Depth: run.cfg.Depth, First: state, Rung: starttls.Worked(s.Ladder),
			Greeting: time.Duration(s.GreetingMS) * time.Millisecond}
	}
	run.stage(starttls.ID, name, func() {
		smtp, state, failure := starttls.Gather(ctx, starttls.Target{Peer: peer, Host: name, Config: run.smtp, Depth: run.cfg.Depth,
			Injection: run.hosts.injection(addr),
			Secured: func(state *cryptotls.ConnectionState, seen *report.SMTP) {
				t := target(state, seen)
				beside.Go(func() { run.certificates(ctx, &a, t) })
			}})
		run.hosts.noteInjection(addr, smtp.Injection)
		a.SMTP, a.Failure = smtp, failure
		a.Reachable = smtp.STARTTLS != report.NotTried
		unsupported := failure != nil && failure.Kind == report.KindUnsupported
		if state == nil && (unsupported || smtp.STARTTLS == report.Works || smtp.STARTTLS == report.HandshakeFailed) {
			// Our library could not, or would not, complete a handshake: our own hellos find
			// what such a server still offers.
			run.certificates(ctx, &a, target(nil, smtp))
		}
	})
	beside.Wait()
	return a
}

// call makes the handshakes of a sender that gives a server this name, and asks nothing else.
func (run *run) call(ctx context.Context, name string, peer *egress.Peer) (a report.Address) {
	a.SMTP = &report.SMTP{STARTTLS: report.NotTried}
	run.stage(starttls.ID, name, func() {
		var state *cryptotls.ConnectionState
		a.SMTP, state, a.Failure = starttls.Gather(ctx, starttls.Target{Peer: peer, Host: name, Config: run.smtp, Depth: report.Quick, Alone: true})
		a.Reachable = a.SMTP.STARTTLS != report.NotTried
		if a.SMTP.STARTTLS == report.Works {
			run.certificates(ctx, &a, tls.Target{Peer: peer, Host: name, Config: run.smtp, Depth: report.Quick, First: state, Rung: starttls.Worked(a.SMTP.Ladder), OtherKey: true})
		}
	})
	return a
}

// certificates asks on with hellos of our own and keeps every chain that a server showed.
func (run *run) certificates(ctx context.Context, a *report.Address, t tls.Target) {
	room := maxCertificates
	fit := func(c *report.Certificate) *report.Certificate {
		if c != nil && c.Size() > room {
			c.Cut()
		} else if c != nil {
			room -= c.Size()
		}
		return c
	}
	if t.First != nil {
		run.stage(certificate.ID, t.Host, func() {
			a.Certificates = append(a.Certificates, fit(certificate.Gather(run.roots, t.First, report.ViaFirst, t.Host, run.r.CheckedAt)))
		})
	}
	t.First = starttls.Leaf(t.First) // a list may be long, and has been described
	t.Describe = func(chain [][]byte) *report.Certificate {
		return fit(run.roots.Describe(chain, t.Host, run.r.CheckedAt))
	}
	var seen []tls.Seen
	run.stage(tls.ID, t.Host, func() { a.TLS, seen = tls.Gather(ctx, t) })
	if len(seen) == 0 {
		return
	}
	run.stage(certificate.ID, t.Host, func() {
		for _, s := range seen {
			a.Certificates = append(a.Certificates, s.Certificate)
		}
	})
}

// maxCertificates bounds what is kept of one address, over all the chains that it shows, in octets.
const maxCertificates = 48 << 10
