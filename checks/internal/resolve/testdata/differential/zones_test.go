package differential

import "mxseal/checks/report"

// The programs that sign.
const (
	bind = "dnssec-signzone"
	ldns = "ldns-signzone"
)

const (
	secure        = report.Secure
	insecure      = report.Insecure
	bogus         = report.Bogus
	indeterminate = report.Indeterminate
)

// zone is one zone of the world. Unless a row says otherwise it is signed by one P-256 key
// with NSEC, from 2020 to 2037, and its parent has the SHA-256 DS of its keys.
type zone struct {
	Name    string
	want    report.State // of its A records at mx, at equal policy
	why     string
	by      string // the program that signs; unsigned where empty
	keys    []key
	nsec3   *nsec3
	window  window
	ds      delegation      // in the parent; the SHA-256 DS of every key signing key if nil
	harm    func(*contents) // done after signing
	strict  bool            // judged by Unbound with harden-algo-downgrade
	lenient bool            // Unbound trusts it against the RFC, so nothing else is asked of it
	hidden  bool            // delegated to NSD, which was not told

	Served string   // file in the folder zones
	files  []string // of the key pairs, without their endings
}

type nsec3 struct {
	iterations, salt string
	optOut           bool
}

type window struct{ from, to string }

var (
	now     = window{"20200101000000", "20370101000000"}
	past    = window{"20200101000000", "20210101000000"}
	coming  = window{"20360101000000", "20370101000000"}
	hashed  = &nsec3{iterations: "0", salt: "-"}
	salted  = &nsec3{iterations: "5", salt: "abcd"}
	optOut  = &nsec3{iterations: "0", salt: "-", optOut: true}
	upTo50  = &nsec3{iterations: "50", salt: "-"}
	over50  = &nsec3{iterations: "51", salt: "-"}
	over150 = &nsec3{iterations: "151", salt: "-"}
	over500 = &nsec3{iterations: "500", salt: "-"}
)

var zones = []*zone{
	{Name: ".", by: ldns, keys: keys("RSASHA256"), want: secure, why: "the root"},
	{Name: "test.", by: bind, want: secure, why: "a top-level domain, NSEC"},
	{Name: "registry.", by: bind, nsec3: optOut, want: secure, why: "a top-level domain as most are: NSEC3, opt-out"},
	{Name: "unsigned.", want: insecure, why: "a top-level domain that is not signed"},

	// Algorithms.
	{Name: "rsasha1.test.", by: bind, keys: keys("RSASHA1"), want: secure, why: "algorithm 5"},
	{Name: "rsasha1nsec3.test.", by: bind, keys: keys("NSEC3RSASHA1"), nsec3: salted, want: secure, why: "algorithm 7"},
	{Name: "rsasha256.test.", by: bind, keys: keys("RSASHA256"), want: secure, why: "algorithm 8"},
	{Name: "rsasha512.test.", by: ldns, keys: keys("RSASHA512"), nsec3: hashed, want: secure, why: "algorithm 10"},
	{Name: "ecdsap384.test.", by: ldns, keys: keys("ECDSAP384SHA384"), want: secure, why: "algorithm 14"},
	{Name: "ed25519.test.", by: bind, keys: keys("ED25519"), nsec3: hashed, want: secure, why: "algorithm 15"},
	{Name: "ed448.test.", by: ldns, keys: keys("ED448"), want: secure, why: "algorithm 16"},
	{Name: "rsa512.test.", by: ldns, keys: []key{{algorithm: "RSASHA256", bits: 512}}, want: secure, why: "a key that can be factored over a weekend"},
	{Name: "rsa768.test.", by: ldns, keys: []key{{algorithm: "RSASHA256", bits: 768}}, want: secure, why: "a key shorter than crypto/rsa accepts"},
	{Name: "split.test.", by: bind, keys: []key{{algorithm: p256}, {algorithm: p256, zsk: true}}, want: secure, why: "KSK and ZSK"},
	{Name: "noSEP.test.", by: ldns, keys: []key{{algorithm: p256, zsk: true}}, ds: everyKey(sha256), want: secure, why: "the DS of a key without SEP bit; capitals in the name"},
	{Name: "rollover.test.", by: bind, keys: []key{{algorithm: p256}, {algorithm: p256}, {algorithm: p256, zsk: true}}, want: secure, why: "two KSK, both with DS"},
	{Name: "double.test.", by: bind, keys: keys("RSASHA256", p256), want: secure, why: "two algorithms, both sign all"},
	{Name: "dsalone.test.", by: bind, ds: and(everyKey(sha256), stray("RSASHA256")), want: secure, why: "a DS of an algorithm without key"},
	{Name: "dsmixed.test.", by: bind, keys: keys("RSASHA1", p256), want: secure, why: "SHA-1 beside an algorithm that is relied on"},
	{Name: "unknownalgorithm.test.", by: bind, ds: patched(dsAlgorithm, "200"), want: insecure, why: "the only DS names an unknown algorithm"},
	{Name: "unknowndigest.test.", by: ldns, ds: patched(dsDigest, "200"), want: insecure, why: "the only DS has an unknown digest"},
	{Name: "oneunknown.test.", by: ldns, ds: and(everyKey(sha256), patched(dsAlgorithm, "200")), want: secure, why: "one DS of two is of use"},

	// DS.
	{Name: "dssha1.test.", by: bind, ds: everyKey(sha1), want: secure, why: "nothing but a SHA-1 DS"},
	{Name: "dssha384.test.", by: bind, ds: everyKey(sha384), want: secure, why: "a SHA-384 DS"},
	{Name: "dssha1good.test.", by: bind, ds: and(everyKey(sha1), patched(dsData, wrongDigest)), strict: true, want: bogus, why: "SHA-1 DS fits, SHA-256 DS does not (RFC 4509 §3)"},
	{Name: "wrongds.test.", by: bind, ds: stray(p256), want: bogus, why: "the DS of a key that is gone"},
	{Name: "wrongdigest.test.", by: ldns, ds: patched(dsData, wrongDigest), want: bogus, why: "tag and algorithm fit, the digest does not"},
	{Name: "island.test.", by: bind, ds: none, want: insecure, why: "signed, but the parent has no DS"},
	{Name: "plain.test.", want: insecure, why: "not signed"},
	{Name: "unsignedds.test.", ds: stray(p256), want: bogus, why: "a DS, but not signed"},

	// Keys.
	{Name: "revoked.test.", by: ldns, keys: []key{{algorithm: p256, flags: "385"}}, ds: everyKey(sha256), lenient: true, want: bogus, why: "the DS of a revoked key (RFC 5011 §2.1), of which Unbound does not mind the bit"},
	{Name: "revokedold.test.", by: ldns, keys: []key{{algorithm: p256}, {algorithm: p256, flags: "385"}}, ds: firstKey, want: secure, why: "a revoked key beside the one in use"},
	{Name: "protocol.test.", by: ldns, keys: []key{{algorithm: p256, protocol: "4"}}, want: bogus, why: "a key of another protocol than DNSSEC"},
	{Name: "nozonebit.test.", by: bind, keys: []key{{algorithm: p256}, {algorithm: p256, zsk: true}}, harm: clearZoneBit, want: bogus, why: "data signed by a key that is no zone key"},
	{Name: "nokey.test.", by: bind, harm: drop(record("DNSKEY")), want: bogus, why: "no DNSKEY"},
	{Name: "keyunsigned.test.", by: bind, harm: drop(signatureOver("DNSKEY")), want: bogus, why: "a DNSKEY set without signature"},
	{Name: "notbyksk.test.", by: bind, keys: []key{{algorithm: p256}, {algorithm: p256, zsk: true}}, harm: signedByOther, want: bogus, why: "the DNSKEY set is signed by the ZSK only"},
	{Name: "zskgone.test.", by: ldns, keys: []key{{algorithm: p256}, {algorithm: p256, zsk: true}}, harm: retireZSK, want: bogus, why: "data signed by a key that is not published"},

	// Signatures.
	{Name: "expired.test.", by: bind, window: past, want: bogus, why: "all signatures expired"},
	{Name: "expirednsec3.test.", by: ldns, nsec3: hashed, window: past, want: bogus, why: "the same with NSEC3"},
	{Name: "early.test.", by: bind, window: coming, want: bogus, why: "all signatures begin in 2036"},
	{Name: "dataexpired.test.", by: bind, harm: expire("A"), want: bogus, why: "the keys are fine, the signatures over addresses ended"},
	{Name: "stripped.test.", by: bind, harm: drop(record("RRSIG")), want: bogus, why: "no signature at all"},
	{Name: "datastripped.test.", by: ldns, harm: drop(signatureOver("A")), want: bogus, why: "no signatures over addresses"},
	{Name: "tampered.test.", by: bind, harm: tamper, want: bogus, why: "addresses changed after signing"},
	{Name: "garbled.test.", by: ldns, nsec3: salted, harm: garble("A"), want: bogus, why: "a bit of each signature over addresses flipped"},
	{Name: "wrongsigner.test.", by: bind, harm: renameSigner, want: bogus, why: "signatures that name the zone above"},
	{Name: "morelabels.test.", by: bind, harm: relabel(+1), want: bogus, why: "signatures that count more labels than there are"},
	{Name: "lesslabels.test.", by: bind, harm: relabel(-1), want: bogus, why: "signatures that pass for those of a wildcard"},
	{Name: "extrasignature.test.", by: bind, harm: addExpired, want: secure, why: "an expired signature beside each good one"},
	{Name: "longttl.test.", by: ldns, harm: lengthen, want: secure, why: "TTLs above the original ones"},

	// Denials.
	{Name: "nsec.test.", by: bind, want: secure, why: "NSEC"},
	{Name: "signed.nsec.test.", by: ldns, want: secure, why: "a zone below"},
	{Name: "unsigned.nsec.test.", want: insecure, why: "a delegation without DS, proved"},
	{Name: "nsec3.test.", by: bind, nsec3: salted, want: secure, why: "NSEC3"},
	{Name: "signed.nsec3.test.", by: ldns, nsec3: hashed, want: secure, why: "a zone below"},
	{Name: "unsigned.nsec3.test.", want: insecure, why: "a delegation without DS, proved"},
	{Name: "optout.test.", by: ldns, nsec3: optOut, want: secure, why: "NSEC3, opt-out"},
	{Name: "signed.optout.test.", by: bind, want: secure, why: "a signed zone below opt-out"},
	{Name: "unsigned.optout.test.", want: insecure, why: "a delegation in an opt-out span"},
	{Name: "iterations50.test.", by: ldns, nsec3: upTo50, want: secure, why: "as many iterations as are followed"},
	{Name: "iterations51.test.", by: ldns, nsec3: over50, want: secure, why: "one more: denials are insecure, data is not"},
	{Name: "iterations151.test.", by: ldns, nsec3: over150, want: secure, why: "beyond Unbound's default"},
	{Name: "unsigned.iterations51.test.", want: insecure, why: "delegated by a denial that is not followed"},
	{Name: "signed.iterations51.test.", by: bind, want: secure, why: "delegated with DS, needs no denial"},
	{Name: "iterations500.test.", by: ldns, nsec3: over500, want: secure, why: "far beyond"},
	{Name: "nonsec.test.", by: bind, harm: drop(record("NSEC"), signatureOver("NSEC")), want: secure, why: "NSEC stripped: denials and wildcards unproved"},
	{Name: "nsecunsigned.test.", by: ldns, harm: drop(signatureOver("NSEC")), want: secure, why: "NSEC without signature"},
	{Name: "nsecexpired.test.", by: bind, harm: expire("NSEC"), want: secure, why: "the signatures over NSEC expired"},
	{Name: "nonsec3.test.", by: ldns, nsec3: hashed, harm: drop(record("NSEC3"), signatureOver("NSEC3"), record("NSEC3PARAM")), want: secure, why: "NSEC3 stripped"},
	{Name: "nsec3expired.test.", by: bind, nsec3: hashed, harm: expire("NSEC3"), want: secure, why: "the signatures over NSEC3 expired"},
	{Name: "soaunsigned.test.", by: bind, harm: drop(signatureOver("SOA")), want: secure, why: "the SOA of denials without signature"},
	{Name: "lyingnsec.test.", by: bind, harm: hide("A"), want: secure, why: "signed NSEC that deny the addresses that are there"},
	{Name: "unsigned.nonsec.test.", want: bogus, why: "a delegation without DS, unproved"},

	// Chains.
	{Name: "signed.expired.test.", by: bind, want: bogus, why: "a good zone below a bad one"},
	{Name: "unsigned.expired.test.", want: bogus, why: "a delegation that a bad zone cannot prove"},
	{Name: "signed.plain.test.", by: bind, want: insecure, why: "signed below an unsigned zone"},
	{Name: "signed.unknownalgorithm.test.", by: ldns, want: insecure, why: "signed below one that counts as unsigned"},
	{Name: "signed.rsasha1.test.", by: bind, want: secure, why: "a modern zone below algorithm 5"},
	{Name: "unsigned.rsasha1.test.", want: insecure, why: "not signed below algorithm 5"},
	{Name: "deep.er.still.test.", by: bind, want: secure, why: "a cut three labels down: empty non-terminals between"},
	{Name: "signed.registry.", by: bind, want: secure, why: "a domain below opt-out"},
	{Name: "plain.registry.", want: insecure, why: "an unsigned domain below opt-out"},
	{Name: "signed.unsigned.", by: ldns, want: insecure, why: "an island"},
	{Name: "servfail.test.", by: bind, harm: unload, want: indeterminate, why: "a zone that its server cannot load"},
	{Name: "lame.test.", by: bind, hidden: true, want: bogus, why: "a zone that its server does not know: a referral where the keys should be"},
}

// records are the contents that every zone has, owners relative to it.
const records = `
@ MX 10 mx
@ MX 20 MX.Nsec3.Test.
@ TXT "v=spf1 -all"
@ CAA 0 issue "ca.invalid"
mx A 192.0.2.1
mx A 192.0.2.2
mx AAAA 2001:db8::1
_25._tcp.mx TLSA 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
*._tcp.any TLSA 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
*.wild A 192.0.2.3
*.wild TXT "wild"
here.wild A 192.0.2.4
here.wild MX 10 mx
*.star CNAME mx
a.b.c TXT "below two empty non-terminals"
odd\000\.name TXT "\000\"\255"
srv SRV 0 0 25 MX
srv NAPTR 1 1 "U" "X" "" Some.Where.Test.
srv LOC 52 0 0 N 5 0 0 E 10m
srv TYPE65280 \# 3 010203
alias CNAME mx
twice CNAME alias
tonsec3 CNAME mx.nsec3.test.
toplain CNAME mx.plain.test.
toexpired CNAME mx.expired.test.
toservfail CNAME mx.servfail.test.
tosha1 CNAME mx.rsasha1.test.
tonothing CNAME no.nsec.test.
tooptout CNAME no.optout.test.
towild CNAME x.wild.optout.test.
toiterations CNAME no.iterations51.test.
loop CNAME pool
pool CNAME loop
dname DNAME nsec.test.
dnameout DNAME optout.test.
dnamebad DNAME expired.test.
`

// asked are the names and types that every zone is asked for.
var asked = []string{
	"@ A AAAA MX TXT CAA SOA NS DS DNSKEY CNAME NSEC NSEC3PARAM HTTPS",
	"mx A AAAA MX DS", "no A MX DS", "no.no A DS", "* A DS",
	"_25._tcp.mx TLSA A", "_tcp.mx TLSA DS", "no._tcp.mx TLSA", "_25._tcp.any TLSA A", // a wildcard's
	"wild A DS", "*.wild A MX", "x.wild A TXT MX DS", "x.y.wild A MX", "here.wild A TXT MX", "x.here.wild A DS",
	"c A DS", "b.c A MX", "a.b.c TXT A DS", "x.b.c A", "x.a.b.c A",
	"srv SRV NAPTR LOC TYPE65280 A", `odd\000\.name TXT A`,
	"alias A MX CNAME DS", "twice A MX", "x.star A CNAME MX DS", "loop A",
	"tonsec3 A MX DS", "toplain A MX", "toexpired A", "toservfail A", "tosha1 A MX", "tonothing A DS", "tooptout A", "towild A MX", "toiterations A DS",
	"dname A DNAME DS", "mx.dname A MX DS", "no.dname A", "x.wild.dname A", "no.dnameout A", "mx.dnamebad A",
}

// below are the names that zones with delegations are asked for as well.
var below = []string{
	"signed A DS NS", "mx.signed A MX DS", "no.signed A",
	"unsigned A DS NS", "mx.unsigned A DS", "no.unsigned A", "_25._tcp.mx.unsigned TLSA", "no.x.unsigned A",
}
