// Package stack runs the TLS stacks that mail servers are built on, each on an address of
// its own: Postfix, Exim and OpenSMTPD as they are, and OpenSSL of three ages behind a
// relay that speaks STARTTLS. Everything ends with the World, also when the process is
// killed.
package stack

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"
)

//go:embed etc
var configurations embed.FS

// World is what runs. Its fields are what the templates of etc/ refer to.
type World struct {
	Cache     string            // where install.sh has unpacked the daemons
	Libraries string            // LD_LIBRARY_PATH of what is unpacked
	Dir       string            // everything of this run
	IP        map[string]string // by server
	Port      int               // of SMTP
	Netns     string            // network namespace of the daemons; empty for that of this process

	lock   net.Listener // holds the block of addresses
	relays map[string]*relay
	keeper *exec.Cmd
	tell   io.WriteCloser
}

// keeper is a shell script that reads what is to be removed, one a line: “group” and the
// process group of a daemon, or “netns” and the name of a network namespace. When its input
// ends, because this process closed it or was killed, it ends them all, with a signal that
// cannot be caught after two seconds, and removes the folder of the run.
const keeper = `
while read -r kind name; do case $kind in
group) groups="$groups -$name" ;;
netns) spaces="$spaces $name" ;;
esac; done
[ -z "$groups" ] || {
	kill -s TERM -- $groups 2>/dev/null
	for i in 1 2 3 4 5 6 7 8 9 10; do kill -s 0 -- $groups 2>/dev/null || break; sleep 0.2; done
	kill -s KILL -- $groups 2>/dev/null
}
for space in $spaces; do ip netns del "$space"; done
rm -rf "$1"
`

// Open makes the folder of the run, its certificates and the program under test. The error
// says what is missing; Close is due in either case.
func Open() (*World, error) {
	w := &World{
		Cache: cmp.Or(os.Getenv("MXSEAL_REAL_CACHE"), "/var/cache/mxseal-real"),
		IP:    make(map[string]string), Port: 2525,
		relays: make(map[string]*relay),
	}
	for _, step := range []func() error{w.find, w.makeFolders, w.startKeeper, w.mint, w.build} {
		if err := step(); err != nil {
			return w, err
		}
	}
	return w, nil
}

// find looks for what install.sh leaves behind when all is there.
func (w *World) find() error {
	for _, stamp := range []string{w.Cache + "/stamp", w.Cache + "/tls/stamp"} {
		if _, err := os.Stat(stamp); err != nil {
			return fmt.Errorf("%w: run testdata/real/tls/install.sh as root first", err)
		}
	}
	libraries, err := filepath.Glob(w.Cache + "/usr/lib/*-linux-gnu")
	w.Libraries = strings.Join(append(libraries, w.Cache+"/usr/lib/postfix"), ":")
	return err
}

func (w *World) makeFolders() (err error) {
	if w.Dir, err = os.MkdirTemp("", "mxseal-tls-"); err != nil {
		return err
	}
	if err := os.Chmod(w.Dir, 0o755); err != nil {
		return err
	}
	// Postfix wants its queue there, whatever little of it is used.
	for dir, owner := range map[string]string{
		"etc": "", "postfix/queue/pid": "", "postfix/data": "postfix",
		"postfix/queue/private": "postfix", "postfix/queue/public": "postfix",
		"exim": "Debian-exim", "exim-open": "Debian-exim",
	} {
		if err := os.MkdirAll(filepath.Join(w.Dir, dir), 0o755); err != nil {
			return err
		}
		if owner == "" {
			continue
		}
		if err := w.give(dir, owner); err != nil {
			return err
		}
	}
	return nil
}

// give makes a file of the run the property of a user that install.sh made.
func (w *World) give(path, name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return os.Chown(filepath.Join(w.Dir, path), uid, gid)
}

func (w *World) startKeeper() (err error) {
	w.keeper = exec.Command("sh", "-c", keeper, "keeper", w.Dir)
	w.keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt from the terminal is not for it
	w.keeper.Stderr = os.Stderr
	if w.tell, err = w.keeper.StdinPipe(); err != nil {
		return err
	}
	return w.keeper.Start()
}

// Program is the path of the program under test: built from this tree, unless
// MXSEAL_REAL_PROGRAM names another.
func (w *World) Program() string {
	return cmp.Or(os.Getenv("MXSEAL_REAL_PROGRAM"), filepath.Join(w.Dir, "mxseal"))
}

func (w *World) build() error {
	if os.Getenv("MXSEAL_REAL_PROGRAM") != "" {
		return nil
	}
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", w.Program(), "mxseal/cmd/mxseal").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// mint makes the certificates: RSA and ECDSA as everybody has them, and an RSA key of 512
// bits with a prime of the same size, which go with export suites.
func (w *World) mint() error {
	for name, key := range map[string][]string{
		"rsa":    {"-newkey", "rsa:2048"},
		"ecdsa":  {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"},
		"rsa512": {"-newkey", "rsa:512"},
	} {
		file := filepath.Join(w.Dir, name+".pem") // key and certificate, one behind the other
		request := append([]string{"req", "-x509", "-nodes", "-days", "90", "-subj", "/CN=mx.tls.test",
			"-addext", "subjectAltName=DNS:mx.tls.test", "-keyout", file, "-out", file + ".crt"}, key...)
		if out, err := exec.Command("openssl", request...).CombinedOutput(); err != nil {
			return fmt.Errorf("openssl req: %w\n%s", err, out)
		}
		certificate, err := os.ReadFile(file + ".crt")
		if err != nil {
			return err
		}
		if err := appendTo(file, certificate); err != nil {
			return err
		}
	}
	// A safe prime of 512 bits takes a second.
	if out, err := exec.Command("openssl", "dhparam", "-out", filepath.Join(w.Dir, "dh512.pem"), "512").CombinedOutput(); err != nil {
		return fmt.Errorf("openssl dhparam: %w\n%s", err, out)
	}
	// Exim reads its keys after it has given up being root; OpenSMTPD wants root's own.
	for _, name := range []string{"rsa", "ecdsa"} {
		identity, err := os.ReadFile(filepath.Join(w.Dir, name+".pem"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(w.Dir, "exim", name+".pem"), identity, 0o600); err != nil {
			return err
		}
		if err := w.give("exim/"+name+".pem", "Debian-exim"); err != nil {
			return err
		}
	}
	return nil
}

func appendTo(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// configure fills a template of etc/ and returns the path of the file it became.
func (w *World) configure(name, as string, data any) (string, error) {
	t, err := template.ParseFS(configurations, "etc/"+name)
	if err != nil {
		return "", err
	}
	path := filepath.Join(w.Dir, "etc", as)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	return path, errors.Join(t.Execute(f, data), f.Close())
}

// start runs one daemon in a session of its own, whose output goes to a file, and waits
// until it accepts a connection at address.
func (w *World) start(name, address string, command ...string) error {
	out, err := os.Create(filepath.Join(w.Dir, name+".out"))
	if err != nil {
		return err
	}
	defer out.Close()
	probe := func() error {
		c, err := net.DialTimeout("tcp4", address, time.Second)
		if err != nil {
			return err
		}
		return c.Close()
	}
	if w.Netns != "" {
		command = append([]string{"ip", "netns", "exec", w.Netns}, command...)
		probe = func() error {
			host, port, _ := net.SplitHostPort(address)
			return exec.Command("ip", "netns", "exec", w.Netns, "bash", "-c", "exec 3<>/dev/tcp/"+host+"/"+port).Run()
		}
	}
	c := exec.Command(command[0], command[1:]...)
	c.Dir, c.Stdout, c.Stderr = w.Dir, out, out
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH=" + w.Libraries, "MAIL_CONFIG=" + w.Dir + "/etc", "OPENSSL_CONF=/dev/null"}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return err
	}
	fmt.Fprintln(w.tell, "group", c.Process.Pid)

	gone := make(chan error, 1)
	go func() { gone <- c.Wait() }()
	for range 100 {
		select {
		case err := <-gone:
			return fmt.Errorf("%s ended at once (%v):\n%s", name, err, w.read(name+".out"))
		case <-time.After(100 * time.Millisecond):
		}
		if probe() == nil {
			return nil
		}
	}
	return fmt.Errorf("%s does not accept connections at %s:\n%s", name, address, w.read(name+".out"))
}

// read returns the text of a file of this run, or why it cannot be read.
func (w *World) read(name string) string {
	b, err := os.ReadFile(filepath.Join(w.Dir, name))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Close ends every daemon with all its children and removes the folder.
func (w *World) Close() error {
	for _, r := range w.relays {
		r.listener.Close()
	}
	if w.lock != nil {
		w.lock.Close()
	}
	if w.keeper == nil || w.keeper.Process == nil {
		return os.RemoveAll(w.Dir) // nothing was started
	}
	w.tell.Close()
	return w.keeper.Wait()
}

// Remove tells the keeper of a network namespace that is to go with the World.
func (w *World) Remove(netns string) error {
	_, err := fmt.Fprintln(w.tell, "netns", netns)
	return err
}
