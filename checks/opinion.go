package checks

import (
	"context"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// secondOpinion has the resolver judge the answers that the grade rests on by itself, beside
// the probes, and tells the operator where it comes to another state than we do. It has no
// part in the report: the function that it returns, to be called when the check is done,
// ends what is still under way.
func (run *run) secondOpinion(ctx context.Context) (end func()) {
	if run.cfg.Depth == report.Quick {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	questions := run.deciding()
	work.Go(func() {
		defer run.rescue("second opinion")
		var answers []*resolve.Answer
		for _, q := range questions { // they were all asked before: the resolver has them by heart
			answers = append(answers, run.resolver.Lookup(ctx, q.Name, q.Qtype))
		}
		for _, d := range run.resolver.SecondOpinion(ctx, answers...) {
			run.cfg.Log.Warn("the resolver judges an answer otherwise", "name", d.Name, "type", d.Type,
				"ours", d.Ours, "reason", d.Reason, "theirs", d.Theirs)
		}
	})
	return func() { cancel(); work.Wait() }
}

// deciding returns the questions whose answers decide the grade.
func (run *run) deciding() []dns.Question {
	list := []dns.Question{{Name: dns.Fqdn(run.r.Domain), Qtype: dns.TypeMX}}
	for _, h := range run.r.Hosts {
		if h.NotTested != "" {
			continue
		}
		host := dns.Fqdn(h.Name)
		list = append(list, dns.Question{Name: host, Qtype: dns.TypeA}, dns.Question{Name: host, Qtype: dns.TypeAAAA})
		if h.TLSA.Base != "" {
			list = append(list, dns.Question{Name: "_25._tcp." + dns.Fqdn(h.TLSA.Base), Qtype: dns.TypeTLSA})
		}
	}
	return list
}

// Disagreements returns how often the resolver judged an answer otherwise than we do, since
// the start.
func (e *Engine) Disagreements() int { return e.resolver.Disagreements() }
