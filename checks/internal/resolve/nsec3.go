package resolve

import (
	"slices"
	"strings"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// hashLabel is the length of a SHA-1 digest in base32hex.
const hashLabel = 32

// hashOf returns the hash that is the first label of an NSEC3 owner, in upper case.
func hashOf(rr *dns.NSEC3) string {
	label, _, _ := strings.Cut(rr.Hdr.Name, ".")
	return strings.ToUpper(label)
}

// hash returns the hash of a name, or a fault when the message asks for too many.
func (d *denial) hash(name string) (string, *fault) {
	rr := d.nsec3[0] // all have the same parameters
	k := hashed{name, rr.Salt, rr.Iterations}
	t := d.trial
	if h, ok := t.hashes[k]; ok {
		return h, nil
	}
	if len(t.hashes) == maxHashes {
		return "", bogus(report.CauseLimit, report.SaysTooManyHashes, "zone", plain(d.zone))
	}
	if t.hashes == nil {
		t.hashes = make(map[hashed]string)
	}
	t.hashes[k] = dns.HashName(name, rr.Hash, rr.Iterations, rr.Salt)
	return t.hashes[k], nil
}

// matching returns the record whose owner is the hash of name, or nil.
func (d *denial) matching(name string) (*dns.NSEC3, *fault) {
	h, f := d.hash(name)
	if f != nil {
		return nil, f
	}
	for _, rr := range d.nsec3 {
		if hashOf(rr) == h {
			return rr, nil
		}
	}
	return nil, nil
}

// covering returns a record in whose span the hash of name lies, or nil.
func (d *denial) covering(name string) (*dns.NSEC3, *fault) {
	h, f := d.hash(name)
	if f != nil {
		return nil, f
	}
	for _, rr := range d.nsec3 {
		owner, next := hashOf(rr), strings.ToUpper(rr.NextDomain)
		if owner < next && owner < h && h < next ||
			owner >= next && (h > owner || h < next) && h != owner { // the last of the zone
			return rr, nil
		}
	}
	return nil, nil
}

// byNSEC3 is the proof by hashed names (RFC 5155 §8.4 to §8.7).
func (d *denial) byNSEC3(q question, rcode int) (proof, *fault) {
	if !dns.IsSubDomain(d.zone, q.name) {
		return proof{}, d.missing(q)
	}
	notes := d.notes()
	exact, f := d.matching(q.name)
	if f != nil {
		return proof{}, f
	}
	if exact != nil {
		if f := d.absent(exact.TypeBitMap, q); f != nil {
			return proof{}, f
		}
		if rcode == dns.RcodeNameError {
			return proof{}, contradicted(q, rcode, d.zone)
		}
		return proof{delegation: slices.Contains(exact.TypeBitMap, dns.TypeNS), notes: notes}, nil
	}
	closest, span, f := d.closest(q)
	if f != nil {
		return proof{}, f
	}
	open := span.Flags&1 != 0
	if open {
		notes = append(notes, report.NoteOptOut)
	}
	if q.qtype == dns.TypeDS && open && rcode != dns.RcodeNameError {
		return proof{notes: notes}, optOut(d.zone, q.name) // RFC 5155 §8.6
	}
	star := wildcard(closest)
	wild, f := d.matching(star)
	if f != nil {
		return proof{}, f
	}
	none, f := d.covering(star)
	switch {
	case f != nil:
		return proof{}, f
	case wild != nil && rcode == dns.RcodeNameError:
		return proof{}, contradicted(q, rcode, d.zone)
	case wild != nil:
		if f := d.absent(wild.TypeBitMap, question{star, q.qtype}); f != nil {
			return proof{}, f
		}
	case open && rcode == dns.RcodeSuccess:
	case none == nil:
		return proof{}, d.missing(q)
	case rcode == dns.RcodeSuccess:
		return proof{}, contradicted(q, rcode, d.zone)
	}
	p := proof{noName: none != nil, notes: notes}
	if open {
		return p, optOut(d.zone, q.name)
	}
	return p, nil
}

// closest proves the closest encloser of a name that does not exist (RFC 5155 §8.3). It
// returns that ancestor and the record that covers the name one label longer.
func (d *denial) closest(q question) (string, *dns.NSEC3, *fault) {
	longer := q.name
	for longer != d.zone {
		above := parent(longer)
		rr, f := d.matching(above)
		if f != nil {
			return "", nil, f
		}
		if rr == nil {
			longer = above
			continue
		}
		if leads(rr.TypeBitMap) {
			break
		}
		span, f := d.covering(longer)
		if f != nil {
			return "", nil, f
		}
		if span == nil {
			break
		}
		return above, span, nil
	}
	return "", nil, d.missing(q)
}

// notes lists what is amiss with the parameters of a valid denial.
func (d *denial) notes() []report.Note {
	if d.nsec3[0].Iterations > 0 {
		return []report.Note{report.NoteIterations}
	}
	return nil
}

// tooCostly refuses NSEC3 of too many iterations before a single name is hashed. The
// signatures over the records were checked before: nobody else can bring this about.
func (d *denial) tooCostly() *fault {
	if len(d.nsec3) > 0 && d.nsec3[0].Iterations > maxIterations {
		return insecure(report.CauseNSEC3Iterations, report.SaysNSEC3Costly, "zone", plain(d.zone), "iterations", d.nsec3[0].Iterations, "most", maxIterations)
	}
	return nil
}
