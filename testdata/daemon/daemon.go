// Package daemon runs real daemons for the suites that need them: it finds the programs that
// testdata/real/install.sh unpacks, fills in their configurations, starts each in the foreground, waits
// until it answers, shows what it said when it does not, and ends it.
//
// Whatever was started ends with its Run, also when this process is killed.
package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// Run is one run of a suite. Templates of configurations may refer to its fields.
type Run struct {
	Cache     string   // where install.sh has unpacked the daemons
	Libraries string   // LD_LIBRARY_PATH of what is unpacked; empty for programs of this machine
	Dir       string   // everything of this run
	Env       []string // of the daemons, beside PATH and LD_LIBRARY_PATH
	Netns     string   // network namespace of the daemons; empty for that of this process

	keeper *keeper      // nil: daemons end with this process, and their folder stays
	lock   net.Listener // holds the block of addresses
}

// Open makes the folder of a run, of that name with something behind it. needs are files below the
// cache without which there is nothing to run; the error names the script that fetches them. Close is
// due in either case.
func Open(name, script string, needs ...string) (*Run, error) {
	r := &Run{Cache: cmp.Or(os.Getenv("MXSEAL_REAL_CACHE"), "/var/cache/mxseal-real")}
	for _, f := range needs {
		if _, err := os.Stat(filepath.Join(r.Cache, f)); err != nil {
			return r, fmt.Errorf("%w: run %s as root first", err, script)
		}
	}
	libraries, err := filepath.Glob(r.Cache + "/usr/lib/*-linux-gnu")
	if err != nil {
		return r, err
	}
	r.Libraries = strings.Join(append(libraries, r.Cache+"/usr/lib/postfix"), ":")
	if r.Dir, err = os.MkdirTemp("", name); err != nil {
		return r, err
	}
	if err := os.Chmod(r.Dir, 0o755); err != nil { // daemons become somebody else
		return r, err
	}
	r.keeper, err = keep(r.Dir)
	return r, err
}

// In is the same run in another folder.
func (r *Run) In(dir string) *Run {
	return &Run{Cache: r.Cache, Libraries: r.Libraries, Dir: dir, Env: r.Env, Netns: r.Netns, keeper: r.keeper}
}

// Make makes a folder of the run, the property of a user that install.sh made; of root where none is named.
func (r *Run) Make(dir, owner string) error {
	err := os.MkdirAll(filepath.Join(r.Dir, dir), 0o755)
	if err != nil || owner == "" {
		return err
	}
	return r.Give(dir, owner)
}

// Give makes a file of the run the property of a user.
func (r *Run) Give(path, name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return os.Chown(filepath.Join(r.Dir, path), uid, gid)
}

// Configure fills a template and returns the path of the file of the run that it became.
func (r *Run) Configure(templates fs.FS, name, as string, data any) (string, error) {
	t, err := template.ParseFS(templates, name)
	if err != nil {
		return "", err
	}
	path := filepath.Join(r.Dir, as)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return "", err
	}
	return path, errors.Join(t.Execute(f, data), f.Close())
}

// Claim takes the first block 127.net.n.0/24 in which the ports of so many addresses are free, from .1 on,
// so that neither another run nor the remains of one that was killed can be mistaken for this one.
func (r *Run) Claim(network, addresses int, ports ...int) (n int, err error) {
	for n := range 256 {
		lock, err := net.Listen("tcp4", fmt.Sprintf("127.%d.%d.254:%d", network, n, ports[0]))
		if err != nil {
			continue
		}
		if free(network, n, addresses, ports) {
			r.lock = lock
			return n, nil
		}
		lock.Close()
	}
	return 0, fmt.Errorf("no block of 127.%d.0.0/16 has the ports %v free", network, ports)
}

func free(network, n, addresses int, ports []int) bool {
	for i := range addresses {
		for _, port := range ports {
			l, err := net.Listen("tcp4", fmt.Sprintf("127.%d.%d.%d:%d", network, n, i+1, port))
			if err != nil {
				return false
			}
			l.Close()
		}
	}
	return true
}

// Accepts is the proof of a daemon that accepts connections at an address.
func (r *Run) Accepts(address string) func() error {
	if r.Netns != "" {
		host, port, _ := net.SplitHostPort(address)
		return func() error {
			return exec.Command("ip", "netns", "exec", r.Netns, "bash", "-c", "exec 3<>/dev/tcp/"+host+"/"+port).Run()
		}
	}
	return func() error {
		c, err := net.DialTimeout("tcp4", address, time.Second)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

// Read returns the text of a file of the run, or why it cannot be read.
func (r *Run) Read(name string) string {
	b, err := os.ReadFile(filepath.Join(r.Dir, name))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Remove says that a network namespace is to go with the run.
func (r *Run) Remove(netns string) error { return r.keeper.note("netns", netns) }

// Close ends every daemon with all its children and removes the folder.
func (r *Run) Close() error {
	if r.lock != nil {
		r.lock.Close()
	}
	if r.keeper == nil {
		return os.RemoveAll(r.Dir) // nothing was started
	}
	return r.keeper.close()
}
