package world

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// packages is where the install script of the suite against real daemons unpacks them.
const packages = "/var/cache/mxseal-real"

// Unbound puts a real resolver between the program and the world. It keeps so many questions
// at a time, and asks the name servers of the zones below Dark, of which so many children are
// there, itself: each has an address of its own, where nobody answers. flags point the program
// at it; stop ends it and returns what it says of its list of questions.
func (w *World) Unbound(dir string, children, questions int) (flags []string, stop func() []string, err error) {
	binary := filepath.Join(packages, "usr/sbin/unbound")
	if _, err := os.Stat(binary); err != nil {
		return nil, nil, fmt.Errorf("%w; testdata/real/install.sh fetches it", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, nil, err
	}
	_, upstream, _ := strings.Cut(w.Resolver.address, ":")
	var conf strings.Builder
	fmt.Fprintf(&conf, `server:
	interface: 127.78.0.54
	port: %[1]d
	access-control: 127.0.0.0/8 allow
	do-ip6: no
	do-daemonize: no
	num-threads: 1
	num-queries-per-thread: %[2]d
	username: ""
	chroot: ""
	pidfile: ""
	directory: "%[3]s"
	use-syslog: no
	logfile: "%[3]s/unbound.log"
	module-config: "iterator"
	local-zone: "test." nodefault
	do-not-query-localhost: no
	outgoing-range: 4096
	statistics-interval: 5
remote-control:
	control-enable: no
forward-zone:
	name: "."
	forward-addr: 127.78.0.53@%[4]s
`, port, questions, dir, upstream)
	var silent []net.PacketConn
	stop = func() []string {
		for _, s := range silent {
			s.Close()
		}
		return nil
	}
	for n := range children {
		for i := range zones {
			s, err := net.ListenPacket("udp", fmt.Sprintf("127.78.%d.%d:%d", 100+i, 1+n, port))
			if err != nil {
				stop()
				return nil, nil, err
			}
			silent = append(silent, s)
			fmt.Fprintf(&conf, "stub-zone:\n\tname: z%d.%d.%s\n\tstub-addr: 127.78.%d.%d@%d\n", i, n, Dark, 100+i, 1+n, port)
		}
	}
	file := filepath.Join(dir, "unbound.conf")
	if err := os.WriteFile(file, []byte(conf.String()), 0o644); err != nil {
		stop()
		return nil, nil, err
	}
	c := exec.Command(binary, "-d", "-c", file)
	c.Env = []string{"LD_LIBRARY_PATH=" + filepath.Join(packages, "usr/lib/x86_64-linux-gnu") + ":" + filepath.Join(packages, "lib/x86_64-linux-gnu")}
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		stop()
		return nil, nil, err
	}
	closeSockets := stop
	stop = func() []string {
		c.Process.Signal(syscall.SIGTERM)
		c.Wait()
		closeSockets()
		log, _ := os.ReadFile(filepath.Join(dir, "unbound.log"))
		return regexp.MustCompile(`requestlist max .*|\d+ queries, .*`).FindAllString(string(log), -1)
	}
	address := fmt.Sprintf("127.78.0.54:%d", port)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if _, err = dns.Exchange(new(dns.Msg).SetQuestion(".", dns.TypeSOA), address); err == nil {
			break
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(dir, "unbound.log"))
			stop()
			return nil, nil, fmt.Errorf("unbound does not answer: %w\n%s", err, log)
		}
	}
	flags = w.Flags()
	flags[1] = address
	return flags, stop, nil
}
