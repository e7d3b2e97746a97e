package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"
)

// What we lack ourselves has a word of its own, and is never that of a silent or closed server.
func TestKind(t *testing.T) {
	dialing := func(peer string, errno syscall.Errno) error {
		a := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(peer))
		return fmt.Errorf("tcp: %w", &net.OpError{Op: "dial", Net: "tcp", Addr: a, Err: os.NewSyscallError("connect", errno)})
	}
	socket := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "udp", Err: os.NewSyscallError("socket", errno)}
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{socket(syscall.EMFILE), "exhausted"},
		{socket(syscall.ENFILE), "exhausted"},
		{socket(syscall.ENOBUFS), "exhausted"},
		{socket(syscall.ENOMEM), "exhausted"},
		{syscall.EADDRNOTAVAIL, "exhausted"},
		{dialing("192.0.2.1:53", syscall.EADDRNOTAVAIL), "exhausted"},
		{dialing("[2001:db8::1]:53", syscall.EADDRNOTAVAIL), "unreachable"},
		{fmt.Errorf("%w: %w", ErrNoPlace, context.DeadlineExceeded), "exhausted"},
		{fmt.Errorf("%w: %w", ErrNoPlace, context.Canceled), "exhausted"},
		{context.DeadlineExceeded, "timeout"},
		{os.ErrDeadlineExceeded, "timeout"},
		{dialing("192.0.2.1:53", syscall.ECONNREFUSED), "refused"},
		{dialing("192.0.2.1:53", syscall.ENETUNREACH), "unreachable"},
		{io.ErrUnexpectedEOF, "closed"},
		{errors.New("anything"), "failed"},
	} {
		if got := Kind(c.err); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

// Whoever waits at a full gate until his time is over has sent nothing.
func TestAFullGateIsOurs(t *testing.T) {
	var p pipe
	d := New(Config{Dial: p.dial, Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, MaxConns: 1})
	server := netip.MustParseAddr("192.0.2.1")
	c, err := d.Authority(t.Context(), "udp", server)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := d.Authority(ctx, "udp", server); Kind(err) != "exhausted" {
		t.Errorf("%v: %q", err, Kind(err))
	}
}
