package remedy

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// tooEarly is what goes wrong when the parent vouches for a zone before it is ready.
const tooEarly = "A DS record that fits no key of the zone makes the whole domain vanish for everybody who validates. “mxseal dns {zone} DNSKEY” shows it at once; having the registrar remove the DS mends it."

// sign are the steps from an unsigned zone to a signed one (RFC 7583, RFC 6781 §4.1).
func sign(c the) []report.Step {
	if c.hosted() && !ours(c.zone(), c.r.Domain) {
		return c.hostedSteps()
	}
	if c.finding.Rule == "SEC-06" && c.r.MX != nil && c.zone() == unsigned(c.r.MX.DNSSEC, c.r.Domain) {
		return []report.Step{{Who: "owner", Kind: "task", Text: "Signing {zone} signs this address too."}}
	}
	if c.halfSigned() {
		return []report.Step{delegate(c), seen()}
	}
	return []report.Step{
		{Who: "owner", Kind: "config", Where: "DNS host of {zone}", Code: signers,
			Text: "Switch DNSSEC on at whoever runs the name servers: at most hosts one switch, with servers of your own one setting. Choose algorithm 13 (ECDSA P-256) if asked.",
			Wait: "a day, or the longest TTL of the zone, until every cache holds signed records",
			Risk: "Nothing yet: nobody looks at the signatures before the next step."},
		delegate(c),
		seen(),
	}
}

const signers = `# BIND, in the zone statement:
dnssec-policy default; inline-signing yes;
# Knot, in the zone section:
dnssec-signing: on
# PowerDNS:
pdnsutil secure-zone {zone}`

// delegate has the zone above vouch for the key.
func delegate(c the) report.Step {
	return report.Step{Who: "registrar", Kind: "command", Where: "registrar of {zone}",
		Code: "dig +noall +answer {zone} DNSKEY | dnssec-dsfromkey -2 -f - {zone}",
		Text: "Give the DS record to the registrar: the DNS host shows it, or this command prints it. Where both are one company it often happens by itself.",
		Risk: tooEarly}
}

func seen() report.Step {
	return report.Step{Who: "owner", Kind: "command", Code: "mxseal dns {domain} MX", Text: "See that the chain of trust is whole."}
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
			Risk: "Now: everybody who validates, Gmail and Outlook among them, gets no answer for {domain}."},
		{Who: "registrar", Kind: "command", Where: "registrar of {zone}", Code: "dig +noall +answer {zone} DNSKEY | dnssec-dsfromkey -2 -f - {zone}",
			Text: "The DS record at the registrar has to be this one. If the signatures cannot be mended today, have it removed: unsigned is better than broken.",
			Wait: "the TTL of the DS record, mostly a day or less"},
		seen(),
	}
}

// roll are the steps to a better key or better parameters, in a zone that is signed well.
func roll(c the) []report.Step {
	return []report.Step{
		{Who: "owner", Kind: "config", Where: "DNS host of {zone}", Code: signers,
			Text: "Let the signer move to algorithm 13 by itself: it publishes the new key beside the old one and waits for the next step.",
			Wait: "the longest TTL of the zone"},
		{Who: "registrar", Kind: "command", Where: "registrar of {zone}", Code: "dig +noall +answer {zone} DNSKEY | dnssec-dsfromkey -2 -f - {zone}",
			Text: "Add the new DS record; only when the old one has been gone for its TTL may the signer drop the old key.",
			Risk: tooEarly},
		seen(),
	}
}

// betterDS replaces a DS record with a SHA-1 digest by one of the same key.
func betterDS(c the) []report.Step {
	return []report.Step{
		{Who: "registrar", Kind: "command", Where: "registrar of {zone}", Code: "dig +noall +answer {zone} DNSKEY | dnssec-dsfromkey -2 -f - {zone}",
			Text: "Give the registrar the DS record with digest type 2 (SHA-256) of the same key, then have the one with digest type 1 removed.", Risk: tooEarly},
		seen(),
	}
}

// denials sets the parameters of NSEC3 (RFC 9276 §3.1).
func denials(c the) []report.Step {
	return []report.Step{{Who: "owner", Kind: "config", Where: "DNS host of {zone}",
		Code: "# BIND, in dnssec-policy:\nnsec3param iterations 0 optout no salt-length 0;\n# Knot, in the policy section:\nnsec3: on\nnsec3-iterations: 0\nnsec3-salt-length: 0\n# PowerDNS:\npdnsutil set-nsec3 {zone} '1 0 0 -'",
		Text: "Hash denials once and without salt.", Risk: "Nothing: the zone is signed anew while the old records expire."}}
}

// signAgain is for signatures that end soon.
func signAgain(c the) []report.Step {
	return []report.Step{{Who: "owner", Kind: "command", Where: "DNS host of {zone}",
		Code: "# BIND:\nrndc sign {zone}\n# Knot:\nknotc zone-sign {zone}\n# PowerDNS:\npdnsutil rectify-zone {zone}",
		Text: "See whether the signer still runs, and have it sign the zone again.",
		Risk: "Once the signatures have ended, everybody who validates gets no answer."}, seen()}
}

// answer has the name servers answer for TLSA records.
func answer(c the) []report.Step {
	name := "{host}"
	if c.host != nil {
		name = base(c.host)
	}
	if c.hosted() {
		return c.hostedSteps()
	}
	return []report.Step{
		{Who: "owner", Kind: "command", Where: "name servers of " + name, Code: "dig +dnssec _25._tcp." + name + " TLSA",
			Text: "Find out which name server gives no signed answer here: with the records, or with a denial. Load balancers and old signers often fail at names that begin with an underscore; update them or move the zone.",
			Risk: undelivered},
		{Who: "owner", Kind: "command", Code: "mxseal dns _25._tcp." + name + " TLSA", Text: "See that the answer is now secure."},
	}
}
