package real

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mxseal/testdata/space"
)

// machine is a Debian with its own files, processes and name, started from an image that
// machines.sh has made. Packages are installed in it as apt installs them.
type machine struct {
	t    *testing.T
	name string
	init int // process that all others of it end with
}

// booting runs in mounts of its own: an image over this system's files, and nothing of its devices
// and sockets. What is logged goes to a file, since there is no systemd; who asks for it is
// answered by the scripts that Debian still has beside it.
const booting = `set -e
mount -t tmpfs -o mode=755 none "$1"
cd "$1"
mkdir image upper work root
tar -C image --xattrs --xattrs-include='trusted.overlay.*' -xf "$2"
mount -t overlay none -o lowerdir=image:/,upperdir=upper,workdir=work root
cd root
hostname "$3"
mount -t proc none proc
for each in run tmp dev; do mount -t tmpfs -o mode=755 none $each; done
chmod 1777 tmp
mkdir -p run/lock dev/shm usr/local/bin
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty dev/
ln -s /proc/self/fd dev/fd
rm -f etc/resolv.conf etc/hosts
printf 'nameserver %s\n' "$4" >etc/resolv.conf
printf '127.0.0.1 localhost\n%s %s\n' "$5" "$3" >etc/hosts
cat >usr/local/bin/systemctl <<'.'
#!/bin/sh
[ -x /etc/init.d/$2 ] || exec /usr/local/bin/$2.unit $1
[ $1 = restart ] || exec /etc/init.d/$2 $1
/etc/init.d/$2 stop
for try in $(seq 100); do # systemd waits for the end
	ss -ltnH | grep -qE ':(25|53|80) ' || break
	sleep 0.1
done
exec /etc/init.d/$2 start
.
printf '%s\n' '#!/bin/sh' 'grep -a " $2" /var/log/lines || true' >usr/local/bin/journalctl
chmod 755 usr/local/bin/*
rm -f var/log/lines
id someone >/dev/null 2>&1 || chroot . useradd -m -s /bin/sh someone
exec chroot . sh -c 'python3 -c "
import socket
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind(\"/dev/log\")
import os
os.chmod(\"/dev/log\", 0o666)
out = open(\"/var/log/lines\", \"ab\", 0)
while True: out.write(log.recv(65536).rstrip(b\"\\n\\0\") + b\"\\n\")
" & sleep infinity; :'
`

// boot starts a machine in a space: what network it has is the space's. It ends with the test.
func boot(t *testing.T, s *space.Space, image, name, address, resolver string) *machine {
	t.Helper()
	dir, err := os.MkdirTemp(the.Dir, image)
	if err != nil {
		t.Fatal(err)
	}
	tar := filepath.Join(the.Cache, "machines", image+".tar")
	c := exec.Command("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "sh", "-c", booting, "sh", dir, tar, name, resolver, address)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	c.Env = []string{"PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := s.Do(c.Start); err != nil {
		t.Fatal(err)
	}
	the.Keep(c.Process.Pid) // should this process not come to end it
	gone := make(chan error, 1)
	go func() { gone <- c.Wait() }()
	t.Cleanup(func() {
		syscall.Kill(c.Process.Pid, syscall.SIGKILL)
		<-gone
	})
	m := &machine{t: t, name: name}
	for range 1200 {
		select {
		case err := <-gone:
			gone <- err
			t.Fatalf("no machine from %s: %v\n%s", image, err, &out)
		case <-time.After(50 * time.Millisecond):
		}
		child, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", c.Process.Pid))
		if m.init, err = strconv.Atoi(strings.TrimSpace(string(child))); err != nil {
			continue
		}
		if _, err := os.Stat(fmt.Sprintf("/proc/%d/root/var/log/lines", m.init)); err == nil {
			return m
		}
	}
	t.Fatalf("no machine from %s in time\n%s", image, &out)
	return nil
}

// run has a shell of the machine run lines, as root types them.
func (m *machine) run(lines string) (printed string, err error) {
	ctx, stop := context.WithTimeout(m.t.Context(), 3*time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, "nsenter", "--target", strconv.Itoa(m.init), "--mount", "--uts", "--net", "--pid", "--root", "--wd", "bash", "-c", lines)
	c.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "TERM=dumb"}
	out, err := os.CreateTemp(the.Dir, "said") // a pipe would be kept open by the daemons
	if err != nil {
		return "", err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	c.Stdout, c.Stderr = out, out
	err = c.Run()
	said, _ := os.ReadFile(out.Name())
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", lines, errors.Join(err, ctx.Err()), said)
	}
	return string(said), err
}

// must is run where nothing may go wrong.
func (m *machine) must(lines string) string {
	m.t.Helper()
	said, err := m.run(lines)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", m.name, err, m.log())
	}
	return said
}

func (m *machine) log() string {
	said, _ := m.run("tail -n 12 /var/log/lines /var/log/exim4/* /var/log/caddy/* 2>/dev/null")
	return said
}

func (m *machine) path(name string) string {
	return filepath.Join(fmt.Sprintf("/proc/%d/root", m.init), name)
}

func (m *machine) read(name string) string {
	m.t.Helper()
	b, err := os.ReadFile(m.path(name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(b)
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(m.path(name), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// await waits until something is so.
func (m *machine) await(what string, is func() bool) {
	m.t.Helper()
	for range 300 {
		if is() {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	m.t.Errorf("%s: waited for %s in vain\n%s", m.name, what, m.log())
}

// listens waits until a port takes connections.
func listens(t *testing.T, s *space.Space, address string) bool {
	t.Helper()
	for range 300 {
		err := s.Do(func() error {
			c, err := net.DialTimeout("tcp", address, time.Second)
			if err == nil {
				c.Close()
			}
			return err
		})
		if err == nil {
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return false
}
