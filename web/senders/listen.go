package senders

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"mxseal/checks/lab/serve"
	"mxseal/checks/sender"
)

// Ports of what listens.
const (
	dnsPort    = 53
	mailPort   = 25
	policyPort = 443
)

// Listening is every socket of ours, with what they serve.
type Listening struct {
	*Senders
	given   Sockets
	mu      sync.Mutex
	sockets []io.Closer
	open    map[net.Conn]bool
	running sync.WaitGroup
}

// Listen opens all sockets that are not given, and serves all who come. Given ones that no role asks for
// are an error.
func (s *Senders) Listen() (*Listening, error) {
	l := &Listening{Senders: s, given: s.Sockets, open: make(map[net.Conn]bool)}
	if err := l.listen(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *Listening) listen() error {
	for _, r := range l.Roles {
		if err := l.role(r); err != nil {
			return err
		}
	}
	for _, s := range l.given.Streams {
		return fmt.Errorf("no role listens at %s, which is passed on", s.Addr())
	}
	for _, s := range l.given.Packets {
		return fmt.Errorf("no role listens at %s by UDP, which is passed on", s.LocalAddr())
	}
	return nil
}

// Keep saves what comes until ctx ends. Then it closes all sockets.
func (l *Listening) Keep(ctx context.Context) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			l.close()
			return l.saveAll(context.WithoutCancel(ctx))
		case <-tick.C:
			if err := l.saveAll(ctx); err != nil {
				l.Log.Warn("the tests of senders could not be saved", "error", err)
			}
		}
	}
}

func (l *Listening) role(r Role) error {
	switch r.As {
	case dnsRole:
		at := r.at(dnsPort)
		if err := l.packets(at); err != nil {
			return err
		}
		return l.accept(at, func(c net.Conn) {
			defer c.Close()
			c.SetDeadline(time.Now().Add(questionMax))
			from := addrOf(c.RemoteAddr())
			serve.Answerer(func(packet []byte, udp bool) []byte { return l.answer(packet, from, udp) }).Serve(c)
		})
	case policyRole:
		return l.accept(r.at(policyPort), l.servePolicy)
	case allRole:
		return l.accept(netip.AddrPortFrom(netip.IPv6Unspecified(), mailPort), l.housed)
	}
	if at := r.at(mailPort); !l.prefix().IsValid() || at.Addr().Is4() || at.Port() != mailPort {
		return l.accept(at, func(c net.Conn) { l.converse(c, r.As, place{}) })
	}
	return nil // the socket for all of IPv6 has it
}

// housed serves a connection that came by IPv6: to the address of one trap of one test, or of a role.
func (l *Listening) housed(c net.Conn) {
	at := addrOf(c.LocalAddr())
	l.Senders.mu.Lock()
	p, known := l.hosts[at]
	l.Senders.mu.Unlock()
	if known {
		l.converse(c, sender.DesignOf(p.trap).Manner, p)
		return
	}
	i := slices.IndexFunc(l.Roles, func(r Role) bool {
		return slices.Contains(sender.Manners, r.As) && r.at(mailPort) == netip.AddrPortFrom(at, mailPort)
	})
	if i < 0 {
		c.Close()
		return
	}
	l.converse(c, l.Roles[i].As, place{})
}

// packets answers every question that comes to an address by UDP.
func (l *Listening) packets(at netip.AddrPort) (err error) {
	var socket net.PacketConn
	if i := slices.IndexFunc(l.given.Packets, func(s net.PacketConn) bool { return s.LocalAddr().String() == at.String() }); i >= 0 {
		socket, l.given.Packets = l.given.Packets[i], slices.Concat(l.given.Packets[:i], l.given.Packets[i+1:])
	} else if socket, err = net.ListenPacket("udp", at.String()); err != nil {
		return fmt.Errorf("listen for questions: %w", err)
	}
	l.sockets = append(l.sockets, socket)
	l.running.Go(func() {
		serve.Packets(socket, func(packet []byte, from net.Addr) []byte {
			l.came("udp "+at.String(), addrOf(from))
			return l.answer(packet, addrOf(from), true)
		})
	})
	return nil
}

// stream is a socket for connections to an address. One of IPv4 leaves room for another that listens on
// all of IPv6.
func (l *Listening) stream(at netip.AddrPort) (net.Listener, error) {
	if i := slices.IndexFunc(l.given.Streams, func(s net.Listener) bool { return s.Addr().String() == at.String() }); i >= 0 {
		socket := l.given.Streams[i]
		l.given.Streams = slices.Concat(l.given.Streams[:i], l.given.Streams[i+1:])
		return socket, nil
	}
	family := "tcp4"
	if at.Addr().Is6() {
		family = "tcp6"
	}
	socket, err := net.Listen(family, at.String())
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return socket, nil
}

// accept serves every connection to an address that the limits let in.
func (l *Listening) accept(at netip.AddrPort, handle func(net.Conn)) error {
	socket, err := l.stream(at)
	if err != nil {
		return err
	}
	l.sockets = append(l.sockets, socket)
	l.running.Go(func() { l.acceptAll(socket, handle) })
	return nil
}

func (l *Listening) acceptAll(socket net.Listener, handle func(net.Conn)) {
	for {
		c, err := socket.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(50 * time.Millisecond) // out of file descriptors
			continue
		}
		from := addrOf(c.RemoteAddr())
		l.came("tcp "+socket.Addr().String(), from)
		if !l.limits.enter(from) {
			c.Close()
			continue
		}
		if !l.keep(c) {
			l.limits.leave(from)
			return
		}
		l.running.Go(func() {
			defer l.limits.leave(from)
			defer l.drop(c)
			handle(c)
		})
	}
}

func (l *Listening) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		c.Close()
		return false
	}
	l.open[c] = true
	return true
}

func (l *Listening) drop(c net.Conn) {
	c.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

func (l *Listening) close() {
	for _, socket := range l.sockets {
		socket.Close()
	}
	for _, socket := range l.given.Streams {
		socket.Close()
	}
	for _, socket := range l.given.Packets {
		socket.Close()
	}
	l.mu.Lock()
	for c := range l.open {
		c.Close()
	}
	l.open = nil
	l.mu.Unlock()
	l.running.Wait()
}
