package checks

import (
	"context"
	cryptotls "crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"mxseal/checks/certificate"
	"mxseal/checks/dane"
	"mxseal/checks/dnssec"
	"mxseal/checks/internal/egress"
	"mxseal/checks/mtasts"
	"mxseal/checks/mx"
	"mxseal/checks/report"
	"mxseal/checks/starttls"
	"mxseal/checks/tls"
	"mxseal/checks/tlsrpt"
)

// Run checks one domain and returns its report under the given id. It always returns a
// report: what could not be found out is in it as untested. Events are passed to emit, one
// at a time, while the check runs; emit may be nil.
func (e *Engine) Run(ctx context.Context, d Domain, id string, emit func(report.Event)) *report.Report {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	r := e.begin(id)
	r.Domain, r.UnicodeDomain, r.Input = d.ASCII, d.Unicode, d.Notes
	run := e.newRun(r, emit)
	run.recall(ctx)

	policy := e.dialer.Tally()
	run.aside("mta-sts", "", func() {
		r.MTASTS = mtasts.Gather(ctx, run.resolver, mtasts.Config{Dialer: policy, Roots: e.roots, Port: e.cfg.STSPort, Depth: e.cfg.Depth, Spared: e.cfg.Spared}, d.ASCII)
	})
	run.aside("tls-rpt", "", func() {
		r.TLSRPT = tlsrpt.Gather(ctx, run.resolver, e.dialer.Vet, d.ASCII)
	})
	run.aside("dane", "", func() {
		r.MisplacedTLSA = dane.Misplaced(ctx, run.resolver, d.ASCII)
	})
	run.stage("mx", "", func() {
		r.MX, r.Hosts = mx.Gather(ctx, run.resolver, d.ASCII)
	})
	run.preview(&report.Report{MX: r.MX}, "", "dnssec")
	var named sync.WaitGroup // the hosts whose names have been looked up
	var hosts []*report.Host
	for _, h := range r.Hosts {
		if h.NotTested == "" {
			hosts = append(hosts, h)
		}
	}
	run.share = len(hosts)
	for _, h := range hosts {
		named.Add(1)
		run.work.Go(func() { run.host(ctx, h, named.Done) })
	}
	named.Wait()
	defer run.secondOpinion(ctx)()
	run.stage("dnssec", "", func() {
		r.DNSSEC = dnssec.Gather(ctx, run.resolver, d.ASCII, r.Hosts)
		r.DNSSEC.Fit()
	})
	close(run.zoned)
	run.work.Wait()
	r.Connections = policy.Connections()
	return run.finish(ctx)
}

// host looks at one mail exchanger: its addresses, what is published about its key, and
// every address side by side. named is called once its names have been looked up. What is kept
// of it is cut to its share before it is judged, and not while others read it.
func (run *run) host(ctx context.Context, h *report.Host, named func()) {
	named = sync.OnceFunc(named)
	defer named()
	run.stage("mx", h.Name, func() { mx.Addresses(ctx, run.resolver, run.dialer.Vet, h) })
	var probes sync.WaitGroup
	probes.Go(func() { run.stage("mx", h.Name, func() { mx.Pointers(ctx, run.resolver, h) }) })
	for _, a := range h.Addresses {
		if a.NotTested == "" {
			probes.Go(func() { run.address(ctx, h, a) })
		}
	}
	run.stage("dane", h.Name, func() { dane.Gather(ctx, run.resolver, h) })
	named()
	probes.Go(func() { run.stage("tls-rpt", h.Name, func() { tlsrpt.AtBase(ctx, run.resolver, h, run.r.Domain) }) })
	probes.Wait()
	run.asBase(ctx, h)
	defer run.rescue("dane")
	<-run.zoned
	h.Fit(run.share)
	dane.Match(run.r, h)
	run.preview(&report.Report{MX: run.r.MX, Hosts: []*report.Host{h}}, h.Name, "starttls", "certificate", "tls", "dnssec", "dane")
}

// address finds out about one address of a mail exchanger: by a look of its own, or by one
// that another domain has just had.
func (run *run) address(ctx context.Context, h *report.Host, a *report.Address) {
	at, err := run.port(a.IP)
	if err != nil {
		return
	}
	var seen report.Address
	if run.cfg.Spared(h.Name, at.Addr()) {
		seen = alone("opted-out", fmt.Sprintf("%v is not contacted: its operator has asked this checker to leave it alone", at))
	} else {
		seen, a.SeenAt = run.hosts.look(ctx, hostKey{name: h.Name, at: at}, run.r.Domain, func() report.Address { return run.visit(ctx, h.Name, at) })
	}
	a.Reachable, a.Failure, a.Connections = seen.Reachable, seen.Failure, seen.Connections
	a.SMTP, a.TLS, a.Certificates = seen.SMTP, seen.TLS, seen.Certificates
}

// asBase looks once more at each address that does TLS, under the name that a sender who
// checks DANE gives, where that is not the host's: the server may choose its certificate by
// it. Without a usable record nobody asks for that name.
func (run *run) asBase(ctx context.Context, h *report.Host) {
	base := h.TLSA.Base
	if h.TLSA.State != "untested" || base == "" || strings.EqualFold(base, h.Name) {
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
			seen, reused := run.hosts.look(ctx, hostKey{name: base, at: at, brief: true}, run.r.Domain, func() report.Address { return run.call(ctx, base, at) })
			a.AsBase = &report.Shown{ServerName: base, STARTTLS: seen.SMTP.STARTTLS, Reply: seen.SMTP.Reply, Ladder: seen.SMTP.Ladder,
				Failure: seen.Failure, Certificates: seen.Named(), Connections: seen.Connections, SeenAt: reused}
		})
	}
	all.Wait()
}

// call makes the handshakes of a sender that gives a server this name, and asks nothing else.
func (run *run) call(ctx context.Context, name string, at netip.AddrPort) (a report.Address) {
	peer := run.dialer.Peer(at)
	defer func() { a.Connections = peer.Connections() }()
	a.SMTP = &report.SMTP{STARTTLS: "untested"}
	run.stage("starttls", name, func() {
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
		run.stage("certificate", t.Host, func() {
			a.Certificates = append(a.Certificates, fit(certificate.Gather(run.roots, t.First, "first", t.Host, run.r.CheckedAt)))
		})
	}
	t.First = starttls.Leaf(t.First) // a list may be long, and has been described
	t.Describe = func(chain [][]byte) *report.Certificate {
		return fit(run.roots.Describe(chain, t.Host, run.r.CheckedAt))
	}
	var seen []tls.Seen
	run.stage("tls", t.Host, func() { a.TLS, seen = tls.Gather(ctx, t) })
	if len(seen) == 0 {
		return
	}
	run.stage("certificate", t.Host, func() {
		for _, s := range seen {
			a.Certificates = append(a.Certificates, s.Certificate)
		}
	})
}

// visit talks to one address of a mail exchanger. Once a handshake has worked our own hellos
// go on beside the rest of the conversation.
func (run *run) visit(ctx context.Context, name string, at netip.AddrPort) (a report.Address) {
	peer := run.dialer.Peer(at)
	defer func() { a.Connections = peer.Connections() }()
	var beside sync.WaitGroup
	target := func(state *cryptotls.ConnectionState, s *report.SMTP) tls.Target {
		return tls.Target{Peer: peer, Host: name, Config: run.smtp, Depth: run.cfg.Depth, First: state, Rung: starttls.Worked(s.Ladder),
			Greeting: time.Duration(s.GreetingMS) * time.Millisecond}
	}
	run.stage("starttls", name, func() {
		smtp, state, failure := starttls.Gather(ctx, starttls.Target{Peer: peer, Host: name, Config: run.smtp, Depth: run.cfg.Depth,
			Injection: run.hosts.injection(at.Addr()),
			Secured: func(state *cryptotls.ConnectionState, seen *report.SMTP) {
				t := target(state, seen)
				beside.Go(func() { run.certificates(ctx, &a, t) })
			}})
		run.hosts.noteInjection(at.Addr(), smtp.Injection)
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
		return nil, &InputError{Rule: "INP-13", Sentence: "“" + port + "” is no port number."}
	}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()

	one := *e
	one.cfg.SMTPPort, one.hosts = uint16(n), newHostCache(e.cfg.HostLooks)
	r := one.begin("")
	run := one.newRun(r, nil)
	if ip, err := netip.ParseAddr(name); err == nil {
		a := &report.Address{IP: ip.Unmap().String()}
		h := &report.Host{Name: ip.Unmap().String(), Addresses: []*report.Address{a}}
		r.Hosts = []*report.Host{h}
		if err := e.dialer.Vet(ip); err != nil {
			a.NotTested = "forbidden"
			a.Failure = &report.Failure{Phase: "connect", Kind: egress.Kind(err), Text: err.Error()}
			return run.finish(ctx), nil
		}
		run.address(ctx, h, a)
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
	run.host(ctx, h, func() {})
	return run.finish(ctx), nil
}
