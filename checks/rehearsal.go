package checks

import (
	"context"
	"maps"
	"sync"

	"mxseal/checks/check"
	"mxseal/checks/input"
	"mxseal/checks/rehearse"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Rehearse says what would become of the mail if the mail servers of these names showed a chain of
// certificates (DER, the server's own first) from now on. The policies of domains whose mail they
// take are fetched. No mail server is contacted, and answers that the engine has already serve for
// their TTL.
func (e *Engine) Rehearse(ctx context.Context, chain [][]byte, hosts, domains []input.Domain) rehearse.Outcome {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	dialer := e.dialer.Check("", bound(e.cfg.Depth))
	e = e.as(dialer.Scan())
	res := e.resolver.Through(dialer).Frugal()
	meta := e.begin("").Meta
	var lookups check.Lookups
	scan := check.Scan{Resolver: res, Dialer: dialer.Counter(), Roots: e.roots, Port: e.cfg.STSPort, Depth: report.Quick, OptedOut: e.cfg.OptedOut}
	var work sync.WaitGroup
	alone := report.Evidence{Hosts: make([]*report.Host, len(hosts))}
	for _, c := range Every {
		if ask := c.Rehearse.Exchangers; ask != nil {
			servers := scan
			servers.Evidence = &alone
			ask(ctx, servers.With(c.ID, &lookups))
		}
	}
	for i, name := range hosts {
		work.Go(func() {
			h := &report.Host{Name: name.ASCII, Addresses: []*report.Address{}}
			alone.Hosts[i] = h
			askRehearsed(ctx, scan, &lookups, h)
			rehearse.Show(h, func(as string) *report.Certificate { return e.roots.Describe(chain, as, meta.CheckedAt) })
		})
	}
	ofDomains := make([]report.Evidence, len(domains))
	for i, d := range domains {
		of := scan
		of.Domain, of.Evidence = d.ASCII, &ofDomains[i]
		for _, c := range Every {
			if ask := c.Rehearse.Domain; ask != nil {
				work.Go(func() { ask(ctx, of.With(c.ID, &lookups)) })
			}
		}
	}
	work.Wait()
	one := judgedFor(meta, alone)
	var each []rehearse.Judged
	for i, d := range domains {
		of, seen := meta, ofDomains[i]
		of.Domain, of.UnicodeDomain, seen.MX, seen.Hosts = d.ASCII, d.Unicode, alone.MX, alone.Hosts
		each = append(each, judgedFor(of, seen))
	}
	return rehearse.Conclude(one, each)
}

// askRehearsed asks what is published about a mail exchanger.
func askRehearsed(ctx context.Context, scan check.Scan, lookups *check.Lookups, h *report.Host) {
	var beside sync.WaitGroup
	for _, c := range Every {
		if ask := c.Rehearse.Beside; ask != nil {
			beside.Go(func() { ask(ctx, scan.With(c.ID, lookups), h) })
		}
	}
	for _, pick := range []func(check.Gathering) askHost{
		func(g check.Gathering) askHost { return g.Addresses },
		func(g check.Gathering) askHost { return g.Names },
	} {
		for _, c := range Every {
			if ask := pick(c.Rehearse); ask != nil {
				ask(ctx, scan.With(c.ID, lookups), h)
			}
		}
	}
	beside.Wait()
}

// judgedFor derives and judges evidence, with the sentences of what was found.
func judgedFor(m report.Meta, e report.Evidence) rehearse.Judged {
	o := report.Observed{Meta: m, Evidence: e}
	Derive(o)
	all, rules := findings(o, Every...), catalogue()
	for i := range all {
		all[i].Explain(rules[all[i].Rule], m.Domain, view.Say)
	}
	return rehearse.Judged{Observed: o, Findings: all, Renewal: renewal()}
}

// renewal is what rules mean of their own before a certificate is deployed.
func renewal() map[string]report.Renewal {
	all := make(map[string]report.Renewal)
	for _, c := range Every {
		maps.Copy(all, c.Renewal)
	}
	return all
}
