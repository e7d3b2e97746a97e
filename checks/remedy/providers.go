package remedy

import (
	"fmt"
	"regexp"
	"strings"

	"mxseal/checks/report"
)

// provider is a company that receives mail for others. Whether it does DANE is not told
// here: the evidence of the report says so of the very host.
type provider struct {
	domain string // its mail servers stand below it
	name   string
	panel  string                  // where its customers make settings, and ask
	dane   func(the) []report.Step // its own way to DANE, where customers have to do something
	host   *regexp.Regexp          // narrows the domain to the servers that are the provider's
	source string                  // the day, and what was read
}

// providers by the domain of their mail servers. Each has a source, with the day on which it was
// read: a domain below which customers have machines of their own is not one to go by.
var providers = []provider{
	{domain: "google.com", name: "Google", panel: "admin.google.com", dane: google, source: "2026-11-28 MX records of Google Workspace, smtp.google.com and aspmx.l.google.com: intodns.ai/citations/google-workspace-mx-records, after Google's help"},
	{domain: "googlemail.com", name: "Google", panel: "admin.google.com", dane: google, source: "2026-11-28 aspmx2.googlemail.com: gist.github.com/ion1/344284"},
	{domain: "smtp.goog", name: "Google", panel: "admin.google.com", dane: google, source: "2026-11-28 as reported of Google's help; the page itself was not read"},
	{domain: "mail.protection.outlook.com", name: "Microsoft 365", panel: "admin.microsoft.com", dane: microsoft, source: "2026-11-28 learn.microsoft.com/purview/how-smtp-dane-works; vand3rlinden.com/post/exo-inbound-smtp-dane-dnssec"},
	{domain: "mx.microsoft", name: "Microsoft 365", panel: "admin.microsoft.com", dane: microsoftTLSA, source: "2026-11-28 learn.microsoft.com/purview/how-smtp-dane-works; vand3rlinden.com/post/exo-inbound-smtp-dane-dnssec"},
	{domain: "olc.protection.outlook.com", name: "Microsoft", panel: "its support", source: "2026-11-28 live-com.olc.protection.outlook.com: gitlab.com/hmailserver/hmailserver, item 80"},
	{domain: "ppe-hosted.com", name: "Proofpoint Essentials", panel: "its support", source: "2026-11-28 mx1-us1.ppe-hosted.com: github.com/pect0ral/mail_recon"},
	{domain: "mx.cloudflare.net", name: "Cloudflare Email Routing", panel: "dash.cloudflare.com", source: "2026-11-28 route1.mx.cloudflare.net: docs.deepinfo.com, reverse MX, of 2026-09-24"},
	{domain: "amazonaws.com", host: sesInbound, name: "Amazon SES", panel: "AWS support", source: "2026-11-28 docs.aws.amazon.com/ses/latest/dg/receiving-email-mx-record.html"},
	{domain: "messagingengine.com", name: "Fastmail", panel: "Fastmail, Settings: Domains", source: "2026-11-28 in1-smtp.messagingengine.com: gist.github.com/timchambers/40fce1a2f1351e6e4c6a070e17367d54, after Fastmail's help"},
	{domain: "protonmail.ch", name: "Proton Mail", panel: "Proton, Settings: Domain names", source: "2026-11-28 mail.protonmail.ch: proton.me/support/custom-domain, mxrecordchecker.com/resources/protonmail-mx-records"},
	{domain: "zoho.com", name: "Zoho Mail", panel: "Zoho Mail Admin Console", source: "2026-11-28 mx.zoho.com: zoho.com/mail/help/adminconsole"},
	{domain: "zoho.eu", name: "Zoho Mail", panel: "Zoho Mail Admin Console", source: "2026-11-28 mx.zoho.eu: mxrecordchecker.com/resources/zoho-mx-records"},
	{domain: "mailbox.org", name: "mailbox.org", panel: "its support", source: "2026-11-28 kb.mailbox.org/en/private/custom-domains"},
	{domain: "forwardemail.net", name: "Forward Email", panel: "forwardemail.net", source: "2026-11-28 mx1.forwardemail.net: gist.github.com/vimal-verma/0ad3f4582858f90f566987125904c4a2"},
}

// sesInbound are the servers of SES; everything else there belongs to customers.
var sesInbound = regexp.MustCompile(`^inbound-smtp\.[a-z0-9-]+\.amazonaws\.com$`)

// google has signed names of mail servers, says its help. Whether they have TLSA records could
// not be seen.
func google(c the) []report.Step {
	where := "Google, admin.google.com"
	if strings.HasSuffix(c.host.Name, ".smtp.goog") {
		return []report.Step{{Who: "owner", Kind: "task", Where: where, Text: "The name of this mail server is Google's, and so are its TLSA records: ask Google's support for them. MTA-STS is yours to publish today: Gmail's certificates are valid for the names in the MX records."}}
	}
	return []report.Step{{Who: "owner", Kind: "task", Where: where, Text: "Google signs other names of its mail servers, below smtp.goog: ask Google's support for those of {domain}, and whether they have TLSA records. Until they do, MTA-STS is what protects this mail: Gmail's certificates are valid for the names in the MX records, and the policy is yours to publish.",
		Risk: "An MTA-STS policy has to name the new servers, and senders have to know of it, before the MX records do."}}
}

// microsoft is the way to a mail server name of one's own below mx.microsoft, which is signed
// (Microsoft, "How SMTP DANE works", learn.microsoft.com/purview/how-smtp-dane-works; what it asks for
// beforehand as vand3rlinden.com/post/exo-inbound-smtp-dane-dnssec gives it; both 2026-11-28).
func microsoft(c the) []report.Step {
	shell := "Exchange Online PowerShell"
	steps := []report.Step{
		{Who: "owner", Kind: "task", Where: "admin.microsoft.com; zone of {domain}", Text: "What Microsoft asks for: {domain} is signed with DNSSEC and an accepted domain in state Healthy; it has one MX record, with preference 0 or 10, and no second one. Look through connectors, smart hosts and other systems of yours for {host}: they are to send to the new name afterwards. Lower the TTL of the MX record to a minute.",
			Wait: "the old TTL of the MX record"},
		{Who: "owner", Kind: "command", Where: shell, Code: "Connect-ExchangeOnline\nEnable-DnssecForVerifiedDomain -DomainName {domain}", Text: "Ask for a signed mail server name. The answer, DnssecMxValue, ends in mx.microsoft, with two labels in front."},
	}
	enforced := false
	if m := c.r.MTASTS; m != nil && m.Policy != nil && len(covered(c.r)) > 0 {
		enforced = m.Policy.Mode == "enforce"
		file := c.policyFile("testing", whileTesting, "Before the new name is published, let the MTA-STS policy name it, in mode testing. Write the full name that the command printed: a wildcard stands for one label only, and would not fit.")
		head, rest, _ := strings.Cut(file.Code, "max_age:")
		file.Code = head + "mx: <DnssecMxValue>\nmax_age:" + rest
		id := c.policyID(c.r.CheckedAt, "Then change the id, that senders fetch the file anew.")
		id.Wait = "the old TTL of the TXT record, and a day more"
		if enforced {
			file.Risk = "Mode testing takes the promise of mode enforce back until the last step."
		}
		steps = append(steps, file, id)
	}
	steps = append(steps, []report.Step{
		{Who: "owner", Kind: "dns", Do: "add", Where: "zone of {domain}", Code: "{domain}. IN MX 20 <DnssecMxValue>.", Text: "Publish it as a second choice.", Wait: "until Microsoft's Remote Connectivity Analyzer delivers to it"},
		{Who: "owner", Kind: "dns", Do: "replace", Where: "zone of {domain}", Code: "{domain}. IN MX 0 <DnssecMxValue>.\n{domain}. IN MX 30 {host}.", Text: "Make it the first choice.", Wait: "a day or two",
			Risk: "Mail goes to the same mailboxes by both names. To take it back, let {host} be the first choice again."},
		{Who: "owner", Kind: "dns", Do: "delete", Where: "zone of {domain}", Code: "{domain}. IN MX 30 {host}.", Text: "Then delete the old name: an attacker would choose it.", Wait: "the TTL of the MX records"},
	}...)
	steps = append(steps, microsoftTLSA(c)...)
	if enforced {
		steps = append(steps, report.Step{Who: "owner", Kind: "task", Where: "https://mta-sts.{domain}/.well-known/mta-sts.txt", Text: "Last set the MTA-STS policy back to mode enforce, with the full new name under mx: and without {host}, and change its id."})
	}
	return steps
}

func microsoftTLSA(c the) []report.Step {
	return []report.Step{{Who: "owner", Kind: "command", Where: "Exchange Online PowerShell", Code: "Connect-ExchangeOnline\nEnable-SmtpDaneInbound -DomainName {domain}",
		Text: "Have Microsoft publish the TLSA records. It takes a quarter of an hour or two. If mail stays away, Disable-SmtpDaneInbound takes it back."}}
}

// aboutDANE are the rules that a host in a signed zone with TLSA records would not break.
var aboutDANE = map[string]bool{"SEC-06": true, "SEC-07": true, "DAN-02": true, "DAN-03": true, "DAN-04": true}

// hostedSteps are what the customer of a provider can do about its mail servers: settings
// of his own where there are some, else a letter; and if that does not help, move.
func (c the) hostedSteps() []report.Step {
	p := c.provider
	if aboutDANE[c.finding.Rule] {
		if p.dane != nil {
			return p.dane(c)
		}
	}
	where := p.name
	if p.panel != "" {
		where += ", " + p.panel
	}
	return []report.Step{
		{Who: "provider", Kind: "message", Where: where, Code: c.letter(), Text: "Only " + p.name + " can change this server. Send this, or ask for a server without the fault."},
		{Who: "owner", Kind: "task", Text: "If nothing comes of it, move to a provider whose servers pass this check; lower the TTL of the MX records beforehand, and keep the old mailboxes open for a week."},
	}
}

// letter is the message to the provider, ready to be sent.
func (c the) letter() string {
	f := c.finding
	ask := f.Remedy
	if aboutDANE[f.Rule] {
		ask = "Please sign the zone of {host} with DNSSEC and publish its key (TLSA records 3 1 1), or name us a mail server for which that is done."
		if len(digests(c.host)) > 0 {
			ask += " For the key served today the record is _25._tcp." + base(c.host) + ". IN TLSA 3 1 1 " + digests(c.host)[0]
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

Thank you`, f.Host, f.Host, at, c.r.CheckedAt.UTC().Format("2 January 2006"), strings.TrimSuffix(f.Title, "."), f.Text, ask, f.Rule, f.Reference)
}
