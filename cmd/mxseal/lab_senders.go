package main

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/lab"
	"mxseal/checks/lab/outgoing"
	"mxseal/checks/sender"
	"mxseal/web"
	"mxseal/web/senders"
	"mxseal/web/store"
)

const (
	labZone   = "traps.test" // of the test of senders
	labSlots  = 250          // each test of the lab has policy hosts of its own
	labLoose  = 4            // simulated senders at a time
	labPause  = 300 * time.Millisecond
	portsTry  = 20
	looseTime = 5 * time.Minute
)

// labSending is the test of senders in the lab: the receiving side on loopback addresses, and simulated
// senders for it.
type labSending struct {
	*senders.Listening
	world outgoing.World

	mu    sync.Mutex
	going int // simulated senders
	next  byte
}

// openLabSending opens the receiving side with the zone and the certificates of the lab, at ports that are
// free. The error says why this machine cannot: not all have more than one loopback address.
func openLabSending(ctx context.Context, world *lab.Lab, reports *store.Store, log *slog.Logger) (*labSending, error) {
	certificates, err := world.Certificates(labZone)
	if err != nil {
		return nil, err
	}
	side, err := senders.New(ctx, senders.Config{Zone: labZone, Certificates: certificates, Store: reports, Log: log, Slots: labSlots})
	if err != nil {
		return nil, err
	}
	l := &labSending{world: outgoing.World{Zone: labZone, Roots: x509.NewCertPool(), Pause: labPause}}
	for range portsTry {
		if side.Roles, err = labRoles(); err != nil {
			break
		}
		if l.Listening, err = side.Listen(); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	ds, err := dns.NewRR(side.DS())
	if err != nil {
		return nil, err
	}
	at := side.Roles[0]
	l.world.Anchor, l.world.NameServer, l.world.MailPort, l.world.PolicyPort = ds.(*dns.DS), netip.AddrPortFrom(at.Addr, at.Port), at.Port, at.Port
	l.world.Roots.AppendCertsFromPEM(world.CA())
	return l, nil
}

// labRoles are an address for everything, at one port that is free. The name server comes first.
func labRoles() ([]senders.Role, error) {
	port, err := lab.FreePort()
	if err != nil {
		return nil, err
	}
	var roles []senders.Role
	for i, as := range append([]sender.Manner{"dns", "policy"}, sender.Manners...) {
		roles = append(roles, senders.Role{Addr: netip.AddrFrom4([4]byte{127, 78, 0, byte(i + 1)}), Port: port, As: as})
	}
	return roles, nil
}

// simulated are the senders that can be let loose.
func (l *labSending) simulated(ctx context.Context) web.Simulated {
	var s web.Simulated
	for _, k := range outgoing.Kinds {
		s.Kinds = append(s.Kinds, web.SimulatedKind{ID: k.ID, Title: k.Title})
	}
	s.Loose = func(kind string, to []string) bool { return l.loose(ctx, kind, to) }
	return s
}

// loose has a simulated sender send, from a network of its own; it reports whether there is one of that kind
// and room for it.
func (l *labSending) loose(ctx context.Context, kind string, to []string) bool {
	i := slices.IndexFunc(outgoing.Kinds, func(k outgoing.Kind) bool { return k.ID == kind })
	if i < 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.going >= labLoose {
		return false
	}
	l.going++
	l.next++
	w := l.world
	w.From = netip.AddrFrom4([4]byte{127, 79, l.next, 1})
	go func() {
		ctx, cancel := context.WithTimeout(ctx, looseTime)
		defer cancel()
		kept := outgoing.Send(ctx, outgoing.Kinds[i], w, to)
		l.Log.Debug("a simulated sender has sent", "kind", kind, "to", len(to)-len(kept), "kept back", len(kept)) // addresses are keys to a test
		l.mu.Lock()
		defer l.mu.Unlock()
		l.going--
	}()
	return true
}

// openIn is open, or in the lab what needs no flags; nil where senders are not tested.
func (s *sending) openIn(ctx context.Context, world *lab.Lab, reports *store.Store, log *slog.Logger) (*senders.Listening, web.Simulated, error) {
	if world == nil || s.zone != "" {
		l, err := s.open(ctx, reports, log)
		return l, web.Simulated{}, err
	}
	l, err := openLabSending(ctx, world, reports, log)
	if err != nil {
		log.Info("the lab does not test senders on this machine", "why", err)
		return nil, web.Simulated{}, nil
	}
	return l.Listening, l.simulated(ctx), nil
}
