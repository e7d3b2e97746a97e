package resolve

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

const (
	authorityTime = 20 * time.Second        // for all that is asked of the servers of one name, once it has its places
	serverTime    = 1500 * time.Millisecond // for one try by UDP; they need not ask anybody else
	serverTries   = 4                       // by UDP, until one is called silent
	errorPause    = 500 * time.Millisecond  // after a name server's first error; twice that after the next
)

// inquiry is one search for the name server that is to blame for a failed answer.
type inquiry struct {
	*Resolver
	question
	asked atomic.Int32 // questions put to name servers
}

func failed(kind report.Kind, says report.Says, pairs ...any) *report.Failure {
	return report.Failed(report.PhaseDNS, kind, report.Say(says, pairs...))
}

// put asks one name server, without recursion. Waiting for a place, also at the gate of its
// address, takes nothing from the time that it has to answer.
func (i *inquiry) put(ctx context.Context, network string, to netip.Addr, q question) (*dns.Msg, error) {
	m := q.message(true)
	m.RecursionDesired = false
	patience := serverTime
	if network == "tcp" {
		patience = streamTime
	}
	if i.upstream.enter(ctx, i.upstream.direct, q) != nil {
		return nil, fmt.Errorf("%w: %w", egress.ErrNoPlace, ctx.Err())
	}
	defer i.upstream.leave(i.upstream.direct)
	conn, err := i.connect(ctx, network, to)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", network, err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer interrupt(ctx, conn)()
	msg, _, err := exchange(ctx, network, conn, m)
	if err == nil && msg.Authoritative {
		i.cfg.Dialer.Vouch(to)
	}
	return msg, err
}

func (i *inquiry) connect(ctx context.Context, network string, to netip.Addr) (net.Conn, error) {
	defer i.upstream.wait()()
	conn, err := i.cfg.Dialer.Authority(ctx, network, to)
	if err == nil {
		i.asked.Add(1)
	}
	return conn, err
}

// insist asks one name server by UDP until it answers or has been silent or away for long.
func (i *inquiry) insist(ctx context.Context, to netip.Addr, q question) (m *dns.Msg, err error) {
	for try := range serverTries {
		if m, err = i.put(ctx, "udp", to, q); err == nil || report.Own(kind(err)) || ctx.Err() != nil {
			break
		}
		if kind(err) != report.KindTimeout && (try+1 == serverTries || egress.Pause(ctx, errorPause<<try) != nil) {
			break
		}
	}
	return m, err
}

// kind names a network error; that nobody listens at the port is not that the server
// answered REFUSED.
func kind(err error) report.Kind {
	if k := egress.Kind(err); k != report.KindRefused {
		return k
	}
	return report.KindClosed
}
