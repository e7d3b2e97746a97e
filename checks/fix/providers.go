package fix

import (
	"fmt"
	"strings"

	"mxseal/checks/fix/place"
	"mxseal/checks/fix/policy"
	"mxseal/checks/fix/server"
	"mxseal/checks/report"
)

// toDANE is a provider's own way to DANE, by the domain of its mail servers, where its customers
// have to do something.
var toDANE = map[string]func(place.Place) []report.Step{
	"google.com":                  google,
	"googlemail.com":              google,
	"smtp.goog":                   google,
	"mail.protection.outlook.com": microsoft,
	"mx.microsoft":                microsoftTLSA,
}

// google is reported to have signed names of mail servers; its certificates hold them. Whether
// customers may use them, and whether they have TLSA records, could not be found out.
func google(p place.Place) []report.Step {
	where := "Google, admin.google.com"
	if strings.HasSuffix(p.Host.Name, ".smtp.goog") {
		return []report.Step{{Who: report.Owner, Kind: report.StepTask, Where: where, Text: "The name of this mail server is Google's, and so are its TLSA records: ask Google's support for them. MTA-STS is yours to publish today: Gmail's certificates are valid for the names in the MX records."}}
	}
	return []report.Step{{Who: report.Owner, Kind: report.StepTask, Where: where, Text: "Google is reported to have signed names for its mail servers, below smtp.goog. Ask its support whether {domain} may use them, and whether they have TLSA records. Until then, protect this mail with MTA-STS: Gmail's certificates are valid for the names in the MX records, and you publish the policy.",
		Risk: "An MTA-STS policy has to name the new servers, and senders have to know of it, before the MX records do."}}
}

// microsoft is the way to a mail server name of one's own below mx.microsoft, which is signed, in
// the order of Microsoft's “Configure Multi-Geo In-Region Routing”, section “Adopt an MX target in
// mx.microsoft” (of 2025-09-26, read 2026-11-28); the TLSA records by “How SMTP DANE works”,
// learn.microsoft.com/purview/how-smtp-dane-works. That there is to be one MX record, with
// preference 0 or 10, is told of that page by others; it was not read there.
func microsoft(p place.Place) []report.Step {
	shell := "Exchange Online PowerShell"
	steps := []report.Step{
		{Who: report.Owner, Kind: report.StepTask, Where: "admin.microsoft.com; zone of {domain}", Text: "Beforehand: {domain} is signed with DNSSEC and is an accepted domain of yours. Microsoft's way begins with a single MX record, of preference 0 or 10; where there are others, ask its support. Look through connectors, smart hosts and other systems of yours for {host}: they are to send to the new name afterwards. Lower the TTL of the MX record to a minute.",
			Wait: "the old TTL of the MX record"},
		{Who: report.Owner, Kind: report.StepCommand, Where: shell, Code: "Connect-ExchangeOnline\nEnable-DnssecForVerifiedDomain -DomainName {domain}", Text: "Ask for a signed mail server name. The answer, DnssecMxValue, ends in mx.microsoft, with two labels in front."},
	}
	enforced := false
	if m := p.Report.MTASTS; m != nil && m.Policy != nil && len(policy.Covered(p)) > 0 {
		enforced = m.Policy.Mode == report.ModeEnforce
		file := policy.File(p, report.ModeTesting, policy.WhileTesting, "Before the new name is published, let the MTA-STS policy name it, in mode testing. Write the full name that the command printed: a wildcard covers one label only, and would not fit.")
		head, rest, _ := strings.Cut(file.Code, "max_age:")
		file.Code = head + "mx: <DnssecMxValue>\nmax_age:" + rest
		id := policy.ID(p, p.Report.CheckedAt, "Then change the id, so that senders fetch the file again.")
		id.Wait = "the old TTL of the TXT record, and a day more"
		if enforced {
			file.Risk = "Mode testing takes the promise of mode enforce back until the last step."
		}
		steps = append(steps, file, id)
	}
	steps = append(steps, []report.Step{
		{Who: report.Owner, Kind: report.StepDNS, Do: report.Add, Where: "zone of {domain}", Code: "{domain}. IN MX 20 <DnssecMxValue>.", Text: "Publish it as a second choice.", Wait: "until Microsoft's Remote Connectivity Analyzer delivers to it"},
		{Who: report.Owner, Kind: report.StepDNS, Do: report.Replace, Where: "zone of {domain}", Code: "{domain}. IN MX 0 <DnssecMxValue>.\n{domain}. IN MX 30 {host}.", Text: "Make it the first choice.", Wait: "a day or two",
			Risk: "Mail goes to the same mailboxes by both names. To take it back, let {host} be the first choice again."},
		{Who: report.Owner, Kind: report.StepDNS, Do: report.Delete, Where: "zone of {domain}", Code: "{domain}. IN MX 30 {host}.", Text: "Then delete the old name: an attacker would choose it.", Wait: "the TTL of the MX records"},
	}...)
	steps = append(steps, microsoftTLSA(p)...)
	if enforced {
		steps = append(steps, report.Step{Who: report.Owner, Kind: report.StepTask, Where: "https://mta-sts.{domain}/.well-known/mta-sts.txt", Text: "Last set the MTA-STS policy back to mode enforce, with the full new name under mx: and without {host}, and change its id."})
	}
	return steps
}

func microsoftTLSA(p place.Place) []report.Step {
	return []report.Step{{Who: report.Owner, Kind: report.StepCommand, Where: "Exchange Online PowerShell", Code: "Connect-ExchangeOnline\nEnable-SmtpDaneInbound -DomainName {domain}",
		Text: "Have Microsoft publish the TLSA records. It takes a quarter of an hour or two. If mail stays away, Disable-SmtpDaneInbound takes it back."}}
}

// byProvider are what the customer of a provider can do about its mail servers: settings of his own
// where there are some, else a letter; and if that does not help, move.
func byProvider(p place.Place) []report.Step {
	if p.Fix() == report.MoveToDANE {
		if steps := toDANE[p.Provider.Domain]; steps != nil {
			return steps(p)
		}
	}
	name, where := p.Provider.Name, p.Provider.Name
	if p.Provider.Panel != "" {
		where += ", " + p.Provider.Panel
	}
	return []report.Step{
		{Who: report.Provider, Kind: report.StepMessage, Where: where, Code: letter(p), Text: "Only " + name + " can change this server. Send this, or ask for a server without the fault."},
		{Who: report.Owner, Kind: report.StepTask, Text: "If that does not help, move to a provider whose servers pass this check. Lower the TTL of the MX records first, and keep the old mailboxes open for a week."},
	}
}

// letter is the message to the provider, ready to be sent.
func letter(p place.Place) string {
	f := p.Finding
	ask := f.FixText
	if p.Fix() == report.MoveToDANE {
		ask = "Please sign the zone of {host} with DNSSEC and publish its key (TLSA records 3 1 1). Or tell us a mail server that has both."
		if keys := server.Digests(p.Host); len(keys) > 0 {
			ask += " For the key served today the record is _25._tcp." + server.Base(p.Host) + ". IN TLSA 3 1 1 " + keys[0]
		}
	}
	at := ""
	if f.Address != "" {
		at = " (" + f.Address + ")"
	}
	return fmt.Sprintf(`Subject: Mail server %s of {domain}

Hello,

your server %s%s receives the mail for {domain}. On %s we saw there:

%s. %s

%s

(Rule %s; %s.) Could you tell us whether and when you will change that?

Thank you`, f.Host, f.Host, at, p.Report.CheckedAt.UTC().Format("2 January 2006"), strings.TrimSuffix(f.Title, "."), f.Text, ask, f.Rule, f.Reference)
}
