package resolve

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// proof is what signed records say about a name that has no answer.
type proof struct {
	noName     bool // it does not exist; otherwise it exists, or may, without that type
	delegation bool // it is the top of another zone, which the parent says has no DS
	notes      []string
}

// denial is the verified records of absence of one message.
type denial struct {
	zone  string
	nsec  []*dns.NSEC
	nsec3 []*dns.NSEC3
	trial *trial
}

// deny proves that what was asked for is absent from the zone (RFC 4035 §5.4, RFC 5155 §8).
// Every record of absence must verify, also those that the proof could do without: the
// strictest validators in use ask no less, and mail to a zone that fails them waits. The
// signature returned is the one that ends first.
func (z *zone) deny(rep *reply, q question, rcode int, t *trial) (proof, *dns.RRSIG, *fault) {
	d := &denial{zone: z.name, trial: t}
	var soonest *dns.RRSIG // to expire
	var notes []string
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
	return bogus(NSECMissing, "The answer for %s was made from a wildcard of zone %s without proof that no closer name exists; its DNS host must add that proof.", plain(name), plain(z.name))
}

// take adds a verified RRset of absence (RFC 4035 §5.4: made from a wildcard it proves nothing).
func (d *denial) take(set *rrset, sig *dns.RRSIG) *fault {
	if set.typ == dns.TypeSOA {
		return nil
	}
	if int(sig.Labels) < ownerLabels(set.name) || len(set.rrs) != 1 {
		return bogus(NSECMissing, "The %v is not one single record of its own name, so it proves no absence; the DNS host of %s must mend its denials.", set, plain(d.zone))
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
			return bogus(NSECMissing, "Zone %s mixes NSEC3 records of different parameters in one denial, which proves nothing; its DNS host must mend its denials.", plain(d.zone))
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

func (d *denial) missing(q question) *fault {
	return bogus(NSECMissing, "Zone %s is signed but gives no valid proof that there is no %v; its DNS host must mend its denials.", plain(d.zone), q)
}

func contradicted(q question, rcode int, zone string) *fault {
	return bogus(RcodeMismatch, "The answer for the %v says %s, and the signed records with it say otherwise; the DNS host of %s must mend its answers.", q, dns.RcodeToString[rcode], plain(zone))
}

// absent judges the record at the very name, or at the wildcard that stands for it: it must
// list neither the type nor an alias, and be of the side of a zone cut that may speak of
// the type (RFC 6840 §4.1, §4.4): only the parent of the DS, only the child of the rest.
func (d *denial) absent(types []uint16, q question) *fault {
	has := func(t uint16) bool { return slices.Contains(types, t) }
	parentSide := has(dns.TypeNS) && !has(dns.TypeSOA)
	switch {
	case has(q.qtype) || has(dns.TypeCNAME):
		return bogus(NSECMissing, "The signed proof in the answer for the %v says that it, or an alias, exists; the DNS host of %s, or something on the way, takes it out.", q, plain(d.zone))
	case q.qtype == dns.TypeDS && has(dns.TypeSOA) && q.name != ".":
		return bogus(NSECMissing, "The proof that there is no %v comes from the zone below, which cannot know; the name servers of the zone above must answer.", q)
	case q.qtype != dns.TypeDS && parentSide:
		return bogus(NSECMissing, "The proof that there is no %v comes from the zone above a delegation, which cannot know; the name servers of the zone below must answer.", q)
	}
	return nil
}

// leads reports whether the owner of a record of absence is a delegation or a DNAME: of the
// names below, such a record proves nothing (RFC 6840 §4.1).
func leads(types []uint16) bool {
	return slices.Contains(types, dns.TypeDNAME) ||
		slices.Contains(types, dns.TypeNS) && !slices.Contains(types, dns.TypeSOA)
}

// byNSEC is the proof by plain NSEC (RFC 4035 §5.4).
func (d *denial) byNSEC(q question, rcode int) (proof, *fault) {
	for _, rr := range d.nsec {
		if rr.Hdr.Name != q.name {
			continue
		}
		if f := d.absent(rr.TypeBitMap, q); f != nil {
			return proof{}, f
		}
		p := existing(rcode)
		p.delegation = slices.Contains(rr.TypeBitMap, dns.TypeNS)
		return p, nil
	}
	for _, rr := range d.nsec {
		if !d.covers(rr, q.name) {
			continue
		}
		if next := dns.CanonicalName(rr.NextDomain); dns.IsSubDomain(q.name, next) {
			return existing(rcode), nil // an empty non-terminal
		}
		star := wildcard(closestEncloser(rr, q.name))
		for _, w := range d.nsec {
			switch {
			case w.Hdr.Name == star:
				return existing(rcode), d.absent(w.TypeBitMap, question{star, q.qtype})
			case !d.covers(w, star):
			case dns.IsSubDomain(star, dns.CanonicalName(w.NextDomain)):
				return existing(rcode), nil // the wildcard is itself an empty non-terminal
			case rcode == dns.RcodeSuccess:
				return proof{}, contradicted(q, rcode, d.zone)
			default:
				return proof{noName: true}, nil
			}
		}
	}
	return proof{}, d.missing(q)
}

// existing is the proof that a name exists. NXDOMAIN beside it is an old mistake of servers,
// mostly at empty non-terminals, that validators forgive where NSEC shows what was meant.
func existing(rcode int) proof {
	if rcode == dns.RcodeNameError {
		return proof{notes: []string{NoteNXDOMAIN}}
	}
	return proof{}
}

// covers reports whether the record proves that nothing exists at name: name lies between
// owner and next in canonical order, where the last record of the zone leads to the apex.
func (d *denial) covers(rr *dns.NSEC, name string) bool {
	owner, next := rr.Hdr.Name, rr.NextDomain
	if owner == name || !dns.IsSubDomain(d.zone, name) || dns.IsSubDomain(owner, name) && leads(rr.TypeBitMap) {
		return false
	}
	if compareNames(owner, name) >= 0 {
		return false
	}
	return compareNames(name, next) < 0 || compareNames(next, d.zone) == 0
}

// closestEncloser returns the longest existing ancestor of a name that the record covers:
// it shares most labels with one of the record's two names.
func closestEncloser(rr *dns.NSEC, name string) string {
	return suffix(name, max(dns.CompareDomainName(name, rr.Hdr.Name), dns.CompareDomainName(name, rr.NextDomain)))
}

// optOut is the fault of a name in a span that may hold unsigned delegations (RFC 5155 §6).
func optOut(zone, name string) *fault {
	return insecure(OptOut, "Zone %s leaves unsigned delegations out of its denials, so whether %s exists is said but not proved; where %[2]s is a domain of its own, its owner has to have it signed.", plain(zone), plain(name))
}

// tooCostly refuses NSEC3 of too many iterations before a single name is hashed. The
// signatures over the records were checked before: nobody else can bring this about.
func (d *denial) tooCostly() *fault {
	if len(d.nsec3) > 0 && d.nsec3[0].Iterations > maxIterations {
		return insecure(NSEC3Iterations, "Zone %s hashes its denials %d times more than once, beyond the %d at which validators still follow; its DNS host must set the NSEC3 iterations to 0.", plain(d.zone), d.nsec3[0].Iterations, maxIterations)
	}
	return nil
}
