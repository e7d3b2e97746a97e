// Package real tests the program against the daemons that people run: Postfix, Exim and
// OpenSMTPD behind zones signed by ldns, served by NSD and resolved by Unbound.
package real

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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"
)

//go:embed etc
var configurations embed.FS

// Ports of the world; none is the standard one, so that whatever else the machine runs is
// not in the way and the program's port flags are in use.
const (
	dnsPort   = 5300
	smtpPort  = 2525
	httpsPort = 8443
)

// servers have an address each, in this order from 127.25.n.1 on. Nothing listens at silent.
var (
	servers = slices.Concat([]string{"nsd", "unbound", "nginx"}, postfix, []string{"exim", "opensmtpd", "silent"})
	postfix = []string{"default", "hardened", "encrypt", "cleartext", "tls10", "old", "postscreen", "ccert", "ccert12"}
)

// world is everything that runs. Its fields are what the templates of etc/ refer to.
type world struct {
	Cache            string            // where install.sh has unpacked the daemons
	Libraries        string            // LD_LIBRARY_PATH of what is unpacked
	Dir              string            // everything of this run
	IP               map[string]string // by server
	Zones            []zone
	DNS, SMTP, HTTPS int

	lock   net.Listener // holds the block of addresses
	keeper *exec.Cmd
	groups io.WriteCloser // tells the keeper of daemons
}

// keeper is a shell script that reads the process groups of the daemons, one a line. When
// its input ends, because this process closed it or was killed, it ends them all, with a
// signal that cannot be caught after three seconds, and removes the folder of the run.
const keeper = `
while read -r group; do groups="$groups -$group"; done
[ -z "$groups" ] || kill -s TERM -- $groups 2>/dev/null
for try in $(seq 30); do
	alive=
	for group in $groups; do kill -s 0 -- $group && alive=yes; done
	[ -n "$alive" ] || break
	sleep 0.1
done 2>/dev/null
[ -z "$alive" ] || kill -s KILL -- $groups 2>/dev/null
rm -rf "$1"
`

// newWorld builds the program, starts all daemons and waits until each accepts connections. The error says what
// is missing or did not start; close is due in either case.
func newWorld() (*world, error) {
	w := &world{
		Cache: cmp.Or(os.Getenv("MXSEAL_REAL_CACHE"), "/var/cache/mxseal-real"),
		IP:    make(map[string]string),
		DNS:   dnsPort, SMTP: smtpPort, HTTPS: httpsPort,
	}
	for _, step := range []func() error{
		w.findDaemons, w.makeFolders, w.build, w.startKeeper, w.claimAddresses,
		w.mintCertificates, w.writePolicies, w.signZones, w.configure, w.startAll,
	} {
		if err := step(); err != nil {
			return w, err
		}
	}
	return w, nil
}

// findDaemons looks for what install.sh leaves behind when all is there.
func (w *world) findDaemons() error {
	if _, err := os.Stat(w.Cache + "/stamp"); err != nil {
		return fmt.Errorf("%w: run testdata/real/install.sh as root first", err)
	}
	libraries, err := filepath.Glob(w.Cache + "/usr/lib/*-linux-gnu")
	w.Libraries = strings.Join(append(libraries, w.Cache+"/usr/lib/postfix"), ":")
	return err
}

// makeFolders makes the folder of this run, with what the daemons expect to find in it.
func (w *world) makeFolders() (err error) {
	if w.Dir, err = os.MkdirTemp("", "mxseal-real-"); err != nil {
		return err
	}
	if err := os.Chmod(w.Dir, 0o755); err != nil {
		return err
	}
	// Postfix wants its queue there, whatever little of it is used.
	for _, dir := range []string{"etc", "certs", "zones", "policies", "postfix/queue/pid", "postfix/queue/private", "postfix/queue/public", "postfix/data", "exim"} {
		if err := os.MkdirAll(filepath.Join(w.Dir, dir), 0o755); err != nil {
			return err
		}
	}
	return errors.Join(
		w.give("postfix/data", "postfix"), w.give("postfix/queue/private", "postfix"), w.give("postfix/queue/public", "postfix"),
		w.give("exim", "Debian-exim"))
}

func (w *world) startKeeper() (err error) {
	w.keeper = exec.Command("sh", "-c", keeper, "keeper", w.Dir)
	w.keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt from the terminal is not for it
	w.keeper.Stderr = os.Stderr
	if w.groups, err = w.keeper.StdinPipe(); err != nil {
		return err
	}
	return w.keeper.Start()
}

// give makes a file of the run the property of a user that install.sh made.
func (w *world) give(path, name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return os.Chown(filepath.Join(w.Dir, path), uid, gid)
}

// claimAddresses takes the first block 127.25.n.0/24 in which all is free, so that neither
// another run nor the remains of one that was killed can be mistaken for this world.
func (w *world) claimAddresses() error {
	for n := range 256 {
		lock, err := net.Listen("tcp4", fmt.Sprintf("127.25.%d.254:%d", n, smtpPort))
		if err != nil {
			continue
		}
		if w.free(n) {
			w.lock = lock
			for i, server := range servers {
				w.IP[server] = fmt.Sprintf("127.25.%d.%d", n, i+1)
			}
			return nil
		}
		lock.Close()
	}
	return fmt.Errorf("no block of 127.25.0.0/16 has ports %d, %d and %d free", dnsPort, smtpPort, httpsPort)
}

// free reports whether nothing listens on a port of ours in block n.
func (w *world) free(n int) bool {
	for i := range servers {
		for _, port := range []int{dnsPort, smtpPort, httpsPort} {
			l, err := net.Listen("tcp4", fmt.Sprintf("127.25.%d.%d:%d", n, i+1, port))
			if err != nil {
				return false
			}
			l.Close()
		}
	}
	return true
}

// configure fills the templates of etc/.
func (w *world) configure() error {
	all, err := template.ParseFS(configurations, "etc/*")
	if err != nil {
		return err
	}
	for _, t := range all.Templates() {
		f, err := os.OpenFile(filepath.Join(w.Dir, "etc", t.Name()), os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		if err := errors.Join(t.Execute(f, w), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// startAll starts every daemon in the foreground.
func (w *world) startAll() error {
	etc := filepath.Join(w.Dir, "etc")
	for _, d := range []struct {
		server  string // the address that answers once the daemon is up
		port    int
		command []string
	}{
		{"nsd", dnsPort, []string{"usr/sbin/nsd", "-d", "-c", etc + "/nsd.conf"}},
		{"unbound", dnsPort, []string{"usr/sbin/unbound", "-d", "-c", etc + "/unbound.conf"}},
		{"nginx", httpsPort, []string{"usr/sbin/nginx", "-c", etc + "/nginx.conf", "-e", w.Dir + "/nginx.log"}},
		{"default", smtpPort, []string{"usr/lib/postfix/sbin/master", "-s", "-c", etc}},
		{"exim", smtpPort, []string{"usr/sbin/exim4", "-bdf", "-C", etc + "/exim.conf"}},
		{"opensmtpd", smtpPort, []string{"usr/sbin/smtpd", "-d", "-f", etc + "/smtpd.conf"}},
	} {
		if err := w.start(net.JoinHostPort(w.IP[d.server], strconv.Itoa(d.port)), d.command); err != nil {
			return err
		}
	}
	return nil
}

// start runs one daemon in a session of its own, whose output goes to a file beside its
// configuration, and waits until it accepts a connection at address. A relative path is one of what
// install.sh has unpacked.
func (w *world) start(address string, command []string, environment ...string) error {
	name := filepath.Base(command[0])
	out, err := os.Create(filepath.Join(w.Dir, name+".out"))
	if err != nil {
		return err
	}
	defer out.Close()
	program := command[0]
	if !filepath.IsAbs(program) {
		program = filepath.Join(w.Cache, program)
	}
	c := exec.Command(program, command[1:]...)
	c.Dir, c.Stdout, c.Stderr = w.Dir, out, out
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH=" + w.Libraries, "MAIL_CONFIG=" + w.Dir + "/etc"}
	c.Env = append(c.Env, environment...)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return err
	}
	fmt.Fprintln(w.groups, c.Process.Pid)

	gone := make(chan error, 1)
	go func() { gone <- c.Wait() }()
	for range 100 {
		select {
		case err := <-gone:
			return fmt.Errorf("%s ended at once (%v):\n%s", name, err, w.read(name+".out"))
		case <-time.After(100 * time.Millisecond):
		}
		if conn, err := net.DialTimeout("tcp4", address, time.Second); err == nil {
			return conn.Close()
		}
	}
	return fmt.Errorf("%s does not accept connections at %s:\n%s", name, address, w.read(name+".out"))
}

// read returns the text of a file of this run, or why it cannot be read.
func (w *world) read(name string) string {
	b, err := os.ReadFile(filepath.Join(w.Dir, name))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// log returns what Postfix has logged since it was ready: its first connection was ours.
func (w *world) log() string {
	_, after, _ := strings.Cut(w.read("postfix.log"), "disconnect from unknown[127.0.0.1] commands=0/0\n")
	return after
}

// close ends every daemon with all its children and removes the folder.
func (w *world) close() error {
	if w.lock != nil {
		w.lock.Close()
	}
	if w.keeper == nil || w.keeper.Process == nil {
		return os.RemoveAll(w.Dir) // nothing was started
	}
	w.groups.Close()
	return w.keeper.Wait()
}
