// Package space gives tests a network of their own: a namespace that ends with the process,
// however that ends. It needs Linux, root and ip(8).
package space

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

// Space is a network namespace without a name: a thread of this process that has left the
// machine's network, and its table of mounts, and never comes back. It ends with the process
// and takes its devices and mounts along.
type Space struct {
	work   chan func()
	thread int
}

// New makes a space in which nothing but loopback is up.
func New() (*Space, error) {
	s := &Space{work: make(chan func())}
	begun := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this function
		err := syscall.Unshare(syscall.CLONE_NEWNET | syscall.CLONE_NEWNS)
		if err == nil { // what is mounted here is not to be seen outside
			err = syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
		}
		s.thread = syscall.Gettid()
		begun <- err
		if err != nil {
			return
		}
		for f := range s.work {
			f()
		}
	}()
	if err := <-begun; err != nil {
		return nil, fmt.Errorf("namespaces: %w (run it as root)", err)
	}
	return s, s.IP("link", "set", "lo", "up")
}

// Do runs f inside. Sockets that f makes and processes that it starts belong there.
func (s *Space) Do(f func() error) error {
	done := make(chan error, 1)
	s.work <- func() { done <- f() }
	return <-done
}

// IP runs ip(8) inside.
func (s *Space) IP(args ...string) error {
	return s.Do(func() error {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
		}
		return nil
	})
}

// Cable joins two spaces: a device in each, by name, that are the two ends.
func (s *Space) Cable(name string, other *Space, end string) error {
	there := fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), other.thread)
	return s.IP("link", "add", name, "type", "veth", "peer", "name", end, "netns", there)
}

// Bind puts a file or folder in the place of another, inside.
func (s *Space) Bind(from, at string) error {
	return s.Do(func() error {
		if err := syscall.Mount(from, at, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("%s in the place of %s: %w", from, at, err)
		}
		return nil
	})
}

// Set writes a variable of the kernel's network inside.
func (s *Space) Set(name, value string) error {
	return s.Do(func() error {
		return os.WriteFile("/proc/sys/net/"+name, []byte(value), 0)
	})
}

// Output runs a program inside and returns what it printed. A failure to start is an error,
// an exit code is none.
func (s *Space) Output(ctx context.Context, name string, args ...string) ([]byte, error) {
	var out strings.Builder
	c := exec.CommandContext(ctx, name, args...)
	c.Env = []string{"PATH=/usr/bin:/bin", "HOME=/nonexistent"}
	c.Stdout, c.Stderr = &out, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.Do(c.Start); err != nil {
		return nil, err
	}
	err := c.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		err = nil
	}
	return []byte(out.String()), errors.Join(err, ctx.Err())
}

// TUN makes a network device inside whose cable ends in the file.
func (s *Space) TUN(name string) (f *os.File, err error) {
	err = s.Do(func() error {
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
		s.Set("ipv6/conf/"+name+"/disable_ipv6", "1"),
		s.IP("link", "set", name, "up", "mtu", "1500", "txqueuelen", "10000"))
}
