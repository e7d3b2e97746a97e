package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/lab"
	"mxseal/testdata/space"
)

// condition is one way in which the path between the checker and the world, or the checker's
// own resolver, is in trouble. The world itself is always as it was.
type condition struct {
	name     string
	loss     float64       // of all packets, each way
	trip     time.Duration // there and back; 10 ms if zero
	out, in  int           // largest packet that gets through, from and to the checker
	lostDNS  float64       // of what our resolver is asked
	silent   uint16        // what our resolver never answers
	servfail uint16        // what it answers with SERVFAIL
	below    string        // only for names that begin with this, if not empty
}

var conditions = []condition{
	{name: "undisturbed"},
	{name: "loss-1", loss: .01},
	{name: "loss-5", loss: .05},
	{name: "loss-10", loss: .10},
	{name: "loss-20", loss: .20},
	{name: "trip-300ms", trip: 300 * time.Millisecond},
	{name: "dns-loss-30", lostDNS: .30},
	{name: "large-lost", out: 1300, in: 1300},
	{name: "large-out-lost", out: 1300}, // the checker's own packets alone
	{name: "tlsa-silent", silent: dns.TypeTLSA},
	{name: "tlsa-servfail", servfail: dns.TypeTLSA},
	{name: "txt-silent", silent: dns.TypeTXT},
	{name: "txt-servfail", servfail: dns.TypeTXT},
	{name: "sts-silent", silent: dns.TypeTXT, below: "_mta-sts."},
	{name: "sts-servfail", servfail: dns.TypeTXT, below: "_mta-sts."},
}

// place is where checks under one condition are run: a network of its own, with one path to
// the world.
type place struct {
	condition
	*space.Space
	resolver    string // host and port
	there, back way
}

// newPlace is the nth place of a world.
func newPlace(c condition, n int, world *space.Space, l *lab.Lab, seed uint64) (*place, error) {
	here, err := space.New()
	if err != nil {
		return nil, err
	}
	trip := c.trip
	if trip == 0 {
		trip = 10 * time.Millisecond
	}
	random := func(k int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(3*n+k))) }
	p := &place{condition: c, Space: here, resolver: fmt.Sprintf("127.77.254.%d:53", n+1),
		there: way{loss: c.loss, largest: c.out, delay: trip / 2, random: random(0)},
		back:  way{loss: c.loss, largest: c.in, delay: trip / 2, random: random(1)}}
	near, err := here.TUN("path")
	if err != nil {
		return nil, err
	}
	device := fmt.Sprint("path", n)
	far, err := world.TUN(device)
	if err != nil {
		return nil, err
	}
	if err := p.connect(world, device, fmt.Sprintf("10.77.%d.1", n)); err != nil {
		return nil, err
	}
	go p.there.carry(near, far)
	go p.back.carry(far, near)
	r := &resolver{lab: l, loss: c.lostDNS, silent: c.silent, failing: c.servfail, below: c.below, random: random(2)}
	return p, r.listen(world, p.resolver)
}

// connect gives the devices addresses and routes. The lab's are addresses of loopback, which
// travel only where both ends have been told to let them.
func (p *place) connect(world *space.Space, device, address string) error {
	for _, step := range []func() error{
		func() error { return p.IP("addr", "del", "127.0.0.1/8", "dev", "lo") },
		func() error { return p.IP("addr", "add", address+"/32", "dev", "path") },
		func() error { return p.Set("ipv4/conf/path/route_localnet", "1") },
		func() error { return p.Set("ipv4/conf/path/rp_filter", "0") },
		func() error { return p.IP("route", "add", "127.77.0.0/16", "dev", "path", "src", address) },
		func() error { return world.Set("ipv4/conf/"+device+"/route_localnet", "1") },
		func() error { return world.Set("ipv4/conf/"+device+"/rp_filter", "0") },
		func() error { return world.IP("route", "add", address+"/32", "dev", device) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// openWorld is a space with the lab in it, on the ports of the protocols.
func openWorld() (*space.Space, *lab.Lab, error) {
	s, err := space.New()
	if err != nil {
		return nil, nil, err
	}
	l, err := lab.New(lab.Options{})
	if err != nil {
		return nil, nil, err
	}
	return s, l, s.Do(l.Listen)
}

// writeTrust writes what the program is pointed to into a folder.
func writeTrust(l *lab.Lab, dir string) error {
	if err := os.WriteFile(dir+"/anchor", l.Anchors(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(dir+"/ca.pem", l.CA(), 0o644)
}
