package server

import (
	"fmt"
	"strings"

	"mxseal/checks/fix/place"
	"mxseal/checks/fix/software"
	"mxseal/checks/report"
)

// Certificate gets one from a public authority for the same key, as far as certbot has it.
func Certificate(p place.Place) []report.Step { return issue(p, false) }

// NewKey gets one for a new key.
func NewKey(p place.Place) []report.Step { return issue(p, true) }

// issue gets a certificate. Without --force-renewal certbot leaves one, and its key, that is not
// yet due as it is.
func issue(p place.Place, fresh bool) []report.Step {
	list, sure := programs(p)
	all := []string{"{host}"}
	if p.Host != nil {
		all = place.Names(p.Host, p.Report.Domain)
	}
	whom := strings.Join(all, " and ")
	text := "Get a certificate for " + whom + " from a public authority, for example Let's Encrypt."
	if fresh {
		text = "Make a new key with a certificate for " + whom + " from a public authority. Do not use the old key anywhere any more."
	}
	published := p.Published()
	if len(list) == 1 && list[0].Own != "" {
		return issueByItself(p, list[0], text, published)
	}
	const keep, change = "--reuse-key ", "--new-key --key-type ecdsa "
	flags := keep
	switch {
	case fresh && published: // and its renewals keep it
		flags = keep + change
	case fresh:
		flags = change
	}
	if published {
		return issueBeside(p, text, flags, all, list, sure)
	}
	hook := ""
	if sure && len(list) > 0 {
		hook = list[0].Hook("{host}")
	}
	get := report.Step{Who: report.Operator, Kind: report.StepCommand, Where: "a shell on {host}", Text: text + " Renewal is then automatic and reloads the server.",
		Code: certbotFor("{host}", flags, all) + "--deploy-hook '" + hook + "'", Risk: port80}
	if hook == "" {
		get.Text = text + " Renewal is then automatic, but has to reload the server. Add a hook to the command, for example --deploy-hook 'postfix reload' or --deploy-hook 'systemctl restart exim4'. Without one the server goes on with the old certificate until it has ended."
		get.Code = strings.TrimSpace(certbotFor("{host}", flags, all))
	}
	return append([]report.Step{get}, Configure(p)...)
}

const port80 = "certbot --standalone needs port 80 for a moment; behind a web server use its own plugin or DNS. Before version 2.0 certbot does not know --new-key, and makes a new key without it."

func certbotFor(lineage, flags string, names []string) string {
	return "certbot certonly --standalone --cert-name " + lineage + " --force-renewal --expand " + flags + "-d " + strings.Join(names, " -d ") + " "
}

// issueBeside gets a certificate while TLSA records name the present key: under a name of its
// own, which no hook knows and nothing uses, until every cache has the digest of its key. From
// then on renewals keep that key.
func issueBeside(p place.Place, text, flags string, names []string, list []software.Program, sure bool) []report.Step {
	at, shell := Base(p.Host), "a shell on {host}"
	hook := "postfix reload"
	if sure && len(list) > 0 {
		hook = list[0].Hook(p.Lineage)
	}
	steps := []report.Step{
		{Who: report.Operator, Kind: report.StepCommand, Where: shell, Text: text + " It is kept under a name of its own, and the server does not use it yet.",
			Code: strings.TrimSpace(certbotFor(p.Lineage, flags, names)), Risk: port80},
		{Who: report.Operator, Kind: report.StepCommand, Where: shell, Text: "Print the digest of its key.", Code: fmt.Sprintf(digestCommand, software.CertificateFile(p.Lineage))},
		{Who: report.Owner, Kind: report.StepDNS, Do: report.Add, Where: "zone of " + at, Code: "_25._tcp." + at + ". IN TLSA 3 1 1 <digest>",
			Text: "Publish it beside the present records, which stay.", Wait: twice(p.Host) + ", until every cache has the record",
			Risk: "A key that was not published first stops the mail of every sender that checks DANE."}}
	used := Configure(p)
	steps = append(steps, used[:len(used)-1]...)
	return append(steps,
		report.Step{Who: report.Operator, Kind: report.StepCommand, Where: shell,
			Text: "Have every renewal, which keeps this key, reload the server. The line in quotes is what your server needs for that.",
			Code: "printf '#!/bin/sh\\n%s\\n' '" + hook + "' >/etc/letsencrypt/renewal-hooks/deploy/mail && chmod 755 /etc/letsencrypt/renewal-hooks/deploy/mail",
			Risk: "To take it all back, put the old lines back into the configuration: the TLSA records of the old key are still there."},
		look(),
		report.Step{Who: report.Owner, Kind: report.StepTask, Where: "zone of " + at, Text: "Last delete the TLSA records that “mxseal probe {host}” shows to fit no longer."})
}

// issueByItself is for a server that gets its certificates by itself, or in a way of its own.
func issueByItself(p place.Place, program software.Program, text string, published bool) []report.Step {
	step := report.Step{Who: report.Operator, Kind: report.StepTask, Where: program.Title(true) + program.Where, Text: text + " " + program.Own}
	if published {
		step.Risk = "The TLSA records of {host} name the present key. If the new certificate has another one, publish its digest beside them and wait for " + twice(p.Host) + ", before the server uses it: otherwise the mail of every sender that checks DANE stops."
	}
	return []report.Step{step, look()}
}
