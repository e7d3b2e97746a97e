package senders

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
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
	mu      sync.Mutex
	sockets []io.Closer
	open    map[net.Conn]bool
	running sync.WaitGroup
}

// Listen opens all sockets, and serves all who come.
func (s *Senders) Listen() (*Listening, error) {
	l := &Listening{Senders: s, open: make(map[net.Conn]bool)}
	for _, r := range s.Roles {
		if err := l.role(r); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
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
		at := netip.AddrPortFrom(r.Addr, cmp.Or(r.Port, dnsPort)).String()
		socket, err := net.ListenPacket("udp", at)
		if err != nil {
			return fmt.Errorf("listen for questions: %w", err)
		}
		l.sockets = append(l.sockets, socket)
		l.running.Go(func() {
			serve.Packets(socket, func(packet []byte, from net.Addr) []byte { return l.answer(packet, addrOf(from), true) })
		})
		return l.accept(at, func(c net.Conn) {
			defer c.Close()
			c.SetDeadline(time.Now().Add(questionMax))
			from := addrOf(c.RemoteAddr())
			serve.Answerer(func(packet []byte, udp bool) []byte { return l.answer(packet, from, udp) }).Serve(c)
		})
	case policyRole:
		return l.accept(netip.AddrPortFrom(r.Addr, cmp.Or(r.Port, policyPort)).String(), l.servePolicy)
	case allRole:
		return l.accept(fmt.Sprintf("[::]:%d", mailPort), func(c net.Conn) { l.housed(c, r.Net) })
	}
	return l.accept(netip.AddrPortFrom(r.Addr, cmp.Or(r.Port, mailPort)).String(), func(c net.Conn) { l.converse(c, r.As, place{}) })
}

// housed serves a connection to the address of one trap of one test.
func (l *Listening) housed(c net.Conn, within netip.Prefix) {
	at := netip.Addr{}
	if local, err := netip.ParseAddrPort(c.LocalAddr().String()); err == nil {
		at = local.Addr()
	}
	l.Senders.mu.Lock()
	p, known := l.hosts[at]
	l.Senders.mu.Unlock()
	if !known || !within.Contains(at) {
		c.Close()
		return
	}
	l.converse(c, sender.DesignOf(p.trap).Manner, p)
}

// accept serves every connection to an address that the limits let in. An address of IPv4 leaves room
// for one that listens on all of IPv6.
func (l *Listening) accept(at string, handle func(net.Conn)) error {
	family := "tcp4"
	if a, err := netip.ParseAddrPort(at); err == nil && a.Addr().Is6() {
		family = "tcp6"
	}
	socket, err := net.Listen(family, at)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	l.sockets = append(l.sockets, socket)
	l.running.Go(func() {
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
	})
	return nil
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
	l.mu.Lock()
	for c := range l.open {
		c.Close()
	}
	l.open = nil
	l.mu.Unlock()
	l.running.Wait()
}

// configOf is the TLS configuration of a manner. Sessions are not resumed: each conversation shows
// everything anew.
func (s *Senders) configOf(m sender.Manner) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS10, SessionTicketsDisabled: true}
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.Certificates.Mail(), nil }
	switch m {
	case sender.Honest:
		c.ClientAuth = tls.RequestClientCert
	case sender.OwnCert:
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.own, nil }
	case sender.OldCert:
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.Certificates.Expired(), nil }
	case sender.TLS10:
		c.MaxVersion = tls.VersionTLS10
	}
	return c
}
