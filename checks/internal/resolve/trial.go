package resolve

import "time"

// Limits that no honest zone reaches. They keep a hostile one from buying our time with
// keys of equal tag, signatures by the dozen or costly hashes (CVE-2023-50387, CVE-2023-50868).
const (
	maxSameTag       = 4  // keys tried per signature
	maxPerSet        = 8  // verifications per RRset
	maxPerMessage    = 64 // verifications per message; with eight aliases 512 per look-up
	maxDigests       = 4  // DS digests computed in vain per delegation
	maxHashes        = 12 // names hashed for NSEC3 per message
	maxIterations    = 50 // of NSEC3; beyond them a denial is insecure (RFC 9276 §3.2), as BIND, PowerDNS and Knot Resolver have it
	maxSetSignatures = 32 // signatures looked at per RRset
)

// trial is the examination of one message: the time it is held against and the work it has
// cost so far.
type trial struct {
	now           time.Time
	sha1          bool // algorithms 5 and 7 are relied on
	verifications int
	hashes        map[hashed]string
	proved        *proofs // what need not be computed again; nil for none
}

// hashed is a name with the zone's NSEC3 parameters, to remember its hash by.
type hashed struct {
	name, salt string
	iterations uint16
}

// supported reports whether signatures of an algorithm are relied on.
func (t *trial) supported(number uint8) bool {
	a, ok := algorithms[number]
	return ok && (!a.sha1 || t.sha1)
}

// trial begins the examination of one message.
func (r *Resolver) trial() *trial {
	return &trial{now: r.cfg.Now(), sha1: r.cfg.AcceptSHA1, proved: r.proved}
}
