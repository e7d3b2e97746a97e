// Package differential holds the validator against Unbound: zones good and broken in the
// ways of the trade, signed by BIND's and ldns's tools, served by NSD.
package differential

import (
	"embed"
	"fmt"
	"strings"

	"mxseal/testdata/daemon"
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
	*daemon.Run
	Port  int
	Zones []*zone

	block int // n of 127.26.n.0/24
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

// newWorld signs all zones and starts all daemons. The error says what is missing or did
// not start; close is due in either case.
func newWorld() (*world, error) {
	run, err := daemon.Open("mxseal-differential-", "testdata/real/install.sh",
		"stamp", "usr/sbin/nsd", "usr/sbin/unbound", "usr/bin/dnssec-signzone", "usr/bin/ldns-signzone")
	w := &world{Run: run, Port: port}
	if err != nil {
		return w, err
	}
	if w.block, err = w.Claim(26, lastAt, port); err != nil {
		return w, err
	}
	if err := w.Make("zones", ""); err != nil {
		return w, err
	}
	for _, step := range []func() error{w.sign, w.startAll} {
		if err := step(); err != nil {
			return w, err
		}
	}
	return w, nil
}

// at returns the address that ends in an octet.
func (w *world) at(last int) string { return fmt.Sprintf("127.26.%d.%d", w.block, last) }

// NSD is its address, for the template.
func (w *world) NSD() string { return w.at(nsdAt) }

// startAll starts NSD and every Unbound.
func (w *world) startAll() error {
	if _, err := w.Configure(configurations, "etc/nsd.conf", "nsd.conf", w); err != nil {
		return err
	}
	if err := w.start("nsd", w.at(nsdAt), "usr/sbin/nsd", "-d", "-c", w.Dir+"/nsd.conf"); err != nil {
		return err
	}
	for line := range strings.Lines(w.Read("nsd.log")) {
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
		file, err := w.Configure(configurations, "etc/unbound.conf", u.Name+".conf", u)
		if err != nil {
			return err
		}
		if err := w.start(u.Name, u.Address, "usr/sbin/unbound", "-d", "-c", file); err != nil {
			return err
		}
	}
	return nil
}

// start runs one name server until the world ends.
func (w *world) start(name, address string, command ...string) error {
	_, err := w.Start(name, w.Accepts(fmt.Sprintf("%s:%d", address, port)), command...)
	return err
}
