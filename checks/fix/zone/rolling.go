package zone

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/fix/place"
	"mxseal/checks/report"
)

// RollKey are the steps to a better key in a zone that is signed well: signatures first, then the
// key, then the DS record, then the old key goes (RFC 6781 §4.1.4).
func RollKey(p place.Place) []report.Step {
	return []report.Step{
		{Who: report.Owner, Kind: report.StepConfig, Where: "primary of {zone}, if it is BIND 9.18", Code: bindBefore(link(p)),
			Text: "Where another company runs the name servers, ask it to move the zone to algorithm 13; only the step at the registrar is then yours. With a BIND of your own whose zone has no dnssec-policy yet, first give it one with the very keys that it has. A zone that has a policy keeps it. Knot and PowerDNS begin with the next step.",
			Wait: "until “rndc dnssec -status {zone}” says omnipresent at every line of every key, mostly a day or two",
			Risk: "A policy that does not fit the keys makes named drop them, and the zone breaks for everybody who validates. If -status shows “goal: hidden” at a key that has a DS record, have the registrar remove the DS record at once."},
		{Who: report.Owner, Kind: report.StepConfig, Where: "primary of {zone}", Code: rollers,
			Text: "Then begin with the new key. The old one stays and signs on.",
			Wait: "two days, or twice the longest TTL of the zone",
			Risk: "Nothing, as long as the old key stays until the last step."},
		{Who: report.Owner, Kind: report.StepCommand, Where: "primary of {zone}, if it is PowerDNS", Code: "pdnsutil publish-zone-key {zone} <ID of the new key>",
			Text: "With PowerDNS publish the new key now; “pdnsutil list-keys {zone}” shows its ID. BIND and Knot have done so.",
			Wait: "two days, or twice the longest TTL of the zone"},
		{Who: report.Registrar, Kind: report.StepCommand, Where: "registrar of {zone}; a shell on the primary", Code: strings.NewReplacer("nothing printed", "nothing printed, or nothing with 13 as second number", "# (for a zone's very first key Knot prints it at once: wait all the same)\n", "").Replace(ready),
			Text: "Have the DS record replaced by the one with algorithm 13 and digest type 2. " + onThePrimary,
			Wait: "until the new DS record is in the DNS and the old one has been gone for its TTL, mostly a day or two",
			Risk: tooEarly},
		seen(),
		{Who: report.Owner, Kind: report.StepCommand, Where: "primary of {zone}", Code: oldKeyGoes,
			Text: "Only then tell the signer, which removes the old key.",
			Risk: "Too early, the zone breaks for everybody whose cache still holds the old DS record. A key of BIND's or PowerDNS' can be put back; to be rid of the trouble have the registrar remove the DS record."},
	}
}

// rollers begin with a key of algorithm 13 beside the old one.
const rollers = `# BIND: in the policy of the zone in place of the old keys, then “rndc reconfig”
keys { csk lifetime unlimited algorithm ecdsap256sha256; };
# Knot: in the policy of the zone, in place of the old algorithm and sizes, then “knotc reload”
algorithm: ecdsap256sha256
# PowerDNS: a key that signs and is not yet published
pdnsutil add-zone-key {zone} ksk active unpublished ecdsa256`

const oldKeyGoes = `# BIND; “rndc dnssec -status {zone}” shows the numbers of the keys:
rndc dnssec -checkds -key <new> published {zone}
rndc dnssec -checkds -key <old> withdrawn {zone}
# Knot:
knotc zone-ksk-submitted {zone}
# PowerDNS; “pdnsutil list-keys {zone}” shows the IDs; once for every old key:
pdnsutil unpublish-zone-key {zone} <ID of an old key>
# and after the TTL of the zone's DNSKEY records:
pdnsutil remove-zone-key {zone} <ID of an old key>`

// bindBefore is a policy with the keys that the zone has; those with a DS record sign the keys.
func bindBefore(l report.Link) string {
	const frame = "dnssec-policy present {\n\tkeys {\n%s\t};\n};\n# in the zone statement, in place of auto-dnssec:\ndnssec-policy present; inline-signing yes;\n# then: named-checkconf && rndc reconfig && rndc dnssec -checkds published {zone}"
	var lines strings.Builder
	clear := len(l.Keys) == 1 || len(l.Keys) == 2
	for _, k := range l.Keys {
		name := rsa[k.Algorithm]
		clear = clear && name != ""
		role := "zsk"
		switch {
		case len(l.Keys) == 1:
			role = "csk"
		case slices.ContainsFunc(l.DS, func(ds report.DS) bool { return ds.Tag == k.Tag }):
			role = "ksk"
		}
		fmt.Fprintf(&lines, "\t\t%s lifetime unlimited algorithm %s %d;\n", role, name, k.Bits)
	}
	if !clear { // for the owner to fill in
		return fmt.Sprintf(frame, "\t\tksk lifetime unlimited algorithm <as now> <bits>;\n\t\tzsk lifetime unlimited algorithm <as now> <bits>;\n")
	}
	return fmt.Sprintf(frame, lines.String())
}

// rsa are the algorithms that a short key may have, as BIND calls them.
var rsa = map[uint8]string{8: "rsasha256", 10: "rsasha512"}

// link is the zone of the finding in a chain of trust.
func link(p place.Place) report.Link {
	var chains [][]report.Link
	if p.Report.MX != nil {
		chains = append(chains, p.Report.MX.DNSSEC.Chain)
	}
	for _, h := range p.Report.Hosts {
		chains = append(chains, h.DNSSEC.Chain)
	}
	for _, link := range slices.Concat(chains...) {
		if strings.TrimSuffix(link.Zone, ".") == p.Zone() && len(link.Keys) > 0 {
			return link
		}
	}
	return report.Link{}
}

// SignAnew is for a key that anybody may have: the zone is as good as unsigned with it, so it
// becomes unsigned, and is then signed as if it were new. Nothing can break on the way.
func SignAnew(place.Place) []report.Step {
	return []report.Step{
		{Who: report.Registrar, Kind: report.StepTask, Where: "registrar of {zone}", Text: "Have all DS records of {zone} removed. Anyone who has found the key can sign in its name, so the zone loses nothing that it had.",
			Wait: "two days, or twice the TTL of the DS records, until no cache holds them",
			Risk: "Mail is delivered as before. Senders that insist on DANE keep it until the zone is signed again; a new DS record of the present key takes the step back."},
		{Who: report.Owner, Kind: report.StepConfig, Where: "DNS host of {zone}", Code: anew,
			Text: "Only then take the old keys away and sign with a new one of algorithm 13.",
			Wait: "two days, or twice the longest TTL of the zone",
			Risk: "Too early, while caches still hold the old DS record, everybody who validates gets no answer."},
		delegate(),
		seen(),
		vouched(),
	}
}

const anew = `# BIND 9.18, in the zone statement, in place of its policy or of auto-dnssec; its file
# has to be where named may write, on Debian /var/lib/bind; then “rndc reconfig”:
dnssec-policy default; inline-signing yes;
# Knot: in the policy of the zone, in place of the old algorithm and sizes, then “knotc reload”
algorithm: ecdsap256sha256
# PowerDNS: first, for every ID that “pdnsutil list-keys {zone}” shows,
pdnsutil remove-zone-key {zone} <ID>
# then
pdnsutil secure-zone {zone} && pdnsutil rectify-zone {zone}`
