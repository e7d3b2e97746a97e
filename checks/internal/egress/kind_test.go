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

	"mxseal/checks/report"
)

// What this machine has run out of is never a word about the peer.
func TestKind(t *testing.T) {
	over := func(peer string, err error) error {
		at, bad := net.ResolveTCPAddr("tcp", peer)
		if bad != nil {
			t.Fatal(bad)
		}
		return fmt.Errorf("tcp: %w", &net.OpError{Op: "dial", Net: "tcp", Addr: at, Err: os.NewSyscallError("connect", err)})
	}
	v4, v6 := "192.0.2.1:25", "[2001:db8::1]:25"
	for _, c := range []struct {
		err  error
		want report.Kind
	}{
		{nil, ""},
		{over(v4, syscall.EMFILE), report.KindExhausted},
		{over(v6, syscall.EMFILE), report.KindExhausted},
		{over(v4, syscall.ENFILE), report.KindExhausted},
		{over(v4, syscall.ENOBUFS), report.KindExhausted},
		{over(v4, syscall.ENOMEM), report.KindExhausted},
		{over(v4, syscall.EADDRNOTAVAIL), report.KindExhausted}, // no port is left
		{over(v4, syscall.EADDRINUSE), report.KindExhausted},    // nor here
		{over(v6, syscall.EADDRNOTAVAIL), "unreachable"},        // a machine without IPv6
		{syscall.EADDRNOTAVAIL, report.KindExhausted},
		{over(v6, syscall.ENETUNREACH), "unreachable"},
		{over(v4, syscall.EHOSTUNREACH), "unreachable"},
		{over(v4, syscall.ECONNREFUSED), "refused"},
		{over(v4, syscall.ECONNRESET), "reset"},
		{over(v4, syscall.ETIMEDOUT), "timeout"},
		{context.DeadlineExceeded, "timeout"},
		{io.ErrUnexpectedEOF, "closed"},
		{errors.New("something else"), "failed"},
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
	if _, err := d.Authority(ctx, "udp", server); Kind(err) != "not-admitted" {
		t.Errorf("%v: %q", err, Kind(err))
	}
}
