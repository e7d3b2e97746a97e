package world

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/miekg/dns"

	"mxseal/checks/lab"
	"mxseal/testdata/daemon"
)

// Unbound puts a real resolver between the program and the world. It keeps so many questions
// at a time, and asks the name servers of the zones below Dark, of which so many children are
// there, itself: each has an address of its own, where nobody answers. flags point the program
// at it; stop ends it and returns what it says of its list of questions.
func (w *World) Unbound(children, questions int) (flags []string, stop func() []string, err error) {
	run, err := daemon.Open("mxseal-unbound-", "testdata/real/install.sh", "usr/sbin/unbound")
	defer func() {
		if err != nil {
			run.Close()
		}
	}()
	if err != nil {
		return nil, nil, err
	}
	port, err := lab.FreePort()
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
`, port, questions, run.Dir, upstream)
	var silent []net.PacketConn
	closeSockets := func() {
		for _, s := range silent {
			s.Close()
		}
	}
	defer func() {
		if err != nil {
			closeSockets()
		}
	}()
	for n := range children {
		for i := range zones {
			s, err := net.ListenPacket("udp", fmt.Sprintf("127.78.%d.%d:%d", 100+i, 1+n, port))
			if err != nil {
				return nil, nil, err
			}
			silent = append(silent, s)
			fmt.Fprintf(&conf, "stub-zone:\n\tname: z%d.%d.%s\n\tstub-addr: 127.78.%d.%d@%d\n", i, n, Dark, 100+i, 1+n, port)
		}
	}
	file := filepath.Join(run.Dir, "unbound.conf")
	if err := os.WriteFile(file, []byte(conf.String()), 0o644); err != nil {
		return nil, nil, err
	}
	address := fmt.Sprintf("127.78.0.54:%d", port)
	answers := func() error {
		_, err := dns.Exchange(new(dns.Msg).SetQuestion(".", dns.TypeSOA), address)
		return err
	}
	server, err := run.Start("unbound", answers, "usr/sbin/unbound", "-d", "-c", file)
	if err != nil {
		return nil, nil, fmt.Errorf("%w\n%s", err, run.Read("unbound.log"))
	}
	stop = func() []string {
		server.Stop()
		closeSockets()
		log := run.Read("unbound.log")
		run.Close()
		return regexp.MustCompile(`requestlist max .*|\d+ queries, .*`).FindAllString(log, -1)
	}
	flags = w.Flags()
	flags[1] = address
	return flags, stop, nil
}
