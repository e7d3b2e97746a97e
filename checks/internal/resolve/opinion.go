package resolve

import (
	"context"
	"fmt"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// Disagreement is an answer that the upstream, left to validate it, judges otherwise than
// we do. One of the two validators is wrong, or one of them looked at an older state of
// things: that is the operator's to find out. It says nothing about the domain.
type Disagreement struct {
	Name   string // fully qualified
	Type   string
	Ours   report.State
	Reason report.Cause // of our state
	Theirs string       // secure, insecure or servfail
}

func (d Disagreement) String() string {
	return fmt.Sprintf("%s of %s: %s here, %s there", d.Type, plain(d.Name), d.Ours, d.Theirs)
}

// SecondOpinion asks the upstream for the same answers again, this time validated by
// itself: one question each, side by side, without a retry of its own making. Answers that
// could not be had or judged are left out, and an upstream that does not validate has no
// opinion.
func (r *Resolver) SecondOpinion(ctx context.Context, answers ...*Answer) []Disagreement {
	validates := false
	found := make([]*Disagreement, len(answers))
	var all sync.WaitGroup
	all.Go(func() { validates = r.upstream.validated(ctx, question{".", dns.TypeSOA}).vouched })
	for i, a := range answers {
		if !binding(a) {
			continue
		}
		all.Go(func() {
			theirs := r.upstream.validated(ctx, question{a.Name, a.Type})
			if word := opinion(theirs); word != "" && word != expected(a.Trust.State) {
				found[i] = &Disagreement{a.Name, dns.Type(a.Type).String(), a.Trust.State, a.Trust.Reason, word}
			}
		})
	}
	all.Wait()
	var out []Disagreement
	for _, d := range found {
		if d != nil && validates {
			out = append(out, *d)
			r.upstream.disagreed.Add(1)
		}
	}
	return out
}

// Disagreements returns how often the upstream disagreed since the start, over all Fresh
// resolvers.
func (r *Resolver) Disagreements() int { return int(r.upstream.disagreed.Load()) }

// binding reports whether validators must agree about an answer. How they treat old
// algorithms, many iterations and opt-out spans is a matter of policy.
func binding(a *Answer) bool {
	switch a.Trust.Reason {
	case report.CauseUnsupportedAlgorithm, report.CauseUnsupportedDigest, report.CauseNSEC3Iterations, report.CauseOptOut:
		return false
	}
	return a.Failure == nil && a.Trust.State != report.Indeterminate
}

// expected is what a validating resolver makes of an answer in that state.
func expected(s report.State) string {
	if s == report.Bogus {
		return "servfail"
	}
	return string(s)
}

// opinion reads the state out of a validated reply; empty where it says nothing.
func opinion(theirs *reply) string {
	switch {
	case theirs.rcode == dns.RcodeServerFailure:
		return "servfail"
	case theirs.failure != nil:
		return ""
	case theirs.vouched:
		return string(report.Secure)
	}
	return string(report.Insecure)
}

// validated puts a question to the peer that answered last, without CD.
func (u *upstream) validated(ctx context.Context, q question) *reply {
	if len(u.peers) == 0 {
		return u.gaveUp(q)
	}
	if failure := u.enter(ctx, u.questions, q); failure != nil {
		return &reply{failure: failure}
	}
	defer u.leave(u.questions)
	return u.unchecked(ctx, u.peers[int(u.first.Load())], q)
}
