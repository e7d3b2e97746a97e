// Package differential holds the validator against Unbound: zones good and broken in the
// ways of the trade, signed by BIND's and ldns's tools, served by NSD.
package differential

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"
	"time"
)

//go:embed etc
var configurations embed.FS

const (
	port  = 5300        // of every name server here
	seeds = 5           // of the damage
	liars = 2*seeds + 1 // each with an oracle of its own: two a seed, the last for the attacks
)

// The last octets of the addresses, 127.26.n.x.
const (
	nsdAt      = 1
	equalAt    = 2 // Unbound at our policy
	defaultAt  = 3 // Unbound at its own
	strictAt   = 4 // Unbound at our policy, and strict about digests as we are
	upstreamAt = 5 // Unbound as the resolver that is asked with CD
	liarAt     = 10
	victimAt   = 30 // Unbound behind a liar
	lastAt     = victimAt + liars
)

// iterations makes Unbound's limit of NSEC3 iterations ours, for every size of key.
const iterations = "1024 50 2048 50 4096 50"

// world is everything that runs. Its fields are what the templates of etc/ refer to.
type world struct {
	Cache     string // where install.sh has unpacked the daemons
	libraries string // LD_LIBRARY_PATH of what is unpacked
	Dir       string // everything of this run
	Port      int
	Zones     []*zone

	block  int          // n of 127.26.n.0/24
	lock   net.Listener // holds the block of addresses
	keeper *exec.Cmd
	groups io.WriteCloser // tells the keeper of daemons
}

// unbound is one instance of it.
type unbound struct {
	Name, Dir        string
	Address, Forward string
	Port             int
	Iterations       string
	Strict           bool // RFC 4509 §3; then every algorithm of a DS has to sign, too
	Forgetful        bool // keeps no answers
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

// newWorld signs all zones and starts all daemons. The error says what is missing or did
// not start; close is due in either case.
func newWorld() (*world, error) {
	w := &world{Cache: cmp.Or(os.Getenv("MXSEAL_REAL_CACHE"), "/var/cache/mxseal-real"), Port: port}
	for _, step := range []func() error{w.findTools, w.makeFolders, w.startKeeper, w.claimAddresses, w.sign, w.startAll} {
		if err := step(); err != nil {
			return w, err
		}
	}
	return w, nil
}

// findTools looks for what install.sh leaves behind when all is there.
func (w *world) findTools() error {
	for _, f := range []string{"stamp", "usr/sbin/nsd", "usr/sbin/unbound", "usr/bin/dnssec-signzone", "usr/bin/ldns-signzone"} {
		if _, err := os.Stat(filepath.Join(w.Cache, f)); err != nil {
			return fmt.Errorf("%w: run testdata/real/install.sh as root first", err)
		}
	}
	libraries, err := filepath.Glob(w.Cache + "/usr/lib/*-linux-gnu")
	w.libraries = strings.Join(libraries, ":")
	return err
}

func (w *world) makeFolders() (err error) {
	if w.Dir, err = os.MkdirTemp("", "mxseal-differential-"); err != nil {
		return err
	}
	return os.Mkdir(filepath.Join(w.Dir, "zones"), 0o755)
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

// at returns the address that ends in an octet.
func (w *world) at(last int) string { return fmt.Sprintf("127.26.%d.%d", w.block, last) }

// NSD is its address, for the template.
func (w *world) NSD() string { return w.at(nsdAt) }

// claimAddresses takes the first block 127.26.n.0/24 in which all is free, so that neither
// another run nor the remains of one that was killed can be mistaken for this world.
func (w *world) claimAddresses() error {
	for w.block = range 256 {
		lock, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", w.at(254), port))
		if err != nil {
			continue
		}
		if w.free() {
			w.lock = lock
			return nil
		}
		lock.Close()
	}
	return fmt.Errorf("no block of 127.26.0.0/16 has port %d free", port)
}

func (w *world) free() bool {
	for last := range lastAt {
		l, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", w.at(last), port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

// startAll starts NSD and every Unbound.
func (w *world) startAll() error {
	if err := w.configure("nsd.conf", "nsd.conf", w); err != nil {
		return err
	}
	if err := w.start("nsd", w.at(nsdAt), "usr/sbin/nsd", "-d", "-c", w.Dir+"/nsd.conf"); err != nil {
		return err
	}
	for line := range strings.Lines(w.read("nsd.log")) {
		if strings.Contains(line, "error: ") && !strings.Contains(line, "servfail.test") {
			return fmt.Errorf("a zone is not what it should be: %s", line)
		}
	}
	all := []*unbound{
		{Name: "equal", Address: w.at(equalAt), Forward: w.at(nsdAt), Iterations: iterations},
		{Name: "strict", Address: w.at(strictAt), Forward: w.at(nsdAt), Iterations: iterations, Strict: true},
		{Name: "default", Address: w.at(defaultAt), Forward: w.at(nsdAt)},
		{Name: "upstream", Address: w.at(upstreamAt), Forward: w.at(nsdAt)},
	}
	for i := range liars {
		all = append(all, &unbound{Name: fmt.Sprintf("victim%d", i), Address: w.at(victimAt + i), Forward: w.at(liarAt + i),
			Iterations: iterations, Forgetful: true})
	}
	for _, u := range all {
		u.Dir, u.Port = w.Dir, port
		if err := w.configure("unbound.conf", u.Name+".conf", u); err != nil {
			return err
		}
		if err := w.start(u.Name, u.Address, "usr/sbin/unbound", "-d", "-c", filepath.Join(w.Dir, u.Name+".conf")); err != nil {
			return err
		}
	}
	return nil
}

// configure fills a template of etc/.
func (w *world) configure(name, file string, data any) error {
	t, err := template.ParseFS(configurations, "etc/"+name)
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(w.Dir, file))
	if err != nil {
		return err
	}
	return errors.Join(t.Execute(f, data), f.Close())
}

// start runs one daemon in a session of its own and waits until it accepts a connection.
func (w *world) start(name, address, program string, args ...string) error {
	out, err := os.Create(filepath.Join(w.Dir, name+".out"))
	if err != nil {
		return err
	}
	defer out.Close()
	c := exec.Command(filepath.Join(w.Cache, program), args...)
	c.Dir, c.Stdout, c.Stderr = w.Dir, out, out
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH=" + w.libraries}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return err
	}
	fmt.Fprintln(w.groups, c.Process.Pid)
	gone := make(chan error, 1)
	go func() { gone <- c.Wait() }()
	for range 500 {
		select {
		case err := <-gone:
			return fmt.Errorf("%s ended at once (%v):\n%s", name, err, w.read(name+".out"))
		case <-time.After(20 * time.Millisecond):
		}
		if conn, err := net.DialTimeout("tcp4", fmt.Sprintf("%s:%d", address, port), time.Second); err == nil {
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

// close ends every daemon and removes the folder.
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
