package remedy

import (
	"fmt"
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
	never  string                  // why waiting for DANE there is of no use today
}

// providers by the domain of their mail servers. To add one takes a line.
var providers = []provider{
	{domain: "google.com", name: "Google", panel: "admin.google.com", never: google},
	{domain: "googlemail.com", name: "Google", panel: "admin.google.com", never: google},
	{domain: "smtp.goog", name: "Google", panel: "admin.google.com", never: google},
	{domain: "mail.protection.outlook.com", name: "Microsoft 365", panel: "admin.microsoft.com", dane: microsoft},
	{domain: "mx.microsoft", name: "Microsoft 365", panel: "admin.microsoft.com", dane: microsoftTLSA},
	{domain: "outlook.com", name: "Microsoft", panel: "admin.microsoft.com"},
	{domain: "pphosted.com", name: "Proofpoint", panel: "its support"},
	{domain: "ppe-hosted.com", name: "Proofpoint Essentials", panel: "its support"},
	{domain: "mimecast.com", name: "Mimecast", panel: "its Administration Console"},
	{domain: "mimecast.co.za", name: "Mimecast", panel: "its Administration Console"},
	{domain: "messagelabs.com", name: "Broadcom (Symantec)", panel: "its support"},
	{domain: "iphmx.com", name: "Cisco", panel: "its support"},
	{domain: "barracudanetworks.com", name: "Barracuda", panel: "its support"},
	{domain: "trendmicro.com", name: "Trend Micro", panel: "its support"},
	{domain: "trendmicro.eu", name: "Trend Micro", panel: "its support"},
	{domain: "hornetsecurity.com", name: "Hornetsecurity", panel: "its Control Panel"},
	{domain: "antispameurope.com", name: "Hornetsecurity", panel: "its Control Panel"},
	{domain: "mx.cloudflare.net", name: "Cloudflare Email Routing", panel: "dash.cloudflare.com"},
	{domain: "amazonaws.com", name: "Amazon", panel: "AWS support"},
	{domain: "mail.icloud.com", name: "iCloud Mail", panel: "Apple support"},
	{domain: "yahoodns.net", name: "Yahoo", panel: "its support"},
	{domain: "messagingengine.com", name: "Fastmail", panel: "Fastmail, Settings: Domains"},
	{domain: "protonmail.ch", name: "Proton Mail", panel: "Proton, Settings: Domain names"},
	{domain: "zoho.com", name: "Zoho Mail", panel: "Zoho Mail Admin Console"},
	{domain: "zoho.eu", name: "Zoho Mail", panel: "Zoho Mail Admin Console"},
	{domain: "yandex.net", name: "Yandex 360", panel: "its support"},
	{domain: "yandex.ru", name: "Yandex 360", panel: "its support"},
	{domain: "migadu.com", name: "Migadu", panel: "admin.migadu.com"},
	{domain: "posteo.de", name: "Posteo", panel: "its support"},
	{domain: "mailbox.org", name: "mailbox.org", panel: "its support"},
	{domain: "tutanota.de", name: "Tuta", panel: "its support"},
	{domain: "ionos.com", name: "IONOS", panel: "the IONOS control panel"},
	{domain: "ionos.de", name: "IONOS", panel: "the IONOS control panel"},
	{domain: "kundenserver.de", name: "IONOS", panel: "the IONOS control panel"},
	{domain: "ovh.net", name: "OVHcloud", panel: "the OVHcloud Control Panel"},
	{domain: "gandi.net", name: "Gandi", panel: "admin.gandi.net"},
	{domain: "emailsrvr.com", name: "Rackspace", panel: "its support"},
	{domain: "secureserver.net", name: "GoDaddy", panel: "its support"},
	{domain: "forwardemail.net", name: "Forward Email", panel: "forwardemail.net"},
	{domain: "improvmx.com", name: "ImprovMX", panel: "its support"},
}

const google = "Google does not sign the names of its mail servers, so DANE is not to be had there. MTA-STS is: Gmail's certificates are valid for the names in the MX records, and the policy is yours to publish."

// microsoft is the way to a mail server name of one's own below mx.microsoft, which is
// signed, as Microsoft describes it.
func microsoft(c the) []report.Step {
	shell := "Exchange Online PowerShell"
	steps := []report.Step{
		{Who: "owner", Kind: "task", Where: "zone of {domain}", Text: "{domain} has to be signed with DNSSEC first. Lower the TTL of its MX record to a minute and wait for the old TTL."},
		{Who: "owner", Kind: "command", Where: shell, Code: "Connect-ExchangeOnline\nEnable-DnssecForVerifiedDomain -DomainName {domain}", Text: "Ask for a signed mail server name. The answer, DnssecMxValue, ends in mx.microsoft, with two labels in front."},
	}
	if m := c.r.MTASTS; m != nil && m.Policy != nil {
		file := c.policyFile("testing", whileTesting, "Before the new name is published, let the MTA-STS policy name it, in mode testing. A wildcard will not do: it stands for one label.")
		head, rest, _ := strings.Cut(file.Code, "max_age:")
		file.Code = head + "mx: <DnssecMxValue>\nmax_age:" + rest
		steps = append(steps, file, c.policyID(c.r.CheckedAt, "Then change the id, that senders fetch the file anew."))
	}
	steps = append(steps, []report.Step{
		{Who: "owner", Kind: "dns", Do: "add", Where: "zone of {domain}", Code: "{domain}. IN MX 20 <DnssecMxValue>.", Text: "Publish it as a second choice.", Wait: "until Microsoft's Remote Connectivity Analyzer delivers to it"},
		{Who: "owner", Kind: "dns", Do: "replace", Where: "zone of {domain}", Code: "{domain}. IN MX 0 <DnssecMxValue>.\n{domain}. IN MX 30 {host}.", Text: "Make it the first choice.", Wait: "a day or two",
			Risk: "Mail goes to the same mailboxes by both names."},
		{Who: "owner", Kind: "dns", Do: "delete", Where: "zone of {domain}", Code: "{domain}. IN MX 30 {host}.", Text: "Then delete the old name: an attacker would choose it."},
	}...)
	return append(steps, microsoftTLSA(c)...)
}

func microsoftTLSA(c the) []report.Step {
	return []report.Step{{Who: "owner", Kind: "command", Where: "Exchange Online PowerShell", Code: "Enable-SmtpDaneInbound -DomainName {domain}",
		Text: "Have Microsoft publish the TLSA records. It takes a quarter of an hour or two; then set an MTA-STS policy back to enforce."}}
}

// aboutDANE are the rules that a host in a signed zone with TLSA records would not break.
var aboutDANE = map[string]bool{"SEC-06": true, "SEC-07": true, "DAN-02": true, "DAN-03": true, "DAN-04": true}

// hostedSteps are what the customer of a provider can do about its mail servers: settings
// of his own where there are some, else a letter; and if that does not help, move.
func (c the) hostedSteps() []report.Step {
	p := c.provider
	if aboutDANE[c.finding.Rule] {
		switch {
		case p.dane != nil:
			return p.dane(c)
		case p.never != "":
			return []report.Step{{Who: "owner", Kind: "task", Text: p.never + " For DANE the mail would have to go to another provider."}}
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
