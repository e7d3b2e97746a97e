package resolve

import (
	"context"
	"slices"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// enclosing returns the zone that a name lies in, or the zone on the way at which the chain
// of trust ends. The way down is walked label by label, since every label may be a cut.
func (r *Resolver) enclosing(ctx context.Context, name string) *zone {
	if z, ok := r.store(name).zones.Get(name); ok {
		return z
	}
	z, ok := r.walking.Do(ctx, name, func(ctx context.Context) *zone {
		z, expires := r.walk(ctx, name)
		if z.fault == nil || ctx.Err() != context.Canceled {
			r.store(name).zones.PutFor(name, z, r.least(name, time.Until(expires)))
		}
		return z
	})
	if !ok {
		return &zone{name: name, fault: unanswered(report.CauseDSLookupFailed, r.upstream.gaveUp(question{name, dns.TypeDS}))}
	}
	return z
}

// walk makes the last step of the way to a name. It also says how long the result holds.
func (r *Resolver) walk(ctx context.Context, name string) (z *zone, expires time.Time) {
	now := time.Now()
	if name == "." {
		z, lifetime := r.root(ctx)
		return z, now.Add(lifetime)
	}
	above := r.enclosing(ctx, parent(name))
	_, expires, ok := r.store(parent(name)).zones.Until(parent(name))
	if !ok {
		expires = now.Add(failureLifetime)
	}
	if above.fault != nil {
		return above, expires
	}
	z, lifetime := r.cut(ctx, above, name)
	if at := now.Add(lifetime); at.Before(expires) {
		expires = at
	}
	return z, expires
}

// root authenticates the root by the trust anchors. Nothing that goes wrong here is anybody
// else's fault: either the upstream takes signatures away, or speaks of another root, or
// our own clock is wrong. Hence the root is never bogus.
func (r *Resolver) root(ctx context.Context) (*zone, time.Duration) {
	rep := r.ask(ctx, question{".", dns.TypeDNSKEY})
	z, lifetime := r.enter(&zone{name: "."}, ".", r.anchors, nil, rep)
	f := z.fault
	switch {
	case f == nil:
		if f = r.denies(ctx, z); f == nil {
			return z, lifetime
		}
	case f.code == report.CauseExpired || f.code == report.CauseNotYetValid:
		f = newFault(report.Indeterminate, report.CauseClockWrong, report.Say(report.SaysClockWrong).About(f.says))
	case f.code != report.CauseDNSKEYLookupFailed:
		f = indeterminate(report.CauseNotCapable, report.SaysRootUnproved, "reason", f.code)
	}
	return (&zone{}).broken(".", f, report.Link{}), failureLifetime
}

// denies tests whether the upstream passes on proofs of absence.
func (r *Resolver) denies(ctx context.Context, root *zone) *fault {
	rep := r.ask(ctx, question{".", selfTest})
	if rep.failure != nil || len(rep.answer) > 0 {
		return nil // says nothing about what it strips
	}
	for _, s := range rep.denials() {
		if s.typ != dns.TypeSOA && len(s.sigs) > 0 {
			return nil
		}
	}
	return indeterminate(report.CauseNotCapable, report.SaysDenialsTakenOut)
}

// cut asks the parent zone whether a zone begins at name, directly below it or deeper
// (RFC 4035 §5.2). Where none does, the answer is the parent itself.
func (r *Resolver) cut(ctx context.Context, above *zone, name string) (*zone, time.Duration) {
	q := question{name, dns.TypeDS}
	rep := r.ask(ctx, q)
	d := r.delegates(above, name, rep)
	if r.doubtful(q, rep, d.fault, above) {
		rep = r.look(ctx, q, rep, d.fault, func(rep *reply) *fault { return r.delegates(above, name, rep).fault })
		d = r.delegates(above, name, rep)
	}
	lifetime := rep.lifetime(q)
	switch {
	case d.fault != nil:
		if d.fault.state != report.Insecure {
			lifetime = failureLifetime
		}
		return above.broken(name, d.fault, report.Link{}).having(rep.seen), lifetime
	case d.list == nil:
		return above.having(rep.seen), lifetime
	}
	kq := question{name, dns.TypeDNSKEY}
	keys := r.ask(ctx, kq)
	win := window(d.sig, r.cfg.Now())
	z, life := r.enter(above, name, d.list, win, keys)
	if r.doubtful(kq, keys, z.fault, above) {
		keys = r.look(ctx, kq, keys, z.fault, func(rep *reply) *fault {
			z, _ := r.enter(above, name, d.list, win, rep)
			return z.fault
		})
		z, life = r.enter(above, name, d.list, win, keys)
	}
	return z.having(rep.seen, keys.seen), min(lifetime, life, until(d.sig.Expiration, r.cfg.Now())+time.Second)
}

// downward is what a zone says about a name at which another may begin.
type downward struct {
	list  []*dns.DS // where one does that is signed
	sig   *dns.RRSIG
	fault *fault
}

// delegates judges a reply to the question for the DS of a name.
func (r *Resolver) delegates(above *zone, name string, rep *reply) downward {
	if rep.failure != nil {
		return downward{fault: unanswered(report.CauseDSLookupFailed, rep)}
	}
	q, t := question{name, dns.TypeDS}, r.trial()
	if set := rep.find(name, dns.TypeDS); set != nil {
		sig, _, f := above.authenticate(set, t)
		if f == nil && int(sig.Labels) < dns.CountLabel(name) {
			f = bogus(report.CauseSignatureInvalid, report.SaysDSOfWildcard, "records", set)
		}
		if f == nil && rep.rcode == dns.RcodeNameError {
			f = contradicted(q, rep.rcode, above.name)
		}
		if f != nil {
			return downward{fault: f}
		}
		var list []*dns.DS
		for _, rr := range set.rrs {
			if ds, ok := rr.(*dns.DS); ok {
				list = append(list, ds)
			}
		}
		return downward{list: list, sig: sig}
	}
	if f, alias := above.aliased(rep, name, t); alias {
		return downward{fault: f}
	}
	proof, _, f := above.deny(rep, q, either, t)
	switch {
	case f == nil && proof.delegation:
		f = insecure(report.CauseNoDS, report.SaysDelegatedUnsigned, "zone", plain(above.name), "name", plain(name))
	case f != nil && f.state == report.Bogus:
		f = f.because(report.SaysDelegationUnproved, "zone", plain(above.name), "name", plain(name))
	}
	return downward{fault: f}
}

// having returns the zone with what was seen when its records were asked for twice. A zone
// that is shared is not changed.
func (z *zone) having(seen ...[]report.Witness) *zone {
	all, unheard := z.seen, z.unheard
	for _, s := range seen {
		var left int
		all, left = joined(slices.Clip(all), s)
		unheard += left
	}
	if len(all) == len(z.seen) && unheard == z.unheard {
		return z
	}
	with := *z
	with.seen, with.unheard = all, unheard
	return &with
}

// enter authenticates the keys of a zone by its DS records (RFC 4035 §5.2). The key that a
// DS stands for must itself have signed the DNSKEY set; only then are the others trusted.
func (r *Resolver) enter(above *zone, name string, list []*dns.DS, dsWindow *report.Signature, rep *reply) (*zone, time.Duration) {
	t := r.trial()
	link := report.Link{DSWindow: dsWindow}
	for _, ds := range list[:min(len(list), maxListed)] {
		link.DS = append(link.DS, report.DS{Tag: ds.KeyTag, Algorithm: ds.Algorithm, Digest: ds.DigestType})
	}
	end := func(f *fault) (*zone, time.Duration) {
		return above.broken(name, f, link), failureLifetime
	}
	usable, f := t.usable(list, name)
	if f != nil {
		z, _ := end(f)
		return z, mostLifetime // as long as the DS set, which the caller knows
	}
	if rep.failure != nil {
		return end(unanswered(report.CauseDNSKEYLookupFailed, rep))
	}
	set := rep.find(name, dns.TypeDNSKEY)
	if set == nil {
		return end(bogus(report.CauseDNSKEYMissing, report.SaysNoKeys, "zone", plain(name)))
	}
	var keys []*dns.DNSKEY
	for _, rr := range set.rrs {
		if key, ok := rr.(*dns.DNSKEY); ok {
			keys = append(keys, key)
			if len(link.Keys) < maxListed {
				link.Keys = append(link.Keys, report.Key{Tag: key.KeyTag(), Algorithm: key.Algorithm, Bits: bits(key), SEP: key.Flags&dns.SEP != 0})
			}
		}
	}
	if set.sigs == nil {
		return end(bogus(report.CauseRRSIGMissing, report.SaysKeysUnsigned, "zone", plain(name)))
	}
	entry, f := entryKeys(usable, keys, name)
	if f != nil {
		return end(f)
	}
	sig, notes, f := (&zone{name: name, keys: entry}).authenticate(set, t)
	link.Window = window(sig, t.now)
	if f != nil {
		return end(f)
	}
	link.Zone, link.State = plain(name), report.Secure
	link.Notes = append(notes, keyNotes(usable, keys, set)...)
	z := &zone{name: name, keys: keys, seen: above.seen, unheard: above.unheard, chain: append(slices.Clip(above.chain), link)}
	return z, min(rep.lifetime(question{name, dns.TypeDNSKEY}), until(sig.Expiration, t.now)+time.Second)
}

// usable picks the DS records that may be relied on. None at all makes the zone insecure
// (RFC 6840 §5.2).
func (t *trial) usable(list []*dns.DS, name string) ([]*dns.DS, *fault) {
	var good []*dns.DS
	known, better := false, false
	for _, ds := range list {
		if !t.supported(ds.Algorithm) {
			continue
		}
		known = true
		if digestSizes[ds.DigestType] > 0 {
			good = append(good, ds)
			better = better || ds.DigestType != dns.SHA1
		}
	}
	switch {
	case !known:
		return nil, insecure(report.CauseUnsupportedAlgorithm, report.SaysDSAlgorithms, "zone", plain(name))
	case len(good) == 0:
		return nil, insecure(report.CauseUnsupportedDigest, report.SaysDSDigests, "zone", plain(name))
	case better:
		good = slices.DeleteFunc(good, func(ds *dns.DS) bool { return ds.DigestType == dns.SHA1 })
	}
	return good, nil
}

// entryKeys returns the keys that a DS stands for.
func entryKeys(list []*dns.DS, keys []*dns.DNSKEY, name string) (entry []*dns.DNSKEY, f *fault) {
	unfit, vain := false, 0
	for _, ds := range list {
		for _, key := range keys {
			if key.Algorithm != ds.Algorithm || key.KeyTag() != ds.KeyTag || slices.Contains(entry, key) {
				continue
			}
			if vain == maxDigests {
				return nil, bogus(report.CauseLimit, report.SaysTooManyKeys, "zone", plain(name))
			}
			switch {
			case !digest(ds, key):
				vain++
			case !zoneKey(key):
				unfit = true
			default:
				entry = append(entry, key)
			}
		}
	}
	switch {
	case len(entry) > 0:
		return entry, nil
	case unfit:
		return nil, bogus(report.CauseNoZoneKeyBit, report.SaysEntryKeyUnfit, "zone", plain(name))
	}
	return nil, bogus(report.CauseDSMismatch, report.SaysNoEntryKey, "zone", plain(name))
}

// keyNotes lists what is amiss with the keys of a zone that validates all the same.
func keyNotes(list []*dns.DS, keys []*dns.DNSKEY, set *rrset) []report.Note {
	var notes []report.Note
	note := func(n report.Note) {
		if !slices.Contains(notes, n) {
			notes = append(notes, n)
		}
	}
	for _, key := range keys {
		switch size := bits(key); {
		case !isRSA(key.Algorithm) || size == 0:
		case size < 1024:
			note(report.NoteFactorableKey)
		case size < 2048:
			note(report.NoteWeakKey)
		}
	}
	for _, ds := range list {
		switch {
		case !slices.ContainsFunc(keys, func(k *dns.DNSKEY) bool { return k.Algorithm == ds.Algorithm }):
			note(report.NoteAlgorithmWithoutKey)
		case !slices.ContainsFunc(set.sigs, func(s *dns.RRSIG) bool { return s.Algorithm == ds.Algorithm }):
			note(report.NoteAlgorithmNotSigning)
		}
	}
	return notes
}
