package fix

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/fix/place"
	"mxseal/checks/fix/policy"
	"mxseal/checks/report"
)

// dropHost deletes the MX record of the finding's host. Where no other host is left that takes
// mail, another comes in its place: without any record senders go to the domain's own address.
func dropHost(p place.Place) []report.Step {
	lines := p.MX(p.Finding.Host)
	if len(lines) == 0 {
		return p.AsSaid()
	}
	useless := map[string]bool{}
	for _, f := range p.Report.Findings {
		rule := p.Rules[f.Rule]
		useless[f.Host] = useless[f.Host] || rule.Fix == report.CorrectMX && rule.Way == ""
	}
	if !slices.ContainsFunc(p.Report.MX.Records, func(m report.Record) bool {
		return m.Skipped == "" && m.Host != p.Finding.Host && !useless[m.Host]
	}) {
		return []report.Step{{Who: report.Owner, Kind: report.StepDNS, Do: report.Replace, Where: "zone of " + p.Report.Domain, Code: "{domain}. IN MX 10 <your mail server>.",
			Text: "Name a mail server of your own in place of " + p.Finding.Host + ". If {domain} takes no mail, publish {domain}. IN MX 0 . instead: without any MX record mail goes to the address of {domain} itself."}}
	}
	return []report.Step{{Who: report.Owner, Kind: report.StepDNS, Do: report.Delete, Where: "zone of " + p.Report.Domain, Code: strings.Join(lines, "\n"),
		Text: "Delete the MX record of " + p.Finding.Host + ", or correct its name. The other mail servers go on.",
		Risk: "Nothing, if the other mail servers take the mail."}}
}

// dropNullMX deletes the record that refuses all mail.
func dropNullMX(p place.Place) []report.Step {
	return []report.Step{{Who: report.Owner, Kind: report.StepDNS, Do: report.Delete, Where: "zone of " + p.Report.Domain, Code: p.Report.Domain + ". IN MX 0 .",
		Text: "Delete the record that refuses all mail. If no mail is wanted, delete the others instead."}}
}

// nameGuessed publishes the MX record that senders had to guess.
func nameGuessed(p place.Place) []report.Step {
	if p.Host != nil && (p.Host.Canonical != "" || len(p.Host.DNSSEC.Steps) > 0) {
		return []report.Step{{Who: report.Owner, Kind: report.StepTask, Where: "zone of " + p.Report.Domain,
			Text: "{domain} is an alias, and no other record can exist beside a CNAME. Put the MX record at the name to which it leads. Or replace the alias by addresses, and then add the MX record.",
			Risk: "To delete the alias before the addresses are there takes the domain off the net."}}
	}
	return []report.Step{{Who: report.Owner, Kind: report.StepDNS, Do: report.Add, Where: "zone of " + p.Report.Domain, Code: "{domain}. IN MX 10 {domain}.",
		Text: "Say which host takes the mail.", Risk: "Nothing: senders go where they went before."}}
}

// nameTarget puts the name behind an alias into the MX record.
func nameTarget(p place.Place) []report.Step {
	target := strings.TrimSuffix(p.Param("target"), ".")
	if !place.Plain(target) || !place.Plain(p.Param("preference")) {
		return p.AsSaid()
	}
	if p.Host != nil && p.Host.Base() == report.Secure && p.Host.DNSSEC.State == report.Insecure {
		return ownAddress(p)
	}
	steps := []report.Step{{Who: p.Server(), Kind: report.StepTask, Text: "First the certificate: it has to hold " + target + ". TLSA records for DANE have to be at _25._tcp." + target + "."}}
	if m := p.Report.MTASTS; m != nil && m.Policy != nil && len(policy.Covered(p)) > 0 { // the policy before the name
		mode, age := report.ModeTesting, int64(policy.WhileTesting)
		if m.Policy.Mode == report.ModeEnforce {
			mode, age = report.ModeEnforce, m.Policy.MaxAge
		}
		id := policy.ID(p, p.Report.CheckedAt, "Then change the id.")
		id.Wait = "the old TTL of the TXT record, and a day more, until senders have the new policy"
		steps = append(steps, policy.File(p, mode, age, "Let the MTA-STS policy hold both names, before the MX record does."), id)
	}
	add := report.Step{Who: report.Owner, Kind: report.StepDNS, Do: report.Add, Where: "zone of " + p.Report.Domain,
		Code: fmt.Sprintf("%s. IN MX %s %s.", p.Report.Domain, p.Param("preference"), target),
		Text: "Then name the server itself.", Wait: "the TTL of the MX records, mostly a day or less",
		Risk: "A sender that checks MTA-STS skips a name that is not in the policy. To take it back, delete this record."}
	steps = append(steps, add)
	if lines := p.MX(p.Finding.Host); len(lines) > 0 {
		steps = append(steps, report.Step{Who: report.Owner, Kind: report.StepDNS, Do: report.Delete, Where: "zone of " + p.Report.Domain,
			Code: strings.Join(lines, "\n"), Text: "Then delete the record that names the alias. The old name may leave the policy a day later."})
	}
	return steps
}

// ownAddress puts address records in the place of a signed alias to unsigned ones: to name
// what is behind it would be the end of DANE.
func ownAddress(p place.Place) []report.Step {
	if !place.Plain(p.Host.Name) {
		return p.AsSaid()
	}
	var lines []string
	for _, a := range p.Host.Addresses {
		kind := "A"
		if strings.Contains(a.IP, ":") {
			kind = "AAAA"
		}
		lines = append(lines, fmt.Sprintf("%s. IN %s %s", p.Host.Name, kind, a.IP))
	}
	return []report.Step{{Who: report.Owner, Kind: report.StepDNS, Do: report.Replace, Where: "zone of " + p.Host.Name, Code: strings.Join(lines, "\n"),
		Text: "Give the server address records of its own in place of the alias. They are signed with the zone, and its name, its certificate and its TLSA records stay as they are.",
		Risk: "The operator of " + p.Param("target") + " may change its address. Then change these records too."}}
}

// dropAddress deletes an address that nobody can reach.
func dropAddress(p place.Place) []report.Step {
	kind := "A"
	if strings.Contains(p.Finding.Address, ":") {
		kind = "AAAA"
	}
	return []report.Step{{Who: report.Owner, Kind: report.StepDNS, Do: report.Delete, Where: "zone of " + p.Finding.Host, Code: "{host}. IN " + kind + " {address}",
		Text: "Delete the address that is not on the public internet."}}
}
