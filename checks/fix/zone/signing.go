// Package zone is how a zone is signed with DNSSEC, and kept so, without a moment in which those
// who validate get no answer: what others build on comes first, and the zone above last.
package zone

import (
	"slices"
	"strings"

	"mxseal/checks/fix/place"
	"mxseal/checks/report"
)

// tooEarly is what goes wrong when the parent vouches for a zone before it is ready.
const tooEarly = "A DS record that fits no key of the zone makes the whole domain vanish for everybody who validates. “mxseal dns {zone} DNSKEY” shows it at once; to take it back, have the registrar remove the DS."

// SignAddress is Sign for the zone of a mail server's address, which may be the domain's own.
func SignAddress(p place.Place) []report.Step {
	if mx := p.Report.MX; mx != nil && p.Zone() == place.Unsigned(mx.DNSSEC, p.Report.Domain) {
		return []report.Step{{Who: report.Owner, Kind: report.StepTask, Text: "Signing {zone} signs this address too."}}
	}
	return Sign(p)
}

// Sign are the steps from an unsigned zone to a signed one (RFC 7583, RFC 6781 §4.1).
func Sign(p place.Place) []report.Step {
	if halfSigned(p) {
		return []report.Step{delegate(), seen(), vouched()}
	}
	return []report.Step{
		{Who: report.Owner, Kind: report.StepConfig, Where: "DNS host of {zone}", Code: signers,
			Text: "Switch DNSSEC on where the name servers are run: at most hosts one switch, with servers of your own these lines. Choose algorithm 13 (ECDSA P-256) if asked.",
			Risk: "Nothing yet: nobody looks at the signatures before there is a DS record."},
		{Who: report.Owner, Kind: report.StepCommand, Where: "the primary name server of {zone}", Code: "dig +short @127.0.0.1 {zone} DNSKEY",
			Text: "See that the zone now has a key. If nothing is printed, the signer could not write its files: its log says which.",
			Wait: "two days, or twice the longest TTL of the zone, until every cache and every secondary has signed records"},
		delegate(),
		seen(),
		vouched(),
	}
}

// signers as Debian 12 has them. named may not write in /etc/bind: a zone whose file is there
// stays unsigned, and only the log tells.
const signers = `# BIND 9.18: the zone's file has to be where named may write, on Debian /var/lib/bind
# and not /etc/bind: copy it there and correct “file”. In the zone statement:
dnssec-policy default; inline-signing yes;
# then: named-checkconf && rndc reconfig
# Knot, in the zone section:
dnssec-signing: on
# then: knotc conf-check && knotc reload
# PowerDNS, in its configuration (gmysql-dnssec or gpgsql-dnssec for those), then restart it:
gsqlite3-dnssec=yes
# and in a shell; from version 5 on “pdnsutil zone secure {zone}”:
pdnsutil secure-zone {zone} && pdnsutil rectify-zone {zone}`

// ready prints the DS record on the primary itself, and nothing while it is too early: BIND
// and Knot publish CDS records once every cache knows the key, Knot those of a first key at once. What comes over the network
// without being validated may be a key of an attacker's.
const ready = `# BIND and Knot; nothing printed: it is too early
# (for a zone's very first key Knot prints it at once: wait all the same)
dig +short @127.0.0.1 {zone} CDS
# PowerDNS:
pdnsutil export-zone-ds {zone}`

// keptDS prints the DS records of keys that have long been in use, from where they are kept.
const keptDS = `# BIND, from the key files:
grep -l 'DNSKEY 257' /var/cache/bind/K{zone}.+*.key | xargs -n1 dnssec-dsfromkey -2
# Knot:
keymgr {zone} ds
# PowerDNS:
pdnsutil export-zone-ds {zone}`

const onThePrimary = "Where another company runs the name servers, its control panel shows the DS record. On a primary of your own these commands print it. Do not take it from an answer over the network: that is what an attacker can forge."

// delegate has the zone above vouch for the key.
func delegate() report.Step {
	return report.Step{Who: report.Registrar, Kind: report.StepCommand, Where: "registrar of {zone}; a shell on the primary", Code: ready,
		Text: "Give the DS record with digest type 2 (SHA-256) to the registrar. " + onThePrimary + " Where DNS host and registrar are one company it often happens by itself.",
		Risk: tooEarly}
}

func seen() report.Step {
	return report.Step{Who: report.Owner, Kind: report.StepCommand, Code: "mxseal dns {domain} MX", Text: "See that the chain of trust is whole."}
}

// vouched tells the signer that the parent has its DS record, without which it never changes
// that key.
func vouched() report.Step {
	return report.Step{Who: report.Owner, Kind: report.StepCommand, Where: "the primary name server of {zone}",
		Code: "# BIND:\nrndc dnssec -checkds published {zone}\n# Knot:\nknotc zone-ksk-submitted {zone}",
		Text: "Once the registrar's DS record is in the DNS, tell the signer; PowerDNS need not know."}
}

// halfSigned reports whether the zone has keys, and its parent does not know of them.
func halfSigned(p place.Place) bool {
	return p.Report.DNSSEC != nil && slices.ContainsFunc(p.Report.DNSSEC.Zones, func(z report.Zone) bool {
		return z.DNSKEY && z.Trust.State == report.Insecure && strings.TrimSuffix(z.Name, ".") == p.Zone()
	})
}
