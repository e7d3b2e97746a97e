package zone

import (
	"mxseal/checks/fix/place"
	"mxseal/checks/report"
)

// CorrectSignatures are the steps out of a zone whose signatures do not hold.
func CorrectSignatures(place.Place) []report.Step {
	return []report.Step{
		{Who: report.Owner, Kind: report.StepTask, Where: "DNS host of {zone}",
			Text: "Have the zone signed again, or find why the signer has stopped. If the DS record belongs to an old key, replace it as below.",
			Risk: "Now: everybody who validates gets no answer for {domain}."},
		{Who: report.Registrar, Kind: report.StepCommand, Where: "registrar of {zone}; a shell on the primary", Code: keptDS,
			Text: "The DS record at the registrar has to be one of these, of a key that the zone has and signs with. " + onThePrimary + " If the signatures cannot be corrected today, have the DS record removed: unsigned is better than broken.",
			Wait: "the TTL of the DS record, mostly a day or less",
			Risk: "Without DS record the zone is unsigned: mail is delivered again, DANE has no effect until the DS record is back."},
		seen(),
	}
}

// BetterDS replaces a DS record with a SHA-1 digest by one of the same key.
func BetterDS(place.Place) []report.Step {
	return []report.Step{
		{Who: report.Registrar, Kind: report.StepCommand, Where: "registrar of {zone}; a shell on the primary", Code: keptDS,
			Text: "Give the registrar the DS record with digest type 2 (SHA-256) of the same key. It is the line with the key tag of the present DS record. " + onThePrimary,
			Wait: "the TTL of the DS record, mostly a day", Risk: tooEarly},
		seen(),
		{Who: report.Registrar, Kind: report.StepTask, Where: "registrar of {zone}", Text: "Then have the DS record with digest type 1 removed."},
	}
}

// PlainDenials sets the parameters of NSEC3 (RFC 9276 §3.1). A policy of BIND's that is given to a
// zone changes its keys as well, so the one in use gets the line.
func PlainDenials(place.Place) []report.Step {
	return []report.Step{{Who: report.Owner, Kind: report.StepConfig, Where: "DNS host of {zone}", Code: nsec3,
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

// SignAgain is for signatures that end soon.
func SignAgain(place.Place) []report.Step {
	return []report.Step{{Who: report.Owner, Kind: report.StepCommand, Where: "DNS host of {zone}", Code: resign,
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
