package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// The two ends of the wire: RFC 2544 keeps these addresses for benchmarks.
const (
	clientIP  = "198.18.0.1"
	defaultIP = "198.18.1.1"
	hardIP    = "198.18.1.2"
)

// link is a wire between two network namespaces, each of which sees a TUN device. It holds
// every packet for half the added round trip, SYNs included, and counts the SYNs.
type link struct {
	roundTrip atomic.Int64 // added, nanoseconds
	syns      atomic.Int64 // from the client, without those sent again
	client    string       // network namespaces
	server    string
	ends      []*os.File
}

// newLink makes namespaces and wire; remove is told of each namespace that is to be removed.
func newLink(remove func(netns string) error) (*link, error) {
	l := &link{client: fmt.Sprintf("mxseal-c%d", os.Getpid()), server: fmt.Sprintf("mxseal-s%d", os.Getpid())}
	for _, end := range []struct {
		netns, device, peers string
		addresses            []string
	}{
		{l.client, "mxc", "198.18.1.0/24", []string{clientIP}},
		{l.server, "mxs", "198.18.0.0/24", []string{defaultIP, hardIP}},
	} {
		if err := ip("netns", "add", end.netns); err != nil {
			return l, err
		}
		if err := remove(end.netns); err != nil {
			return l, err
		}
		// The device stays ours through its descriptor wherever it is moved.
		device := fmt.Sprintf("%s%d", end.device, os.Getpid())
		f, err := tun(device)
		if err != nil {
			return l, err
		}
		l.ends = append(l.ends, f)
		steps := [][]string{{"link", "set", device, "netns", end.netns}, {"-n", end.netns, "link", "set", "lo", "up"}}
		for _, a := range end.addresses {
			steps = append(steps, []string{"-n", end.netns, "addr", "add", a + "/32", "dev", device})
		}
		steps = append(steps, []string{"-n", end.netns, "link", "set", device, "up"},
			[]string{"-n", end.netns, "route", "add", end.peers, "dev", device})
		for _, step := range steps {
			if err := ip(step...); err != nil {
				return l, err
			}
		}
	}
	go l.carry(l.ends[0], l.ends[1], true)
	go l.carry(l.ends[1], l.ends[0], false)
	return l, nil
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// tun makes a TUN device without packet information.
func tun(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("TUNSETIFF: %w", err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "/dev/net/tun"), nil
}

type packet struct {
	due  time.Time
	data []byte
}

// carry moves packets one way, in order, until the device is closed.
func (l *link) carry(from, to *os.File, count bool) {
	held := make(chan packet, 4096)
	go func() {
		for p := range held {
			if wait := time.Until(p.due); wait > 0 {
				time.Sleep(wait)
			}
			to.Write(p.data) // a packet that is lost is sent again
		}
	}()
	defer close(held)
	seen := make(map[[8]byte]bool)
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if count {
			if id, syn := opening(buffer[:n]); syn && !seen[id] {
				seen[id] = true
				l.syns.Add(1)
			}
		}
		held <- packet{time.Now().Add(time.Duration(l.roundTrip.Load()) / 2), append([]byte(nil), buffer[:n]...)}
	}
}

// opening reports whether an IPv4 packet opens a TCP connection, and names it by its ports
// and sequence number, so that a SYN sent again is not taken for another one.
func opening(p []byte) (id [8]byte, syn bool) {
	if len(p) < 40 || p[0]>>4 != 4 || p[9] != 6 {
		return id, false
	}
	tcp := p[4*int(p[0]&15):]
	if len(tcp) < 20 || tcp[13]&0x12 != 0x02 {
		return id, false
	}
	copy(id[:], tcp[:8])
	return id, true
}

// close takes the wire down.
func (l *link) close() {
	for _, f := range l.ends {
		f.Close()
	}
}
