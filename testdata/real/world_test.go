// Package real tests the program against the daemons that people run: Postfix, Exim and
// OpenSMTPD behind zones signed by ldns, served by NSD and resolved by Unbound.
package real

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"mxseal/testdata/daemon"
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
	*daemon.Run
	IP               map[string]string // by server
	Zones            []zone
	DNS, SMTP, HTTPS int
}

// newWorld builds the program, starts all daemons and waits until each accepts connections. The error says what
// is missing or did not start; close is due in either case.
func newWorld() (*world, error) {
	run, err := daemon.Open("mxseal-real-", "testdata/real/install.sh", "stamp")
	w := &world{Run: run, IP: make(map[string]string), DNS: dnsPort, SMTP: smtpPort, HTTPS: httpsPort}
	if err != nil {
		return w, err
	}
	w.Env = []string{"MAIL_CONFIG=" + w.Dir + "/etc"}
	for _, step := range []func() error{
		w.makeFolders, w.build, w.claimAddresses,
		w.mintCertificates, w.writePolicies, w.signZones, w.configure, w.startAll,
	} {
		if err := step(); err != nil {
			return w, err
		}
	}
	return w, nil
}

// in is the same world in another folder, without addresses of its own.
func (w *world) in(dir string) world {
	run := w.In(dir)
	run.Env = []string{"MAIL_CONFIG=" + dir + "/etc"}
	return world{Run: run}
}

// makeFolders makes what the daemons expect to find in the folder of the run.
func (w *world) makeFolders() (err error) {
	// Postfix wants its queue there, whatever little of it is used.
	for _, dir := range []string{"etc", "certs", "zones", "policies", "postfix/queue/pid"} {
		err = errors.Join(err, w.Make(dir, ""))
	}
	for _, dir := range []string{"postfix/data", "postfix/queue/private", "postfix/queue/public"} {
		err = errors.Join(err, w.Make(dir, "postfix"))
	}
	return errors.Join(err, w.Make("exim", "Debian-exim"))
}

func (w *world) claimAddresses() error {
	n, err := w.Claim(25, len(servers), smtpPort, dnsPort, httpsPort)
	for i, server := range servers {
		w.IP[server] = fmt.Sprintf("127.25.%d.%d", n, i+1)
	}
	return err
}

// configure fills the templates of etc/.
func (w *world) configure() error {
	all, err := fs.Glob(configurations, "etc/*")
	for _, name := range all {
		_, failed := w.Configure(configurations, name, name, w)
		err = errors.Join(err, failed)
	}
	return err
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
		{"opensmtpd", smtpPort, w.OpenSMTPD(etc + "/smtpd.conf")},
	} {
		if _, err := w.Start(d.server, w.Accepts(net.JoinHostPort(w.IP[d.server], strconv.Itoa(d.port))), d.command...); err != nil {
			return err
		}
	}
	return nil
}

// start runs one daemon until the world ends.
func (w *world) start(address string, command []string) error {
	_, err := w.Start(filepath.Base(command[0]), w.Accepts(address), command...)
	return err
}

// log returns what Postfix has logged since it was ready: its first connection was ours.
func (w *world) log() string {
	_, after, _ := strings.Cut(w.Read("postfix.log"), "disconnect from unknown[127.0.0.1] commands=0/0\n")
	return after
}
