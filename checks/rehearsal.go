package checks

import (
	"context"
	"sync"

	"mxseal/checks/dane"
	"mxseal/checks/input"
	"mxseal/checks/mtasts"
	"mxseal/checks/mx"
	"mxseal/checks/rehearse"
	"mxseal/checks/report"
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
	at := meta.CheckedAt
	var work sync.WaitGroup
	// A list of MX records stands for “these servers are used”: nobody asked for one.
	alone := report.Evidence{MX: &report.MX{State: "ok"}, Hosts: make([]*report.Host, len(hosts))}
	for i, name := range hosts {
		work.Go(func() {
			h := &report.Host{Name: name.ASCII, Addresses: []*report.Address{}}
			alone.Hosts[i] = h
			var beside sync.WaitGroup
			beside.Go(func() { h.CAA, h.CAAName, h.CAAKnown = res.For(mx.ID).CAA(ctx, h.Name) })
			mx.Named(ctx, res.For(mx.ID), h)
			dane.Records(ctx, res.For(dane.ID), h)
			beside.Wait()
			rehearse.Show(h, func(as string) *report.Certificate { return e.roots.Describe(chain, as, at) })
		})
	}
	policies := make([]*report.MTASTS, len(domains))
	for i, d := range domains {
		work.Go(func() {
			policies[i] = mtasts.Gather(ctx, res.For(mtasts.ID), mtasts.Config{Dialer: dialer.Tally(), Roots: e.roots,
				Port: e.cfg.STSPort, Depth: report.Quick, Spared: e.cfg.Spared}, d.ASCII)
		})
	}
	work.Wait()
	one := judgedFor(meta, alone)
	var each []rehearse.Judged
	for i, d := range domains {
		of, seen := meta, alone
		of.Domain, of.UnicodeDomain, seen.MTASTS = d.ASCII, d.Unicode, policies[i]
		each = append(each, judgedFor(of, seen))
	}
	return rehearse.Conclude(one, each)
}

// judgedFor derives and judges evidence, with the sentences of what was found.
func judgedFor(m report.Meta, e report.Evidence) rehearse.Judged {
	o := report.Observed{Meta: m, Evidence: e}
	Derive(o)
	all, rules := findings(o, Every...), catalogue()
	for i := range all {
		all[i].Explain(rules[all[i].Rule], m.Domain)
	}
	return rehearse.Judged{Observed: o, Findings: all}
}
