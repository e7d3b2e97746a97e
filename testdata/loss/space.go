package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// space is a network namespace without a name: a thread of this process that has left the
// machine's network and never comes back. It ends with the process, however that ends, and
// takes its devices along.
type space struct{ work chan func() }

func newSpace() (*space, error) {
	s := &space{work: make(chan func())}
	begun := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this function
		err := syscall.Unshare(syscall.CLONE_NEWNET)
		begun <- err
		if err != nil {
			return
		}
		for f := range s.work {
			f()
		}
	}()
	if err := <-begun; err != nil {
		return nil, fmt.Errorf("a network namespace: %w (run it as root)", err)
	}
	return s, s.ip("link", "set", "lo", "up")
}

// do runs f inside. Sockets that f makes and processes that it starts belong there.
func (s *space) do(f func() error) error {
	done := make(chan error, 1)
	s.work <- func() { done <- f() }
	return <-done
}

// ip runs ip(8) inside.
func (s *space) ip(args ...string) error {
	return s.do(func() error {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
		}
		return nil
	})
}

// set writes a variable of the kernel's network inside.
func (s *space) set(name, value string) error {
	return s.do(func() error {
		return os.WriteFile("/proc/sys/net/"+name, []byte(value), 0)
	})
}

// output runs a program inside and returns what it printed. A failure to start is an error,
// an exit code is none.
func (s *space) output(ctx context.Context, name string, args ...string) ([]byte, error) {
	var out strings.Builder
	c := exec.CommandContext(ctx, name, args...)
	c.Env = []string{"PATH=/usr/bin:/bin", "HOME=/nonexistent"}
	c.Stdout, c.Stderr = &out, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.do(c.Start); err != nil {
		return nil, err
	}
	err := c.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		err = nil
	}
	return []byte(out.String()), errors.Join(err, ctx.Err())
}

// tun makes a network device inside whose cable ends in the file.
func (s *space) tun(name string) (f *os.File, err error) {
	err = s.do(func() error {
		fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("/dev/net/tun: %w", err)
		}
		request := struct { // ifreq of netdevice(7)
			name  [syscall.IFNAMSIZ]byte
			flags uint16
			_     [22]byte
		}{flags: syscall.IFF_TUN | syscall.IFF_NO_PI}
		copy(request.name[:], name)
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TUNSETIFF, uintptr(unsafe.Pointer(&request))); errno != 0 {
			syscall.Close(fd)
			return fmt.Errorf("TUNSETIFF: %w", errno)
		}
		if err := syscall.SetNonblock(fd, true); err != nil {
			return err
		}
		f = os.NewFile(uintptr(fd), name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, errors.Join(
		s.set("ipv6/conf/"+name+"/disable_ipv6", "1"),
		s.ip("link", "set", name, "up", "mtu", "1500", "txqueuelen", "10000"))
}
