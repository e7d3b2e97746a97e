package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"mxseal/checks/report"
)

// ErrNoPlace says that the time for a connection ran out while it waited for its turn here.
var ErrNoPlace = errors.New("its turn among the connections of this checker did not come in time")

// ErrLost says that a connection was broken off by us: other processes might be at the same address.
var ErrLost = errors.New("this checker broke off: it could not be sure to be alone at the address")

// ErrSpent says that a look, or a check, has made all the connections that it may.
var ErrSpent = errors.New("the connections of this check are used up")

// lacking are the errors of a machine without descriptors, ports, buffers or memory.
var lacking = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE}

// Kind puts a network error into one word for the evidence: forbidden, opted-out, exhausted,
// not-admitted, spent, rate-limited, timeout, refused, reset, unreachable, closed, or failed.
func Kind(err error) report.Kind {
	var forbidden *ForbiddenError
	var optedOut *OptedOutError
	var rate *RateError
	var timeout net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &forbidden):
		return report.KindForbidden
	case errors.As(err, &optedOut):
		return report.KindOptedOut
	case errors.As(err, &rate):
		return report.KindRateLimited
	case errors.Is(err, ErrSpent):
		return report.KindSpent
	case errors.Is(err, ErrNoPlace), errors.Is(err, ErrLost):
		return report.KindNotAdmitted
	case errors.Is(err, syscall.EADDRNOTAVAIL) && overIPv6(err): // a machine without IPv6
		return report.KindUnreachable
	case slices.ContainsFunc(lacking, func(e error) bool { return errors.Is(err, e) }):
		return report.KindExhausted
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &timeout) && timeout.Timeout():
		return report.KindTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return report.KindRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return report.KindReset
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return report.KindUnreachable
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return report.KindClosed
	}
	return report.KindFailed
}

// Say makes a statement of an error: why no packet was sent, or what the network said.
func Say(err error) report.Statement {
	var forbidden *ForbiddenError
	var optedOut *OptedOutError
	var rate *RateError
	switch {
	case errors.As(err, &forbidden):
		return report.Say(report.SaysNotContacted, "address", forbidden.Addr, "network", forbidden.Why)
	case errors.As(err, &optedOut):
		return report.Say(report.SaysOptedOut, "address", optedOut.Addr)
	case errors.As(err, &rate):
		return report.Say(report.SaysLeftAlone, "address", rate.Addr, "until", rate.clock(), "network", rate.network())
	case errors.Is(err, ErrSpent):
		return report.Say(report.SaysSpent)
	case errors.Is(err, ErrNoPlace):
		return report.Say(report.SaysOutOfTurn)
	case errors.Is(err, ErrLost):
		return report.Say(report.SaysTurnLost)
	}
	return report.Say(report.SaysNetworkError, "error", err)
}

// overIPv6 reports whether an error is that of a connection to an IPv6 address. Where a
// machine has no IPv6 at all, Linux finds no address to come from.
func overIPv6(err error) bool {
	var at *net.OpError
	if !errors.As(err, &at) || at.Addr == nil {
		return false
	}
	peer, err := netip.ParseAddrPort(at.Addr.String())
	return err == nil && peer.Addr().Unmap().Is6()
}
