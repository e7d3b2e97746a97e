package resolve

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// severity orders the faults of the signatures over one RRset: where all of them fail, the
// first of this list is the one to tell the owner.
var severity = []report.Cause{report.CauseLimit, report.CauseExpired, report.CauseNotYetValid, report.CauseSignatureInvalid, report.CauseNoZoneKeyBit, report.CauseDNSKEYMissing, report.CauseSignerMismatch, report.CauseRRSIGMissing, report.CauseUnsupportedAlgorithm}

// authenticate proves an RRset by the keys of a zone (RFC 4035 §5.3). One good signature is
// enough (RFC 6840 §5.11); faults of others are notes. Where none is good, the signature
// returned is the one that the fault is about, if any.
func (z *zone) authenticate(set *rrset, t *trial) (good *dns.RRSIG, notes []report.Note, f *fault) {
	if !dns.IsSubDomain(z.name, set.name) {
		return nil, nil, bogus(report.CauseSignerMismatch, report.SaysOutsideZone, "records", set, "zone", plain(z.name))
	}
	var failed *dns.RRSIG
	var extra bool
	budget := maxPerSet
	for i, sig := range set.sigs {
		var fail *fault
		if i < maxSetSignatures {
			fail = z.check(set, sig, t, &budget)
		} else {
			fail = tooMuch(set)
		}
		switch {
		case fail == nil:
			if good == nil || better(sig, good) {
				good = sig
			}
		case fail.code == report.CauseExpired, fail.code == report.CauseNotYetValid, fail.code == report.CauseSignatureInvalid:
			extra = true
			fallthrough
		default:
			if f == nil || slices.Index(severity, fail.code) < slices.Index(severity, f.code) {
				f, failed = fail, sig
			}
		}
		if fail != nil && fail.code == report.CauseLimit {
			break
		}
	}
	if good == nil {
		if f == nil {
			f = bogus(report.CauseRRSIGMissing, report.SaysNoSignature, "records", set, "zone", plain(z.name))
		}
		return failed, nil, f
	}
	if extra {
		notes = append(notes, report.NoteExtraSignature)
	}
	if left := until(good.Expiration, t.now); left < 3*24*time.Hour {
		notes = append(notes, report.NoteExpiresSoon)
	}
	if until(good.Inception, t.now) > -time.Hour {
		notes = append(notes, report.NoteBeganRecently)
	}
	return good, notes, nil
}

// better prefers the signature over the very owner to one over a wildcard, then the one
// that lasts longer.
func better(a, b *dns.RRSIG) bool {
	if a.Labels != b.Labels {
		return a.Labels > b.Labels
	}
	return int32(a.Expiration-b.Expiration) > 0
}

// check holds one signature against the zone's keys (RFC 4035 §5.3.1 to §5.3.3).
func (z *zone) check(set *rrset, sig *dns.RRSIG, t *trial, budget *int) *fault {
	where := plain(z.name)
	switch {
	case sig.SignerName != z.name:
		return bogus(report.CauseSignerMismatch, report.SaysOtherSigner, "records", set, "signer", plain(sig.SignerName), "zone", where)
	case int(sig.Labels) > ownerLabels(set.name) || int(sig.Labels) < dns.CountLabel(z.name):
		return bogus(report.CauseSignatureInvalid, report.SaysSignatureLabels, "records", set, "labels", sig.Labels, "zone", where)
	case !t.supported(sig.Algorithm):
		return bogus(report.CauseUnsupportedAlgorithm, report.SaysOneAlgorithmOnly, "records", set, "algorithm", sig.Algorithm, "zone", where)
	case int32(sig.Expiration-sig.Inception) < 0, until(sig.Expiration, t.now) < 0:
		return bogus(report.CauseExpired, report.SaysSignatureExpired, "records", set, "key", sig.KeyTag, "zone", where, "moment", moment(sig.Expiration, t.now))
	case until(sig.Inception, t.now) > 0:
		return bogus(report.CauseNotYetValid, report.SaysSignatureEarly, "records", set, "key", sig.KeyTag, "zone", where, "moment", moment(sig.Inception, t.now))
	}
	data, err := signedData(set, sig)
	if err != nil {
		return bogus(report.CauseSignatureInvalid, report.SaysNoSignedForm, "records", set, "error", err)
	}
	unfit, tried := false, 0
	for _, key := range z.keys {
		if key.Algorithm != sig.Algorithm || key.KeyTag() != sig.KeyTag {
			continue
		}
		if !zoneKey(key) {
			unfit = true
			continue
		}
		if tried == maxSameTag || *budget == 0 || t.verifications == maxPerMessage {
			return tooMuch(set)
		}
		tried++
		*budget--
		t.verifications++
		if t.proved.verifies(key, sig, data) {
			return nil
		}
	}
	switch {
	case tried > 0:
		return bogus(report.CauseSignatureInvalid, report.SaysSignatureWrong, "records", set, "key", sig.KeyTag, "zone", where)
	case unfit:
		return bogus(report.CauseNoZoneKeyBit, report.SaysUnfitKeySigned, "records", set, "key", sig.KeyTag, "zone", where)
	}
	return bogus(report.CauseDNSKEYMissing, report.SaysUnknownKeySigned, "records", set, "key", sig.KeyTag, "algorithm", sig.Algorithm, "zone", where)
}

func tooMuch(set *rrset) *fault {
	return bogus(report.CauseLimit, report.SaysTooManySignatures, "records", set)
}

// zoneKey reports whether a key may verify the data of a zone: ZONE bit, protocol 3, not
// revoked (RFC 4034 §2.1, RFC 5011 §2.1).
func zoneKey(key *dns.DNSKEY) bool {
	return key.Flags&dns.ZONE != 0 && key.Flags&dns.REVOKE == 0 && key.Protocol == 3
}

// ownerLabels counts the labels of an owner as an RRSIG does: without the root and without
// a leading asterisk (RFC 4034 §3.1.3).
func ownerLabels(name string) int {
	n := dns.CountLabel(name)
	if strings.HasPrefix(name, "*.") {
		n--
	}
	return n
}

// until returns the time from now to a moment of an RRSIG, in the serial arithmetic of
// RFC 4034 §3.1.5: every moment lies within 68 years.
func until(moment uint32, now time.Time) time.Duration {
	return time.Duration(int32(moment-uint32(now.Unix()))) * time.Second
}

func moment(m uint32, now time.Time) string {
	return date(m, now).Format("2006-01-02 15:04 UTC")
}

func date(m uint32, now time.Time) time.Time {
	return now.Add(until(m, now)).UTC().Truncate(time.Second)
}

// window puts the validity of a signature into evidence; nil stays nil.
func window(sig *dns.RRSIG, now time.Time) *report.Signature {
	if sig == nil {
		return nil
	}
	return &report.Signature{Tag: sig.KeyTag, Algorithm: sig.Algorithm,
		Inception: date(sig.Inception, now), Expires: date(sig.Expiration, now), TTL: sig.OrigTtl}
}

// digest reports whether a DS is the digest of a key (RFC 4034 §5.1.4).
func digest(ds *dns.DS, key *dns.DNSKEY) bool {
	got := key.ToDS(ds.DigestType)
	if got == nil {
		return false
	}
	a, err1 := hex.DecodeString(got.Digest)
	b, err2 := hex.DecodeString(ds.Digest)
	return err1 == nil && err2 == nil && len(a) == digestSizes[ds.DigestType] && slices.Equal(a, b)
}
