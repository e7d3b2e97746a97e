package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"mxseal/checks/lab/serve"
)

// Dial connects to a server of the lab in memory, by "tcp" or "udp". Where nobody listens
// the error is that of a refused connection; an address that swallows packets keeps the
// caller waiting until ctx ends.
func (l *Lab) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: named{network, address}, Err: err}
	}
	peer, err := netip.ParseAddrPort(address)
	if err != nil {
		return fail(err)
	}
	udp := strings.HasPrefix(network, "udp")
	if !udp {
		l.count(peer)
		if err := l.pause(ctx, l.options.Delay); err != nil {
			return fail(err)
		}
	}
	if l.holes[peer.Addr()] {
		if err := l.pause(ctx, -1); err != nil {
			return fail(err)
		}
	}
	service := l.services[peer]
	if udp {
		service = nil
		if answer := l.names[peer]; answer != nil {
			service = answer.Serve
		}
	}
	if service == nil {
		return fail(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	}
	near, far := newConns(l.localAddr(udp), addrOf(udp, peer), l.options.Delay/2, udp)
	if !l.run(far, func() { service(far) }) {
		return fail(net.ErrClosed)
	}
	if udp {
		return packetConn{near}, nil
	}
	return near, nil
}

// pause waits for d, for ever if d is negative; the error is that of ctx, or
// net.ErrClosed when the lab closes meanwhile.
func (l *Lab) pause(ctx context.Context, d time.Duration) error {
	var over <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-over:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	case <-l.closing:
		return net.ErrClosed
	}
}

// run serves something in a goroutine of its own and closes it when that is over, or when
// the lab is. It returns false after Close.
func (l *Lab) run(c io.Closer, serve func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		c.Close()
		return false
	}
	l.open[c] = true
	l.running.Go(func() {
		defer l.forget(c)
		serve()
	})
	return true
}

func (l *Lab) forget(c io.Closer) {
	c.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

// Dialled returns how many TCP connections were made, or tried, to an address, given with
// its port or without.
func (l *Lab) Dialled(addr string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dialled[addr]
}

// Open returns how many connections made by Dial their callers have not closed.
func (l *Lab) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for c := range l.open {
		if far, ok := c.(*conn); ok && !far.hungUp() {
			n++
		}
	}
	return n
}

func (l *Lab) count(peer netip.AddrPort) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dialled[peer.String()]++
	l.dialled[peer.Addr().String()]++
}

// Listen opens the servers on loopback sockets as well. The error names the address that
// could not be had; nothing listens then.
func (l *Lab) Listen() error {
	l.mu.Lock()
	again := l.listening
	l.listening = true
	l.mu.Unlock()
	if again {
		return errors.New("lab: listens already")
	}
	var sockets []io.Closer
	var start []func() bool
	fail := func(err error) error {
		for _, s := range sockets {
			s.Close()
		}
		l.mu.Lock()
		l.listening = false
		l.mu.Unlock()
		return fmt.Errorf("lab: %w; choose other ports, or end what listens there", err)
	}
	for peer, serve := range l.services {
		s, err := net.Listen("tcp", peer.String())
		if err != nil {
			return fail(err)
		}
		sockets = append(sockets, s)
		start = append(start, func() bool { return l.run(s, func() { l.accept(s, peer, serve) }) })
	}
	for addr := range l.holes {
		s, err := openHole(netip.AddrPortFrom(addr, l.options.SMTPPort))
		if err != nil {
			return fail(err)
		}
		sockets = append(sockets, s)
		start = append(start, func() bool { return l.run(s, func() { <-l.closing }) })
	}
	for peer, answer := range l.names {
		s, err := net.ListenPacket("udp", peer.String())
		if err != nil {
			return fail(err)
		}
		sockets = append(sockets, s)
		start = append(start, func() bool { return l.run(s, func() { l.answerPackets(s, answer) }) })
	}
	for _, f := range start {
		if !f() {
			return fail(net.ErrClosed)
		}
	}
	return nil
}

func (l *Lab) accept(s net.Listener, peer netip.AddrPort, serve func(net.Conn)) {
	for {
		c, err := s.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors, or a client that gave up: neither is for ever
			if l.pause(context.Background(), 50*time.Millisecond) != nil {
				return
			}
			continue
		}
		l.count(peer)
		l.run(c, func() { l.behind(c, serve) })
	}
}

// behind serves a connection at the far end of a wire as long as Options.Delay says.
func (l *Lab) behind(c net.Conn, serve func(net.Conn)) {
	if l.options.Delay == 0 {
		serve(c)
		return
	}
	if l.pause(context.Background(), l.options.Delay/2) != nil { // with the greeting's way that is one round trip
		return
	}
	near, far := newConns(c.RemoteAddr(), c.LocalAddr(), l.options.Delay/2, false)
	l.run(struct{ io.Closer }{near}, func() { io.Copy(near, c) })
	l.run(struct{ io.Closer }{far}, func() { serve(far) })
	io.Copy(c, near)
}

func (l *Lab) answerPackets(s net.PacketConn, answer serve.Answerer) {
	serve.Packets(s, func(packet []byte, client net.Addr) []byte {
		if out := answer(packet, true); out != nil {
			l.running.Go(func() {
				if l.pause(context.Background(), l.options.Delay) == nil {
					s.WriteTo(out, client)
				}
			})
		}
		return nil
	})
}

// Close ends every connection and server and returns when the last of them is gone.
func (l *Lab) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.closing)
	}
	for c := range l.open {
		c.Close()
	}
	l.mu.Unlock()
	l.running.Wait()
	return nil
}

func (l *Lab) localAddr(udp bool) net.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastPort = l.lastPort%25000 + 1
	return addrOf(udp, netip.AddrPortFrom(privateAddr, uint16(40000+l.lastPort)))
}

func addrOf(udp bool, a netip.AddrPort) net.Addr {
	if udp {
		return net.UDPAddrFromAddrPort(a)
	}
	return net.TCPAddrFromAddrPort(a)
}

// named is an address as the caller wrote it.
type named struct{ network, address string }

func (n named) Network() string { return n.network }
func (n named) String() string  { return n.address }
