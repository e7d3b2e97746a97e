package remedy

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// tooEarly is what goes wrong when the parent vouches for a zone before it is ready.
const tooEarly = "A DS record that fits no key of the zone makes the whole domain vanish for everybody who validates. “mxseal dns {zone} DNSKEY” shows it at once; to take it back, have the registrar remove the DS."

// sign are the steps from an unsigned zone to a signed one (RFC 7583, RFC 6781 §4.1).
func sign(c the) []report.Step {
	if c.hosted() && !ours(c.zone(), c.r.Domain) {
		return c.hostedSteps()
	}
	if c.finding.Rule == "SEC-06" && c.r.MX != nil && c.zone() == unsigned(c.r.MX.DNSSEC, c.r.Domain) {
		return []report.Step{{Who: "owner", Kind: "task", Text: "Signing {zone} signs this address too."}}
	}
	if c.halfSigned() {
		return []report.Step{delegate(c), seen(), vouched()}
	}
	return []report.Step{
		{Who: "owner", Kind: "config", Where: "DNS host of {zone}", Code: signers,
			Text: "Switch DNSSEC on where the name servers are run: at most hosts one switch, with servers of your own these lines. Choose algorithm 13 (ECDSA P-256) if asked.",
			Risk: "Nothing yet: nobody looks at the signatures before there is a DS record."},
		{Who: "owner", Kind: "command", Where: "the primary name server of {zone}", Code: "dig +short @127.0.0.1 {zone} DNSKEY",
			Text: "See that the zone now has a key. If nothing is printed, the signer could not write its files: its log says which.",
			Wait: "two days, or twice the longest TTL of the zone, until every cache and every secondary has signed records"},
		delegate(c),
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
func delegate(c the) report.Step {
	return report.Step{Who: "registrar", Kind: "command", Where: "registrar of {zone}; a shell on the primary", Code: ready,
		Text: "Give the DS record with digest type 2 (SHA-256) to the registrar. " + onThePrimary + " Where DNS host and registrar are one company it often happens by itself.",
		Risk: tooEarly}
}

func seen() report.Step {
	return report.Step{Who: "owner", Kind: "command", Code: "mxseal dns {domain} MX", Text: "See that the chain of trust is whole."}
}

// vouched tells the signer that the parent has its DS record, without which it never changes
// that key.
func vouched() report.Step {
	return report.Step{Who: "owner", Kind: "command", Where: "the primary name server of {zone}",
		Code: "# BIND:\nrndc dnssec -checkds published {zone}\n# Knot:\nknotc zone-ksk-submitted {zone}",
		Text: "Once the registrar's DS record is in the DNS, tell the signer; PowerDNS need not know."}
}

// halfSigned reports whether the zone has keys, and its parent does not know of them.
func (c the) halfSigned() bool {
	return c.r.DNSSEC != nil && slices.ContainsFunc(c.r.DNSSEC.Zones, func(z report.Zone) bool {
		return z.DNSKEY && z.Trust.State == report.Insecure && strings.TrimSuffix(z.Name, ".") == c.zone()
	})
}

// mendSignatures are the steps out of a zone whose signatures do not hold.
func mendSignatures(c the) []report.Step {
	return []report.Step{
		{Who: "owner", Kind: "task", Where: "DNS host of {zone}",
			Text: "Have the zone signed again, or find why the signer has stopped. If the DS record belongs to an old key, replace it as below.",
			Risk: "Now: everybody who validates gets no answer for {domain}."},
		{Who: "registrar", Kind: "command", Where: "registrar of {zone}; a shell on the primary", Code: keptDS,
			Text: "The DS record at the registrar has to be one of these, of a key that the zone has and signs with. " + onThePrimary + " If the signatures cannot be corrected today, have the DS record removed: unsigned is better than broken.",
			Wait: "the TTL of the DS record, mostly a day or less",
			Risk: "Without DS record the zone is unsigned: mail is delivered again, DANE has no effect until the DS record is back."},
		seen(),
	}
}

// betterDS replaces a DS record with a SHA-1 digest by one of the same key.
func betterDS(c the) []report.Step {
	return []report.Step{
		{Who: "registrar", Kind: "command", Where: "registrar of {zone}; a shell on the primary", Code: keptDS,
			Text: "Give the registrar the DS record with digest type 2 (SHA-256) of the same key: the line with the key tag of the present DS record. " + onThePrimary,
			Wait: "the TTL of the DS record, mostly a day", Risk: tooEarly},
		seen(),
		{Who: "registrar", Kind: "task", Where: "registrar of {zone}", Text: "Then have the DS record with digest type 1 removed."},
	}
}

// denials sets the parameters of NSEC3 (RFC 9276 §3.1). A policy of BIND's that is given to a
// zone changes its keys as well, so the one in use gets the line.
func denials(c the) []report.Step {
	return []report.Step{{Who: "owner", Kind: "config", Where: "DNS host of {zone}", Code: nsec3,
		Text: "Hash denials once and without salt.", Risk: "Nothing: the zone is signed anew while the old records expire. Keep the keys as they are: another algorithm in the policy would replace them."}}
}

const nsec3 = `# BIND, in the dnssec-policy that the zone has, then “rndc reconfig”:
nsec3param iterations 0 optout no salt-length 0;
# “default” cannot be changed; where the zone has that one, this has the same key, and
# “dnssec-policy once;” goes into the zone statement:
dnssec-policy once { nsec3param iterations 0 optout no salt-length 0; };
# BIND without dnssec-policy (auto-dnssec), in a shell:
rndc signing -nsec3param 1 0 0 - {zone}
# Knot, in the policy that the zone has, then “knotc reload”:
nsec3: on
nsec3-iterations: 0
nsec3-salt-length: 0
# PowerDNS:
pdnsutil set-nsec3 {zone} '1 0 0 -' && pdnsutil rectify-zone {zone}`

// signAgain is for signatures that end soon.
func signAgain(c the) []report.Step {
	return []report.Step{{Who: "owner", Kind: "command", Where: "DNS host of {zone}", Code: resign,
		Text: "See whether the signer still runs, and have it sign the zone again. Zones that are signed by hand or by a script come from there: look why it did not run.",
		Risk: "Once the signatures have ended, everybody who validates gets no answer."}, seen()}
}

const resign = `# BIND:
rndc sign {zone}
# Knot:
knotc zone-sign {zone}
# PowerDNS signs as it answers; old signatures are on secondaries that saw no new serial:
pdnsutil increase-serial {zone}
pdns_control notify {zone}
# and so that it does not come again, if “pdnsutil get-meta {zone} SOA-EDIT” shows nothing:
pdnsutil set-meta {zone} SOA-EDIT INCEPTION-INCREMENT`

// answer has the name servers answer for TLSA records.
func answer(c the) []report.Step {
	name, trust := "{host}", report.Trust{}
	if c.host != nil {
		name, trust = base(c.host), c.host.DNSSEC
	}
	if c.hosted() {
		return c.hostedSteps()
	}
	zone := lowest(trust, name)
	return []report.Step{
		{Who: "owner", Kind: "command", Where: "a shell; the name servers of " + zone,
			Code: "dig +short " + zone + " NS | while read -r server; do\n\techo \"== $server\"\n\tdig +norecurse +dnssec +noall +comments +answer +authority @\"$server\" _25._tcp." + name + " TLSA\ndone",
			Text: "Ask each name server by itself, and find the one that gives no signed answer here: with the records, or with a denial. Load balancers and old signers often fail at names that begin with an underscore; update them or move the zone.",
			Risk: undelivered},
		{Who: "owner", Kind: "command", Code: "mxseal dns _25._tcp." + name + " TLSA", Text: "See that the answer is now secure."},
	}
}

// lowest is the zone in which the name stands, as far as the chain of trust shows; name if it does not.
func lowest(t report.Trust, name string) string {
	for _, link := range slices.Backward(t.Chain) {
		if zone := strings.TrimSuffix(link.Zone, "."); plain(zone) && strings.HasSuffix("."+name, "."+zone) {
			return zone
		}
	}
	return name
}
