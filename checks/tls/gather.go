// Package tls asks how good the encryption is that a mail server offers after STARTTLS:
// protocol versions, cipher suites, key exchange, and what the handshake tells on the side.
package tls

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
	"mxseal/checks/tls/ask"
	"mxseal/checks/tls/probe"
)

// Target is one address of a mail server.
type Target struct {
	Peer     *egress.Peer
	Host     string // name in the MX record, for SNI (RFC 7672 §8.1)
	Config   smtp.Config
	Depth    report.Depth
	First    *tls.ConnectionState // the first ordinary handshake; nil if the library managed none
	Rung     report.Hello         // of the ladder, that worked; empty for none
	Greeting time.Duration        // that the server took to greet
	OtherKey bool                 // ask for a certificate of another key type at depth quick too
	// Describe says what is kept of a chain, as soon as it has come; nil keeps it as it is.
	Describe func(chain [][]byte) *report.Certificate
}

// Connections one address may cost in all, those of the ordinary conversation included.
const (
	budgetStandard = 28
	budgetFull     = 120
	ordinary       = 2 // the ordinary conversation and the one beside it
)

func budget(depth report.Depth) int {
	if depth == report.Full {
		return budgetFull
	}
	return budgetStandard
}

// slowGreeting is from when on connections are opened ahead, to wait side by side.
const slowGreeting = 2 * time.Second

// ahead is how many connections may wait for the greeting while others talk. At full depth, where
// there are a hundred, a third of the time of each would be spent on that.
func ahead(t Target) int {
	switch {
	case t.Greeting > slowGreeting:
		return egress.Backlog
	case t.Depth == report.Full:
		return 2
	}
	return 0
}

// Seen is a further certificate chain that the server showed.
type Seen = ask.Seen

// Gather reports what the first handshake shows and, beyond depth quick, asks further: one
// SMTP connection a question, two at a time, in the order of what the answers are worth. It
// never fails; what could not be asked stands in Probes as untested.
func Gather(ctx context.Context, t Target) (*report.TLS, []Seen) {
	upToTLS := func(ctx context.Context, _ int) (*smtp.Session, error) { return smtp.UpToTLS(ctx, t.Peer, t.Config) }
	unused := func() int { return 0 }
	if width := ahead(t); width > 0 {
		queue := smtp.NewQueue(ctx, t.Peer, t.Config, width)
		upToTLS, unused = queue.UpToTLS, queue.Close
	}
	line := probe.New(ctx, budget(t.Depth)-max(ordinary, t.Peer.Connections()), func(ctx context.Context, more int) (net.Conn, error) {
		s, err := upToTLS(ctx, more)
		if err != nil {
			return nil, err
		}
		return raw{s.Raw(), s}, nil
	})
	line.SlowGreeting = t.Greeting > slowGreeting
	out, seen := ask.Ask(line, ask.Server{Name: serverName(t.Host, t.Rung), Depth: t.Depth, First: t.First, Rung: t.Rung,
		OtherKey: t.OtherKey, Describe: t.Describe})
	out.Connections = line.Made() + unused()
	return out, seen
}

// raw is a connection whose closing closes the SMTP session.
type raw struct {
	net.Conn
	session *smtp.Session
}

func (r raw) Close() error { return r.session.Close() }

// serverName returns the name to ask for, empty where none may be sent: for an address
// literal (RFC 6066 §3) and for a server that only works without.
func serverName(host string, rung report.Hello) string {
	host = strings.TrimSuffix(host, ".")
	if _, err := netip.ParseAddr(host); err == nil || rung == report.HelloNoSNI {
		return ""
	}
	return host
}
