package dane

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"slices"
	"time"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// sight is one certificate that one address served, held against every record.
type sight struct {
	address string
	cert    *report.Certificate
	why     []string // for each record why it does not match; empty where it does
	ways    []way    // for each record of usage 2 that matches how it does
}

// way is how a record of usage 2 matches.
type way struct {
	anchor *pkix.Certificate // nil for a bare key, and where nothing matches
	only   string            // the senders that take the name of the certificate, where not all do
}

// matched reports whether any record in force matches.
func (s sight) matched(inForce []bool) bool {
	for i, why := range s.why {
		if inForce[i] && why == "" {
			return true
		}
	}
	return false
}

// open reports whether a record that we have not looked at to the end may match.
func (s sight) open(t report.TLSA) bool {
	return t.Omitted > 0 || slices.Contains(s.why, unknown) || s.cert.OmittedIssuers > 0 && slices.Contains(s.why, absent)
}

// examine holds every certificate that an address presents, in the manner asked for, against
// every record.
func examine(r report.Observed, host *report.Host, presented func(*report.Address) []*report.Certificate) []sight {
	names := references(r, host)
	var sights []sight
	for _, a := range host.Addresses {
		if !host.Believes(a.IP) {
			continue // a sender that checks DANE does not go there
		}
		for _, c := range presented(a) {
			if len(c.DER) == 0 && c.Kept() {
				continue
			}
			l := listOf(c)
			s := sight{address: a.IP, cert: c}
			for _, rec := range host.TLSA.Records {
				why, how := mismatch(rec, l, names, r.CheckedAt)
				s.why, s.ways = append(s.why, why), append(s.ways, how)
			}
			sights = append(sights, s)
		}
	}
	return sights
}

// list is what a server sent: its own certificate, and of the others those that were kept and
// can be read. A list may be held against hundreds of records, so each digest is made once.
type list struct {
	*report.Certificate                   // the leaf
	leaf                *pkix.Certificate // nil where it cannot be read, or was not kept
	sent                []*pkix.Certificate
	digests             map[digest][]byte
}

// digest is one association data of one certificate; nil is the leaf.
type digest struct {
	of                 *pkix.Certificate
	selector, matching uint8
}

func listOf(c *report.Certificate) list {
	l := list{Certificate: c, digests: make(map[digest][]byte)}
	l.leaf, _ = pkix.Read(c.DER) // nil with an error
	var rest [][]byte
	for _, other := range c.Chain {
		rest = append(rest, other.DER)
	}
	l.sent = pkix.ReadAll(rest)
	return l
}

// data is what a record with the same selector and matching type would hold for a certificate
// of the list (RFC 6698 §2.1), nil for its leaf.
func (l list) data(r report.TLSARecord, of *pkix.Certificate) []byte {
	key := digest{of, r.Selector, r.Matching}
	d, known := l.digests[key]
	if !known {
		der, key := l.DER, l.leaf
		if of != nil {
			der, key = of.Raw, of
		}
		d = association(r, der, key)
		l.digests[digest{of, r.Selector, r.Matching}] = d
	}
	return d
}

// digestOnly is data for a leaf of which no more is known than its digests; unknown where they do
// not tell.
func (l list) digestOnly(r report.TLSARecord) (data []byte, known bool) {
	text := l.SHA256
	if r.Selector == 1 {
		text = l.SPKISHA256
	}
	data, err := hex.DecodeString(text)
	return data, err == nil && len(data) > 0 && r.Matching == 1
}

// The reasons why a record does not match a certificate; beside them stand those of a path
// that does not hold.
const (
	unusable = "the record cannot be used"
	differs  = "the digest differs"
	absent   = "no certificate of the sent chain is the one it names"
	broken   = "the chain does not lead to the certificate it names"
	misnamed = "the certificate is for another name"
	unknown  = "this checker could not verify the path to the end"
)

// mismatch says why a record does not match what was sent, or nothing and how it does. Usage 3
// looks at the leaf alone and ignores names and dates (RFC 7672 §3.1.1); usage 2 wants a trust
// anchor, a path up to it that holds, and one of the names (§3.1.2, §3.2.2).
func mismatch(r report.TLSARecord, l list, names []reference, at time.Time) (string, way) {
	data, err := hex.DecodeString(r.Data)
	switch {
	case !r.Usable || err != nil:
		return unusable, way{}
	case r.Usage == 3:
		return ofLeaf(r, l, data), way{}
	case !l.Kept():
		return unknown, way{}
	case l.leaf == nil:
		return broken, way{}
	}
	anchors := anchorsOf(r, data, l)
	if len(anchors) == 0 {
		return absent, way{}
	}
	path := pkix.Build(l.leaf, l.sent, anchors, false, at)
	if why := obstacle(path, anchors); why != "" {
		return why, way{}
	}
	only, ok := covered(l.leaf, names)
	if !ok {
		return misnamed, way{}
	}
	how := way{only: only}
	if !path.Bare {
		how.anchor = path.Certificates[len(path.Certificates)-1]
	}
	return "", how
}

// ofLeaf says why a record of usage 3 does not match, or nothing.
func ofLeaf(r report.TLSARecord, l list, data []byte) string {
	own, known := l.data(r, nil), true
	if !l.Kept() {
		own, known = l.digestOnly(r)
	}
	switch {
	case !known:
		return unknown
	case !bytes.Equal(own, data):
		return differs
	}
	return ""
}

// anchorsOf are the trust anchors that a record names: of what was sent, or whole in the record,
// and then it need not be sent (RFC 7671 §5.2.1, §5.2.3). The leaf is none, sent twice or not.
func anchorsOf(r report.TLSARecord, data []byte, l list) []pkix.Anchor {
	var anchors []pkix.Anchor
	add := func(c *pkix.Certificate) {
		if !c.Equal(l.leaf) {
			anchors = append(anchors, pkix.Anchor{Certificate: c})
		}
	}
	for _, c := range l.sent {
		if bytes.Equal(l.data(r, c), data) {
			add(c)
		}
	}
	switch {
	case r.Matching != 0:
	case r.Selector == 1:
		anchors = append(anchors, pkix.Anchor{Key: pkix.ReadKey(data)})
	default:
		if c, err := pkix.Read(data); err == nil {
			add(c)
		}
	}
	return anchors
}

// obstacle says what stands against a path, or nothing.
func obstacle(path pkix.Path, anchors []pkix.Anchor) string {
	switch {
	case path.Holds():
		return ""
	case path.Has(report.FaultTooMuch), path.Anchored && path.Has(report.FaultUnchecked) && len(path.Faults) == 1:
		return unknown
	case path.Anchored:
		for _, f := range path.Faults {
			if f.Code != report.FaultUnchecked {
				return view.PathFault(f)
			}
		}
		return unknown
	case !slices.ContainsFunc(anchors, func(a pkix.Anchor) bool { return a.Certificate != nil }):
		return absent
	}
	return broken
}

// association is the data that a record with the same selector and matching type would
// hold for a certificate, read where it can be.
func association(r report.TLSARecord, der []byte, read *pkix.Certificate) []byte {
	switch {
	case r.Selector == 1 && read == nil:
		return nil
	case r.Selector == 1:
		der = read.SPKI
	}
	switch {
	case der == nil:
		return nil
	case r.Matching == 1:
		sum := sha256.Sum256(der)
		return sum[:]
	case r.Matching == 2:
		sum := sha512.Sum512(der)
		return sum[:]
	}
	return der
}

// indexes returns which records match what was seen.
func indexes(records []report.TLSARecord, s sight) []int {
	var all []int
	for i := range records {
		if s.why[i] == "" {
			all = append(all, i)
		}
	}
	return all
}
