package resolve

import (
	"slices"
	"strings"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// deny proves that what was asked for is absent from the zone (RFC 4035 §5.4, RFC 5155 §8).
// Every record of absence must verify, also those that the proof could do without: the
// strictest validators in use ask no less, and mail to a zone that fails them waits. The
// signature returned is the one that ends first.
func (z *zone) deny(rep *reply, q question, rcode int, t *trial) (proof, *dns.RRSIG, *fault) {
	d := &denial{zone: z.name, trial: t}
	var soonest *dns.RRSIG // to expire
	var notes []report.Note
	for _, set := range rep.denials() {
		if set.typ == dns.TypeSOA && rcode == either {
			continue
		}
		sig, n, f := z.authenticate(set, t)
		if f == nil {
			f = d.take(set, sig)
		}
		if f != nil {
			return proof{}, sig, f
		}
		for _, note := range n {
			if !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
		if soonest == nil || int32(sig.Expiration-soonest.Expiration) < 0 {
			soonest = sig
		}
	}
	p, f := d.judge(q, rcode)
	p.notes = append(notes, p.notes...)
	return p, soonest, f
}

// expanded proves that a record made from a wildcard had to be: nothing closer to the name
// exists (RFC 4035 §5.3.4, RFC 5155 §8.8). labels is that of the record's signature.
func (z *zone) expanded(rep *reply, name string, labels int, t *trial) *fault {
	d := &denial{zone: z.name, trial: t}
	for _, set := range rep.denials() {
		if set.typ == dns.TypeSOA {
			continue
		}
		// The section may also hold records of another zone, to which an alias led.
		if sig, _, f := z.authenticate(set, t); f == nil {
			if f := d.take(set, sig); f != nil {
				return f
			}
		}
	}
	closest := suffix(name, labels)
	if f := d.tooCostly(); f != nil {
		return f
	}
	for _, rr := range d.nsec {
		if d.covers(rr, name) && closestEncloser(rr, name) == closest {
			return nil
		}
	}
	if len(d.nsec3) > 0 {
		rr, f := d.covering(suffix(name, labels+1))
		switch {
		case f != nil:
			return f
		case rr != nil && rr.Flags&1 != 0:
			return optOut(z.name, name)
		case rr != nil:
			return nil
		}
	}
	return bogus(report.CauseNSECMissing, report.SaysWildcardUnproved, "name", plain(name), "zone", plain(z.name))
}

// take adds a verified RRset of absence (RFC 4035 §5.4: made from a wildcard it proves nothing).
func (d *denial) take(set *rrset, sig *dns.RRSIG) *fault {
	if set.typ == dns.TypeSOA {
		return nil
	}
	if int(sig.Labels) < ownerLabels(set.name) || len(set.rrs) != 1 {
		return bogus(report.CauseNSECMissing, report.SaysDenialPlural, "records", set, "zone", plain(d.zone))
	}
	switch rr := set.rrs[0].(type) {
	case *dns.NSEC:
		if dns.IsSubDomain(d.zone, rr.NextDomain) {
			d.nsec = append(d.nsec, rr)
		}
	case *dns.NSEC3:
		if rr.Hash != dns.SHA1 || rr.Flags > 1 || parent(set.name) != d.zone || len(rr.NextDomain) != hashLabel || len(hashOf(rr)) != hashLabel {
			return nil // RFC 5155 §8.1, §8.2: to be ignored
		}
		if len(d.nsec3) > 0 && (rr.Iterations != d.nsec3[0].Iterations || !strings.EqualFold(rr.Salt, d.nsec3[0].Salt)) {
			return bogus(report.CauseNSECMissing, report.SaysNSEC3Mixed, "zone", plain(d.zone))
		}
		d.nsec3 = append(d.nsec3, rr)
	}
	return nil
}

// either stands for an rcode that does not matter, nor does the SOA: whoever asks whether a
// zone begins at a name learns from NSEC or NSEC3 alone that none does.
const either = -1

// judge weighs the records of absence against the question and the rcode. The rcode is not
// signed: it counts only where the proof says the same.
func (d *denial) judge(q question, rcode int) (proof, *fault) {
	if f := d.tooCostly(); f != nil {
		return proof{}, f
	}
	switch {
	case len(d.nsec) > 0:
		p, f := d.byNSEC(q, rcode)
		if f == nil || len(d.nsec3) == 0 {
			return p, f
		}
		return d.byNSEC3(q, rcode)
	case len(d.nsec3) > 0:
		return d.byNSEC3(q, rcode)
	}
	return proof{}, d.missing(q)
}
