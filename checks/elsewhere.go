package checks

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"mxseal/checks/report"
)

// What is bad from here may be so on our way only: a firewall, a block list, somebody who takes STARTTLS out. So
// a call that shows that is made once more from other networks, where there are some, before it counts.

const (
	elsewhereTime = 30 * time.Second // for all other vantages together
	elsewhereMost = 8                // calls of one check that are made once more
	spareTime     = 5 * time.Second  // of a check that has to be left after that
)

// FromHere makes a call for another vantage. What was seen more than a minute ago will not do.
func (e *Engine) FromHere(ctx context.Context, c Call, domain string) report.Elsewhere {
	r := e.lookAt(ctx, c, domain, true)
	a := lookedAt(r)
	seen := a.SeenFrom(e.cfg.Vantage, r.CheckedAt)
	if r.Troubled() || a.SeenAt != nil && r.CheckedAt.Sub(*a.SeenAt) > askAgain {
		seen.At = nil
	}
	return seen
}

// elsewhere has other vantages make the calls that show something bad.
func (run *run) elsewhere(ctx context.Context) {
	deadline, _ := ctx.Deadline()
	left := min(time.Until(deadline)-spareTime, elsewhereTime)
	if run.cfg.Elsewhere == nil || left <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	broken := slices.ContainsFunc(run.broken(), func(p report.Promise) bool { return p != report.PromiseDNSSEC })
	var work sync.WaitGroup
	defer work.Wait()
	made := 0
	for _, h := range tested(run.r) {
		for a, addr := range called(h) {
			if made < elsewhereMost && doubtful(a, broken) {
				made++
				work.Go(func() { run.askElsewhere(ctx, h, a, addr) })
			}
		}
	}
}

func (run *run) askElsewhere(ctx context.Context, h *report.Host, a *report.Address, addr netip.Addr) {
	defer run.rescue("elsewhere")
	a.Elsewhere = run.cfg.Elsewhere(ctx, Call{addr, h.Name}, run.r.Domain)
}

// doubtful reports whether an address is bad as seen from here, and not for our own reasons. Where the domain
// breaks a promise, it may be the certificate.
func doubtful(a *report.Address, broken bool) bool {
	if a.Failure != nil && report.Own(a.Failure.Kind) {
		return false
	}
	return broken || a.SMTP == nil || a.SMTP.STARTTLS != report.Works
}

// broken are the promises that the domain breaks, as far as is known; none in a part of a check.
func (run *run) broken() []report.Promise {
	if run.r.MX == nil {
		return nil
	}
	g := Judge(run.r.Meta, run.r.Evidence).Grade
	if g == nil {
		return nil
	}
	return g.Broken
}
