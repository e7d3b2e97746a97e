package checks

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"mxseal/checks/check"
	"mxseal/checks/input"
	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/share"
	"mxseal/checks/report"
)

// asideTime bounds the questions that only decide whether an address may be looked at.
const asideTime = 20 * time.Second

// Run checks one domain and returns its report under the given id. It always returns a
// report: what could not be found out is in it as untested. Events are passed to emit, one
// at a time, while the check runs; emit may be nil.
func (e *Engine) Run(ctx context.Context, d input.Domain, id string, emit func(report.Event)) *report.Report {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	run := e.newRun(e.beginFor(d, id), emit)
	run.domain(ctx)
	run.elsewhere(ctx)
	return run.finish(ctx)
}

// domain asks about the domain, and about and at its mail servers.
func (run *run) domain(ctx context.Context) {
	r := run.r
	run.recall(ctx)
	for _, c := range Every {
		if ask := c.Gather.Domain; ask != nil {
			run.work.Go(func() { run.gather(c, "", func(s *check.Scan) { ask(ctx, s) }) })
		}
	}
	run.ask(ctx, func(g check.Gathering) func(context.Context, *check.Scan) { return g.Exchangers })
	run.preview(check.Domain, report.Evidence{MX: r.MX}, "")
	var named sync.WaitGroup // the hosts whose names have been looked up
	hosts := tested(r)
	run.share = len(hosts)
	run.purse = newPurse(run.cfg.Depth, len(hosts))
	defer run.purse.close()
	for i, h := range hosts {
		named.Add(1)
		run.work.Go(func() { run.host(ctx, i, h, named.Done) })
	}
	named.Wait()
	defer run.secondOpinion(ctx)()
	run.ask(ctx, func(g check.Gathering) func(context.Context, *check.Scan) { return g.Zones })
	close(run.zoned)
	run.work.Wait()
	r.Lookups = run.lookups.All()
	r.Connections = run.base.Dialer.Connections()
}

// ask has the checks ask about the domain what the function picks, one after another.
func (run *run) ask(ctx context.Context, pick func(check.Gathering) func(context.Context, *check.Scan)) {
	for _, c := range Every {
		if ask := pick(c.Gather); ask != nil {
			run.gather(c, "", func(s *check.Scan) { ask(ctx, s) })
		}
	}
}

// askHost asks about a mail exchanger.
type askHost = func(context.Context, *check.Scan, *report.Host)

// askOf has the checks ask about a host what the function picks, one after another.
func (run *run) askOf(ctx context.Context, h *report.Host, pick func(check.Gathering) askHost) {
	for _, c := range Every {
		if ask := pick(c.Gather); ask != nil {
			run.gather(c, h.Name, func(s *check.Scan) { ask(ctx, s, h) })
		}
	}
}

// recall asks for the latest earlier report of the domain, beside everything else.
func (run *run) recall(ctx context.Context) {
	if run.cfg.Previous == nil {
		return
	}
	run.work.Go(func() {
		defer run.rescue("history")
		if before := run.cfg.Previous(ctx, run.r.Domain); before != nil && !before.CheckedAt.After(run.r.CheckedAt) {
			run.r.Past = report.Remember(before)
		}
	})
}

// host looks at one mail exchanger, the nth in the order of senders: its addresses, what is
// published about its key, and every address side by side. named is called once its names have
// been looked up. What is kept of it is cut to its share before it is judged, and not while others
// read it.
func (run *run) host(ctx context.Context, nth int, h *report.Host, named func()) {
	named = sync.OnceFunc(named)
	defer named()
	run.askOf(ctx, h, func(g check.Gathering) askHost { return g.Addresses })
	var probes sync.WaitGroup
	if !run.apart {
		for a, t := range run.purse.queue(nth, h) {
			probes.Go(func() { run.address(ctx, h, a, t) })
		}
	}
	run.askOf(ctx, h, func(g check.Gathering) askHost { return g.Names })
	named()
	for _, c := range Every {
		if ask := c.Gather.Beside; ask != nil {
			probes.Go(func() { run.gather(c, h.Name, func(s *check.Scan) { ask(ctx, s, h) }) })
		}
	}
	probes.Wait()
	if run.apart {
		return
	}
	run.asBase(ctx, h)
	defer run.rescue("host")
	<-run.zoned
	h.Fit(run.share)
	run.preview(check.Host, report.Evidence{MX: run.r.MX, Hosts: []*report.Host{h}}, h.Name)
}

// address finds out about one address of a mail exchanger, when its turn has come: by a look
// of its own, or by one that another domain has just had.
func (run *run) address(ctx context.Context, h *report.Host, a *report.Address, t *turn) {
	defer run.purse.end(t)
	at := netip.AddrPortFrom(t.addr, run.cfg.SMTPPort)
	var seen report.Address
	var partial bool
	if run.cfg.OptedOut(h.Name, t.addr) {
		seen = alone(report.Failed(report.PhaseConnect, report.KindOptedOut, report.Say(report.SaysOptedOut, "address", at)))
	} else {
		run.purse.begin(ctx, t)
		seen, a.SeenAt, partial = run.hosts.look(ctx, run.wish(ctx, h.Name, at, t))
	}
	a.Reachable, a.Failure, a.Connections = seen.Reachable, seen.Failure, t.used
	if a.SeenAt != nil {
		a.Connections = seen.Connections
	}
	if partial && a.Failure == nil {
		a.Failure = report.Failed(report.PhaseConnect, report.KindSpent, report.Say(report.SaysCertificatesOnly, "server", at, "most", bound(run.cfg.Depth)))
	}
	a.SMTP, a.TLS, a.Certificates = own(seen.SMTP), own(seen.TLS), seen.Certificates
}

// own returns a copy of what reports share that is written to when it is judged.
func own[T any](shared *T) *T {
	if shared == nil {
		return nil
	}
	copied := *shared
	return &copied
}

// wish is what the check wants to know of an address under a name, within a turn.
func (run *run) wish(ctx context.Context, name string, at netip.AddrPort, t *turn) wish {
	party := share.NewParty(run.dialer.Scan())
	return wish{hostKey: hostKey{name: name, at: at}, domain: run.r.Domain, anew: run.anew, party: party,
		may: func(brief bool) error {
			if ctx.Err() != nil {
				return errLate
			}
			return run.purse.may(t, brief)
		},
		scan: func(brief bool) (a report.Address) {
			peer := run.dialer.LookFor(party, at, run.purse.count(t, brief))
			defer func() {
				a.Connections = peer.Connections()
				run.purse.used(t, a.Connections)
			}()
			if brief {
				return run.call(ctx, name, peer)
			}
			return run.visit(ctx, name, peer)
		},
		own: func() bool { return run.bears(ctx, at.Addr(), name) },
	}
}

// bears reports whether an address to which a name leads bears it: by its PTR record it has that
// name, or one of the same registrable domain that leads to the address too.
func (run *run) bears(ctx context.Context, addr netip.Addr, name string) bool {
	ctx, cancel := context.WithTimeout(ctx, asideTime)
	defer cancel()
	return slices.ContainsFunc(run.resolver.Pointers(ctx, addr), func(own string) bool {
		if strings.EqualFold(own, name) {
			return true
		}
		if egress.Account(own) != egress.Account(name) {
			return false
		}
		addresses, _, _ := whereabouts(ctx, run.resolver, own)
		return slices.Contains(addresses, addr)
	})
}

// alsoCalled is the further name under which some senders call a host; empty where it has none.
func alsoCalled(h *report.Host) string {
	for _, c := range Every {
		if c.AlsoCalled != nil {
			if name := c.AlsoCalled(h); name != "" {
				return name
			}
		}
	}
	return ""
}

// asBase looks once more at each address that does TLS, under the further name by which some senders
// call the host: the server may choose its certificate by it.
func (run *run) asBase(ctx context.Context, h *report.Host) {
	base := alsoCalled(h)
	if base == "" {
		return
	}
	var all sync.WaitGroup
	for _, a := range h.Addresses {
		if a.SMTP == nil || !speaksTLS(a) {
			continue
		}
		at, err := run.port(a.IP)
		if err != nil || run.cfg.OptedOut(base, at.Addr()) {
			continue
		}
		all.Go(func() {
			t := run.purse.extra(at.Addr())
			defer run.purse.end(t)
			seen, reused, _ := run.hosts.look(ctx, run.wish(ctx, base, at, t).alone())
			a.AsBase = shownAs(base, seen, reused)
		})
	}
	all.Wait()
}

// shownAs is what an address shows under the further name; reused is the time of an earlier look.
func shownAs(base string, seen report.Address, reused *time.Time) *report.Shown {
	return &report.Shown{ServerName: base, STARTTLS: seen.SMTP.STARTTLS, Reply: seen.SMTP.Reply, Ladder: seen.SMTP.Ladder,
		Failure: seen.Failure, Certificates: seen.Named(), Connections: seen.Connections, SeenAt: reused}
}

// Probe looks at one mail server by name or address, with the SMTP port that may follow
// either. The error is that of a text that is neither.
func (e *Engine) Probe(ctx context.Context, server string) (*report.Report, error) {
	name, port, err := net.SplitHostPort(server)
	if err != nil {
		name, port = server, strconv.Itoa(int(e.cfg.SMTPPort))
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return nil, &input.Error{Rule: "INP-13", Sentence: "“" + port + "” is no port number."}
	}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()

	one := *e
	one.cfg.SMTPPort, one.hosts = uint16(n), newHostCache(e.cfg.HostLooks)
	r := one.begin("")
	run := one.newRun(r, nil)
	run.purse = newPurse(e.cfg.Depth, 1)
	defer run.purse.close()
	if ip, err := netip.ParseAddr(name); err == nil {
		a := &report.Address{IP: ip.Unmap().String()}
		h := &report.Host{Name: ip.Unmap().String(), Addresses: []*report.Address{a}}
		r.Hosts = []*report.Host{h}
		if err := e.dialer.Vet(ip); err != nil {
			a.NotTested = report.NotTestedForbidden
			a.Failure = report.Failed(report.PhaseConnect, egress.Kind(err), egress.Say(err))
			return run.finish(ctx), nil
		}
		for a, t := range run.purse.queue(0, h) {
			run.address(ctx, h, a, t)
		}
		h.Fit(1)
		return run.finish(ctx), nil
	}
	d, err := e.ParseDomain(name)
	if err != nil {
		return nil, err
	}
	h := &report.Host{Name: d.ASCII}
	r.Hosts = []*report.Host{h}
	close(run.zoned)
	run.host(ctx, 0, h, func() {})
	return run.finish(ctx), nil
}
