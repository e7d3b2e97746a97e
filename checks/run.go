package checks

import (
	"context"
	cryptotls "crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"mxseal/checks/certificate"
	"mxseal/checks/check"
	"mxseal/checks/dane"
	"mxseal/checks/dnssec"
	"mxseal/checks/input"
	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/share"
	"mxseal/checks/mx"
	"mxseal/checks/report"
	"mxseal/checks/starttls"
	"mxseal/checks/tls"
	"mxseal/checks/tlsrpt"
)

// asideTime bounds the questions that only decide whether an address may be looked at.
const asideTime = 20 * time.Second

// Run checks one domain and returns its report under the given id. It always returns a
// report: what could not be found out is in it as untested. Events are passed to emit, one
// at a time, while the check runs; emit may be nil.
func (e *Engine) Run(ctx context.Context, d input.Domain, id string, emit func(report.Event)) *report.Report {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	r := e.begin(id)
	r.Domain, r.UnicodeDomain, r.Input = d.ASCII, d.Unicode, d.Notes
	run := e.newRun(r, emit)
	run.recall(ctx)

	policy := run.dialer.Tally()
	var lookups check.Lookups
	for _, c := range Every {
		if c.Gather != nil {
			scan := check.Scan{Domain: d.ASCII, Resolver: run.resolver, Dialer: policy, Roots: e.roots, Port: e.cfg.STSPort,
				Depth: e.cfg.Depth, Spared: e.cfg.Spared, Evidence: &r.Evidence}.With(c.ID, &lookups)
			run.work.Go(func() { run.stage(c.ID, "", func() { c.Gather(ctx, scan) }) })
		}
	}
	run.stage(mx.ID, "", func() {
		r.MX, r.Hosts = mx.Gather(ctx, run.resolver.For(mx.ID), d.ASCII)
	})
	run.preview(check.Domain, report.Evidence{MX: r.MX}, "")
	var named sync.WaitGroup // the hosts whose names have been looked up
	hosts := slices.DeleteFunc(slices.Clone(r.Hosts), func(h *report.Host) bool { return h.NotTested != "" })
	run.share = len(hosts)
	run.purse = newPurse(e.cfg.Depth, len(hosts))
	defer run.purse.close()
	for i, h := range hosts {
		named.Add(1)
		run.work.Go(func() { run.host(ctx, i, h, named.Done) })
	}
	named.Wait()
	defer run.secondOpinion(ctx)()
	run.stage(dnssec.ID, "", func() {
		r.DNSSEC = dnssec.Gather(ctx, run.resolver.For(dnssec.ID), d.ASCII, r.Hosts)
		r.DNSSEC.Fit()
	})
	close(run.zoned)
	run.work.Wait()
	r.Lookups = lookups.All()
	r.Connections = policy.Connections()
	return run.finish(ctx)
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
	run.stage(mx.ID, h.Name, func() { mx.Addresses(ctx, run.resolver.For(mx.ID), run.dialer.Vet, h) })
	var probes sync.WaitGroup
	probes.Go(func() { run.stage(mx.ID, h.Name, func() { mx.Pointers(ctx, run.resolver.For(mx.ID), h) }) })
	for a, t := range run.purse.queue(nth, h) {
		probes.Go(func() { run.address(ctx, h, a, t) })
	}
	run.stage(dane.ID, h.Name, func() { dane.Gather(ctx, run.resolver.For(dane.ID), h) })
	named()
	probes.Go(func() {
		run.stage(tlsrpt.ID, h.Name, func() { tlsrpt.AtBase(ctx, run.resolver.For(tlsrpt.ID), h, run.r.Domain) })
	})
	probes.Wait()
	run.asBase(ctx, h)
	defer run.rescue(string(dane.ID))
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
	if run.cfg.Spared(h.Name, t.addr) {
		seen = alone(&report.Failure{Phase: "connect", Kind: "opted-out", Text: fmt.Sprintf("%v is not contacted: its operator has asked this checker to leave it alone", at)})
	} else {
		run.purse.begin(ctx, t)
		seen, a.SeenAt, partial = run.hosts.look(ctx, run.wish(ctx, h.Name, at, t))
	}
	a.Reachable, a.Failure, a.Connections = seen.Reachable, seen.Failure, t.used
	if a.SeenAt != nil {
		a.Connections = seen.Connections
	}
	if partial && a.Failure == nil {
		a.Failure = &report.Failure{Phase: "connect", Kind: egress.Spent,
			Text: fmt.Sprintf("%v was asked for its certificates alone: a check makes %d connections at most, and others came first", at, bound(run.cfg.Depth))}
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
	return wish{hostKey: hostKey{name: name, at: at}, domain: run.r.Domain, party: party,
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
	return slices.ContainsFunc(mx.Names(ctx, run.resolver, addr), func(own string) bool {
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

// asBase looks once more at each address that does TLS, under the name that a sender who
// checks DANE gives, where that is not the host's: the server may choose its certificate by
// it. Without a usable record nobody asks for that name.
func (run *run) asBase(ctx context.Context, h *report.Host) {
	base := h.TLSA.Base
	if !dane.Wanted(h) || strings.EqualFold(base, h.Name) {
		return
	}
	var all sync.WaitGroup
	for _, a := range h.Addresses {
		if a.SMTP == nil || a.SMTP.STARTTLS != "ok" && a.SMTP.STARTTLS != "handshake-failed" {
			continue
		}
		at, err := run.port(a.IP)
		if err != nil || run.cfg.Spared(base, at.Addr()) {
			continue
		}
		all.Go(func() {
			t := run.purse.extra(at.Addr())
			defer run.purse.end(t)
			seen, reused, _ := run.hosts.look(ctx, run.wish(ctx, base, at, t).alone())
			a.AsBase = &report.Shown{ServerName: base, STARTTLS: seen.SMTP.STARTTLS, Reply: seen.SMTP.Reply, Ladder: seen.SMTP.Ladder,
				Failure: seen.Failure, Certificates: seen.Named(), Connections: seen.Connections, SeenAt: reused}
		})
	}
	all.Wait()
}

// call makes the handshakes of a sender that gives a server this name, and asks nothing else.
func (run *run) call(ctx context.Context, name string, peer *egress.Peer) (a report.Address) {
	a.SMTP = &report.SMTP{STARTTLS: "untested"}
	run.stage(starttls.ID, name, func() {
		var state *cryptotls.ConnectionState
		a.SMTP, state, a.Failure = starttls.Gather(ctx, starttls.Target{Peer: peer, Host: name, Config: run.smtp, Depth: report.Quick, Alone: true})
		a.Reachable = a.SMTP.STARTTLS != "untested"
		if a.SMTP.STARTTLS == "ok" {
			run.certificates(ctx, &a, tls.Target{Peer: peer, Host: name, Config: run.smtp, Depth: report.Quick, First: state, Rung: starttls.Worked(a.SMTP.Ladder), OtherKey: true})
		}
	})
	return a
}

// maxCertificates bounds what is kept of one address, over all the chains that it shows, in octets.
const maxCertificates = 48 << 10

// certificates asks on with hellos of our own and keeps every chain that a server showed.
func (run *run) certificates(ctx context.Context, a *report.Address, t tls.Target) {
	room := maxCertificates
	fit := func(c *report.Certificate) *report.Certificate {
		if c != nil && c.Size() > room {
			c.Cut()
		} else if c != nil {
			room -= c.Size()
		}
		return c
	}
	if t.First != nil {
		run.stage(certificate.ID, t.Host, func() {
			a.Certificates = append(a.Certificates, fit(certificate.Gather(run.roots, t.First, "first", t.Host, run.r.CheckedAt)))
		})
	}
	t.First = starttls.Leaf(t.First) // a list may be long, and has been described
	t.Describe = func(chain [][]byte) *report.Certificate {
		return fit(run.roots.Describe(chain, t.Host, run.r.CheckedAt))
	}
	var seen []tls.Seen
	run.stage(tls.ID, t.Host, func() { a.TLS, seen = tls.Gather(ctx, t) })
	if len(seen) == 0 {
		return
	}
	run.stage(certificate.ID, t.Host, func() {
		for _, s := range seen {
			a.Certificates = append(a.Certificates, s.Certificate)
		}
	})
}

// visit talks to one address of a mail exchanger. Once a handshake has worked our own hellos
// go on beside the rest of the conversation.
func (run *run) visit(ctx context.Context, name string, peer *egress.Peer) (a report.Address) {
	addr := peer.Addr.Addr()
	var beside sync.WaitGroup
	target := func(state *cryptotls.ConnectionState, s *report.SMTP) tls.Target {
		return tls.Target{Peer: peer, Host: name, Config: run.smtp, Depth: run.cfg.Depth, First: state, Rung: starttls.Worked(s.Ladder),
			Greeting: time.Duration(s.GreetingMS) * time.Millisecond}
	}
	run.stage(starttls.ID, name, func() {
		smtp, state, failure := starttls.Gather(ctx, starttls.Target{Peer: peer, Host: name, Config: run.smtp, Depth: run.cfg.Depth,
			Injection: run.hosts.injection(addr),
			Secured: func(state *cryptotls.ConnectionState, seen *report.SMTP) {
				t := target(state, seen)
				beside.Go(func() { run.certificates(ctx, &a, t) })
			}})
		run.hosts.noteInjection(addr, smtp.Injection)
		a.SMTP, a.Failure = smtp, failure
		a.Reachable = smtp.STARTTLS != "untested"
		unsupported := failure != nil && failure.Kind == "unsupported"
		if state == nil && (unsupported || smtp.STARTTLS == "ok" || smtp.STARTTLS == "handshake-failed") {
			// Our library could not, or would not, complete a handshake: our own hellos find
			// what such a server still offers.
			run.certificates(ctx, &a, target(nil, smtp))
		}
	})
	beside.Wait()
	return a
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
			a.NotTested = "forbidden"
			a.Failure = &report.Failure{Phase: "connect", Kind: egress.Kind(err), Text: err.Error()}
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
