package resolve

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// maxAliases bounds the CNAME and DNAME steps of one look-up.
const maxAliases = 8

// Lookup asks for the records of one type at a name, following aliases. Every owner on the
// way is asked for afresh and judged by itself, so that the state of each step is known
// (RFC 7672 §2.1.3) and nothing depends on how the upstream puts a chain together. Bogus
// answers are followed too, for the report's sake; the state tells.
func (r *Resolver) Lookup(ctx context.Context, name string, qtype uint16) *Answer {
	a := r.lookup(ctx, name, qtype)
	r.lost.note(r.check, a)
	return a
}

// Unproved returns the records of one type that the upstream gives for a name, aliases followed by
// it: for what is shown and nothing rests on. To prove them would take a question or two for every
// label of the name.
func (r *Resolver) Unproved(ctx context.Context, name string, qtype uint16) []dns.RR {
	owner, err := normal(name)
	if err != nil || meta(qtype) {
		return nil
	}
	var records []dns.RR
	for _, set := range r.ask(ctx, question{owner, qtype}).answer {
		if set.typ == qtype {
			records = append(records, set.rrs...)
		}
	}
	return records
}

func (r *Resolver) lookup(ctx context.Context, name string, qtype uint16) *Answer {
	a := &Answer{Name: dns.CanonicalName(name), Canonical: dns.CanonicalName(name), Type: qtype}
	owner, err := normal(name)
	if err != nil || meta(qtype) {
		why := report.Say(report.SaysNoType, "type", dns.Type(qtype))
		if err != nil {
			why = report.Say(report.SaysNoName, "name", strconv.Quote(report.Clean(name, 255)))
		}
		a.fail(report.Failed(report.PhaseDNS, report.KindMalformed, why), nil)
		return a
	}
	a.Name, a.Canonical = owner, owner
	visited := []string{owner}
	defer func() { a.Trust.Shorten(maxLinks) }()
	for {
		r.prefetch(ctx, owner)
		s := r.step(ctx, question{owner, qtype})
		a.Canonical = owner
		a.take(s, r)
		if s.reply.failure != nil || s.target == "" {
			break
		}
		a.Trust.Steps = append(a.Trust.Steps, report.Alias{Name: plain(owner), Target: plain(s.target), State: s.fault.trust()})
		if len(visited) > maxAliases || slices.Contains(visited, s.target) {
			a.fail(failed(report.KindLoop, report.SaysAliasesLoop, "name", plain(a.Name), "last", plain(owner)),
				indeterminate(report.CauseAliasFault, report.SaysAliasesEndless, "name", plain(a.Name)))
			break
		}
		owner = s.target
		visited = append(visited, owner)
	}
	return a
}

// meta reports whether a type stands for no records of its own (RFC 6895 §3.1), or only for
// the signatures of others.
func meta(qtype uint16) bool {
	return qtype == 0 || qtype == dns.TypeOPT || qtype == dns.TypeSIG || qtype == dns.TypeRRSIG || 128 <= qtype && qtype <= 255
}

// take adds what one step came to. The worst step gives the state and its reason, the first
// of them where several are alike.
func (a *Answer) take(s *step, r *Resolver) {
	t := &a.Trust
	a.Zone, a.Size, a.Rcode = s.apex(a.Canonical), s.reply.size, s.rcode
	for _, link := range s.chain() {
		if !slices.ContainsFunc(t.Chain, func(l report.Link) bool { return l.Zone == link.Zone }) {
			t.Chain = append(t.Chain, link)
		}
	}
	if state := s.fault.trust(); t.State == "" || state != t.State && state.Worse(t.State) == state {
		t.State, t.Reason, t.Statement, t.EDE = state, "", report.Statement{}, 0
		if f := s.fault; f != nil {
			t.Reason, t.Statement, t.EDE = f.code, f.says, f.ede
		}
	}
	left := 0
	t.Witnesses, left = joined(t.Witnesses, s.reply.seen)
	t.Unheard += left
	if s.zone != nil {
		t.Witnesses, left = joined(t.Witnesses, s.zone.seen)
		t.Unheard += left + s.zone.unheard
	}
	for _, n := range s.notes {
		if !slices.Contains(t.Notes, n) {
			t.Notes = append(t.Notes, n)
		}
	}
	if s.reply.failure != nil {
		a.Failure = s.reply.failure
		return
	}
	if s.target != "" {
		return
	}
	t.Signature = window(s.sig, r.cfg.Now())
	a.TTL = s.reply.negativeTTL()
	switch {
	case s.derived != nil:
		a.TTL = s.set.ttl()
		a.Records = append(a.Records, dns.Copy(s.derived))
	case s.set != nil:
		a.TTL = s.set.ttl()
		for _, rr := range s.set.rrs {
			a.Records = append(a.Records, dns.Copy(rr))
		}
	}
}

// fail ends a look-up without an answer.
func (a *Answer) fail(failure *report.Failure, f *fault) {
	if f == nil {
		f = newFault(report.Indeterminate, report.CauseLookupFailed, failure.Statement)
	}
	a.Failure = failure
	if state := a.Trust.State.Worse(report.Indeterminate); state != a.Trust.State {
		a.Trust.State, a.Trust.Reason, a.Trust.Statement, a.Trust.EDE = f.state, f.code, f.says, f.ede
	}
}

// step returns what one owner comes to, remembered for as long as the reply and the chain
// that prove it: signatures are verified once.
func (r *Resolver) step(ctx context.Context, q question) *step {
	store := r.store(q.name)
	if s, ok := store.steps.Get(q.String()); ok {
		return s
	}
	s := r.judge(ctx, q)
	_, expires, known := store.replies.Until(q.String())
	if !known || s.zone == nil || s.reply.failure != nil {
		return s
	}
	_, chain, known := r.store(s.zone.name).zones.Until(s.zone.name)
	if !known {
		return s
	}
	if chain.Before(expires) {
		expires = chain
	}
	if s.sig != nil {
		// A second longer than the signature: the step after that says that it expired.
		if end := time.Now().Add(until(s.sig.Expiration, r.cfg.Now()) + time.Second); s.fault == nil && end.Before(expires) {
			expires = end
		}
	}
	store.steps.PutFor(q.String(), s, time.Until(expires))
	return s
}

// judge asks for one owner and judges what comes. What does not come, or does not hold, is
// asked of others before that is said.
func (r *Resolver) judge(ctx context.Context, q question) *step {
	s := r.weigh(ctx, q, r.ask(ctx, q))
	if !r.doubtful(q, s.reply, s.fault, s.zone) {
		return s
	}
	rep := r.look(ctx, q, s.reply, s.fault, func(rep *reply) *fault { return r.weigh(ctx, q, rep).fault })
	return r.weigh(ctx, q, rep)
}

// weigh judges one reply to the question for an owner.
func (r *Resolver) weigh(ctx context.Context, q question, rep *reply) *step {
	s := &step{reply: rep}
	s.rcode = s.reply.rcode
	// A DS record belongs to the zone above the name (RFC 4035 §5.2).
	at := q.name
	if q.qtype == dns.TypeDS {
		at = parent(q.name)
	}
	if s.reply.failure != nil {
		s.fault = unanswered(report.CauseLookupFailed, s.reply)
		s.zone = r.enclosing(ctx, at) // for the ladder: how far the chain is whole
		return s
	}
	if s.set = s.reply.find(q.name, q.qtype); s.set != nil && !(len(s.set.sigs) == 0 && s.reply.dname(q.name) != nil) {
		if q.qtype == dns.TypeCNAME {
			s.rcode = dns.RcodeSuccess // that the target does not exist is another matter (RFC 2308 §2.1)
		}
		r.under(ctx, s, at, signer(at, s.set), func(z *zone, t *trial) *fault {
			f := z.answers(s, q.name, t)
			if f == nil && s.rcode == dns.RcodeNameError {
				f = contradicted(q, s.reply.rcode, z.name)
			}
			return f
		})
		return s
	}
	if r.alias(ctx, s, q, at) {
		return s
	}
	denials := s.reply.denials()
	r.under(ctx, s, at, signer(at, denials...), func(z *zone, t *trial) *fault {
		p, sig, f := z.deny(s.reply, q, s.reply.rcode, t)
		s.sig, s.notes = sig, p.notes
		if f == nil && !p.noName {
			s.rcode = dns.RcodeSuccess
		}
		return f
	})
	return s
}

// signer returns the name that signatures over the sets give as their zone, the longest
// where they differ; empty where none could be the zone of a name.
func signer(at string, sets ...*rrset) string {
	longest := ""
	for _, set := range sets {
		for _, sig := range set.sigs {
			if dns.IsSubDomain(sig.SignerName, at) && len(sig.SignerName) > len(longest) {
				longest = sig.SignerName
			}
		}
	}
	return longest
}

// under judges a step by the zone that its signatures name. Where that fails, or no zone is
// named, the whole way to the name is walked: a zone on it that is delegated without usable
// DS explains all. That such a one might be there, as in an opt-out span, explains nothing.
func (r *Resolver) under(ctx context.Context, s *step, at, signer string, judge func(*zone, *trial) *fault) {
	s.zone = r.enclosing(ctx, cmp.Or(signer, at))
	if s.fault = s.zone.fault; s.fault != nil {
		return
	}
	s.fault = judge(s.zone, r.trial())
	if s.fault.trust() != report.Bogus || signer == "" || signer == at {
		return
	}
	whole := r.enclosing(ctx, at)
	switch {
	case code(whole.fault) == report.CauseNoDS, code(whole.fault) == report.CauseUnsupportedAlgorithm, code(whole.fault) == report.CauseUnsupportedDigest:
		s.zone, s.fault, s.sig, s.notes = whole, whole.fault, nil, nil
	case whole.fault.trust() == report.Indeterminate: // what might explain it could not be had
		s.zone, s.fault, s.sig, s.notes = whole, whole.fault, nil, nil
	case whole.fault == nil && whole.name != s.zone.name:
		s.zone, s.fault = whole, judge(whole, r.trial())
	}
}

// alias judges the CNAME or DNAME that stands in the way of an answer; false means that
// there is none. A CNAME without signature beside a DNAME is the server's own making: the
// DNAME is proved and the target derived from it here (RFC 6672 §5.3).
func (r *Resolver) alias(ctx context.Context, s *step, q question, at string) bool {
	cname, dname := s.reply.find(q.name, dns.TypeCNAME), s.reply.dname(q.name)
	switch {
	case q.qtype != dns.TypeCNAME && cname != nil && (dname == nil || len(cname.sigs) > 0):
		s.set, s.target = cname, cname.target(q.name)
	case dname != nil:
		s.set, s.target, at = dname, dname.target(q.name), dname.name
	default:
		return false
	}
	if s.target == "" {
		rep := *s.reply
		rep.failure = failed(report.KindMalformed, report.SaysAliasNowhere, "name", plain(q.name))
		s.reply = &rep
		s.fault = newFault(report.Indeterminate, report.CauseAliasFault, rep.failure.Statement)
		return true
	}
	if q.qtype == dns.TypeCNAME {
		// Whoever asks for the alias wants itself, not what it leads to (RFC 1034 §3.6.2).
		s.derived = &dns.CNAME{Target: s.target,
			Hdr: dns.RR_Header{Name: q.name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: s.set.ttl()}}
		s.target, s.rcode = "", dns.RcodeSuccess
	}
	r.under(ctx, s, at, signer(at, s.set), func(z *zone, t *trial) *fault { return z.answersAlias(s, q.name, t) })
	return true
}
