package remedy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// programsAt are the mail server that was recognised at the address, or at the host, or
// those that it probably is.
func (c the) programsAt() (list []program, sure bool) {
	addresses := []*report.Address{c.address}
	if c.address == nil && c.host != nil {
		addresses = c.host.Addresses
	}
	for _, a := range addresses {
		if a == nil || a.SMTP == nil {
			continue
		}
		banner := strings.ToLower(a.SMTP.Banner)
		for _, p := range programs {
			if p.said != "" && strings.Contains(banner, p.said) {
				return []program{p}, true
			}
		}
		for _, p := range programs {
			if p.name == a.SMTP.Software {
				list = append(list, p)
			}
		}
		if len(list) > 0 {
			return list, true
		}
		if a.SMTP.Software != "" {
			return nil, true // a program that the table does not know
		}
	}
	for _, p := range programs {
		if slices.Contains(guessed, p.name) {
			list = append(list, p)
		}
	}
	return list, false
}

// purposes say in a sentence what a setting is for.
var purposes = map[string]string{
	"starttls":           "Offer STARTTLS.",
	"certificate":        "Let the server use a certificate, with the whole chain of its issuers. Any keeps listeners out; a public one is best. The files are where certbot keeps them: if yours are elsewhere, name those.",
	"versions":           "Speak TLS 1.2 and 1.3 only.",
	"suites":             "Drop the suites that are readable, weak or without forward secrecy.",
	"order":              "Let nothing put a worse suite before a better one.",
	"groups":             "Take Diffie-Hellman in prime fields off, and leave the curves to the TLS library.",
	"signatures":         "Sign no key exchange with SHA-1 or MD5.",
	"compression":        "Switch TLS compression off.",
	"client certificate": "Ask senders for no certificate, or at least do not insist: most have none.",
}

// risks say which mail a setting may stop, and how to take it back.
var risks = map[string]string{
	"starttls":    "Nothing: who cannot do TLS goes on in clear.",
	"certificate": "A file that is missing, or that the server may not read, leaves it without a certificate: senders that check do not deliver. Put the old line back then.",
	"versions":    "A sender that knows nothing newer falls back to clear text, or gives up where TLS is enforced. Look for such sessions in the log first. To take it back, put the old line back.",
	"suites":      "A sender that knows only these falls back to clear text. There are hardly any left. To take it back, put the old line back.",
	"groups":      "A sender that knows only these falls back to clear text. There are hardly any left. To take it back, put the old line back.",
	"signatures":  "A sender that knows nothing newer than TLS 1.1, or SHA-1 only, falls back to clear text. To take it back, put the old value back.",
}

// configured are the steps that change the settings of the mail server and have it read them.
func (c the) configured() []report.Step {
	list, sure := c.programsAt()
	steps := c.before()
	known := false
	shown := make(map[string]bool)
	for _, p := range list {
		made := p.makes(c.settings)
		if len(made) == 0 {
			continue
		}
		known = true
		if code := p.name + p.text(c.settings, c.all); !shown[code] { // kinds of one program may agree
			shown[code] = true
			if kinds := alike(list, p, c.settings, c.all); kinds > 1 {
				p.label = ""
			}
			steps = append(steps, c.configure(p, sure, made)...)
		}
	}
	if !known {
		steps = append(steps, report.Step{Who: "server", Kind: "task", Where: "{host}", Text: c.finding.Remedy})
	}
	return append(steps, c.look())
}

// makes are those of the settings that can be made in the program.
func (p program) makes(settings []string) (made []string) {
	for _, name := range settings {
		if _, has := p.settings[name]; has {
			made = append(made, name)
		}
	}
	return made
}

// text is all that is to be copied for the settings.
func (p program) text(settings, all []string) string {
	edits, _ := p.changes(settings, all)
	lines, commands, _ := p.write(edits)
	return strings.Join(append(lines, commands...), "\n")
}

// alike counts the kinds of one program that take the same lines.
func alike(list []program, p program, settings, all []string) int {
	mine, kinds := p.text(settings, all), 0
	for _, other := range list {
		if other.name == p.name && other.text(settings, all) == mine {
			kinds++
		}
	}
	return kinds
}

// configure has the program take the lines and read them. Where the lines name files these are
// looked at first: a server that cannot read them has no TLS for senders that check.
func (c the) configure(p program, sure bool, settings []string) []report.Step {
	var steps []report.Step
	shell := p.title(sure) + "a shell on {host}"
	certificate, key := p.files(c.kept())
	edits, more := p.changes(settings, c.all)
	lines, commands, words := p.write(edits)
	fill := strings.NewReplacer("{certificate}", certificate, "{key}", key, "{chain}", chainFile(c.kept()))
	code, typed := fill.Replace(strings.Join(lines, "\n")), fill.Replace(strings.Join(commands, "\n"))
	if strings.Contains(code+typed, certificate) {
		look := report.Step{Who: "server", Kind: "command", Where: shell,
			Text: "See that the files are there and fit each other. Go on only if this prints a date to come and the same key twice.",
			Code: "openssl x509 -in " + certificate + " -noout -enddate -pubkey && openssl pkey -in " + key + " -pubout"}
		if p.folder != "" {
			look.Text = "The server may not read what certbot keeps, so it gets copies. " + look.Text
			look.Code = p.copy(c.kept()) + " && " + look.Code
		}
		steps = append(steps, look)
	}
	step := report.Step{Who: "server", Kind: "config", Where: p.title(sure) + p.where, Code: code}
	for _, name := range settings {
		step.Text = strings.TrimSpace(step.Text + " " + purposes[name])
		step.Risk = cmp.Or(step.Risk, risks[name])
	}
	if more {
		words = append([]string{"A list holds what other findings of this server need as well."}, words...)
	}
	for _, name := range append(slices.Clone(settings), "") {
		words = append(words, p.notes[name])
	}
	for i, note := range words {
		if note != "" && !slices.Contains(words[:i], note) {
			step.Text += " " + note
		}
	}
	if slices.Contains(settings, "certificate") && c.host != nil && len(c.host.TLSA.Records) > 0 && c.lineage == "" {
		step.Text += " Senders that check DANE want the key whose digest stands in the TLSA records."
	}
	reload := p.reload
	if typed != "" {
		reload = strings.TrimSuffix(typed+"\n"+reload, "\n")
	}
	switch {
	case step.Code == "" && typed == "":
		step.Kind = "task"
	case step.Code == "": // nothing but commands
		step.Kind, step.Where, step.Code = "command", shell, reload
		return append(steps, step)
	}
	steps = append(steps, step)
	if reload != "" {
		steps = append(steps, report.Step{Who: "server", Kind: "command", Where: shell, Text: "Have it read the new settings.", Code: reload})
	}
	return steps
}

// files are where the program's certificate and key for a host are: certbot's, or copies of them
// for a program that may not read those.
func (p program) files(host string) (certificate, key string) {
	if p.folder != "" {
		return p.folder + "/" + host + ".crt", p.folder + "/" + host + ".key"
	}
	return certificateFile(host), keyFile(host)
}

// copy gives the program copies of what certbot keeps under a name.
func (p program) copy(lineage string) string {
	certificate, key := p.files(lineage)
	return "install -m 640 " + p.copies + " " + certificateFile(lineage) + " " + certificate + " && install -m 640 " + p.copies + " " + keyFile(lineage) + " " + key
}

// hook is what has to be run after each renewal of what certbot keeps under a name.
func (p program) hook(lineage string) string {
	reload := strings.TrimSpace(strings.Split(p.reload, "  #")[0])
	if p.folder == "" {
		return reload
	}
	return p.copy(lineage) + " && " + reload[strings.LastIndex(reload, "systemctl"):]
}

// kept is the name under which certbot keeps the certificate that is spoken of.
func (c the) kept() string { return cmp.Or(c.lineage, c.finding.Host) }

// title names the program in front of the place, with a guess marked as such.
func (p program) title(sure bool) string {
	name := p.name
	if p.label != "" {
		name += " " + p.label
	}
	if !sure {
		name = "if it is " + name
	}
	return name + ": "
}

// before looks who would be left behind, where the log can tell.
func (c the) before() []report.Step {
	if !slices.Contains(c.settings, "versions") {
		return nil
	}
	var steps []report.Step
	list, sure := c.programsAt()
	for _, p := range list {
		if p.log != "" && sure {
			steps = append(steps, report.Step{Who: "server", Kind: "command", Where: p.title(sure) + "a shell on {host}",
				Text: "See whether anybody still comes with TLS 1.0 or 1.1. Nothing printed of a whole week: nobody does.", Code: p.log})
			break
		}
	}
	return steps
}

// look is the last step: see that it worked.
func (c the) look() report.Step {
	return report.Step{Who: "server", Kind: "command", Text: "See that it worked.", Code: "mxseal probe {host}"}
}

// beside is the name under which certbot keeps a certificate that is not to be used yet.
func (c the) beside() string {
	return c.finding.Host + "-" + c.r.CheckedAt.UTC().Format("20060102")
}

// newCertificate gets one from a public authority for the same key, as far as certbot has it.
func newCertificate(c the) []report.Step { return c.issue(false) }

// newKey gets one for a new key.
func newKey(c the) []report.Step { return c.issue(true) }

// issue gets a certificate. Without --force-renewal certbot leaves one, and its key, that is not
// yet due as it is.
func (c the) issue(fresh bool) []report.Step {
	list, sure := c.programsAt()
	all := []string{"{host}"}
	if c.host != nil {
		all = names(c.host, c.r.Domain)
	}
	whom := strings.Join(all, " and ")
	text := "Get a certificate for " + whom + " from a public authority, for example Let's Encrypt."
	if fresh {
		text = "Make a new key with a certificate for " + whom + " from a public authority. Do not use the old key anywhere any more."
	}
	published := c.host != nil && len(c.host.TLSA.Records) > 0
	if len(list) == 1 && list[0].own != "" {
		return c.issueByItself(list[0], text, published)
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
		return c.issueBeside(text, flags, all, list, sure)
	}
	hook := ""
	if sure && len(list) > 0 {
		hook = list[0].hook("{host}")
	}
	get := report.Step{Who: "server", Kind: "command", Where: "a shell on {host}", Text: text + " Renewal is then automatic and reloads the server.",
		Code: certbotFor("{host}", flags, all) + "--deploy-hook '" + hook + "'", Risk: port80}
	if hook == "" {
		get.Text = text + " Renewal is then automatic, but has to reload the server: add a hook to the command, for example --deploy-hook 'postfix reload' or --deploy-hook 'systemctl restart exim4'. Without one the server goes on with the old certificate until it has ended."
		get.Code = strings.TrimSpace(certbotFor("{host}", flags, all))
	}
	return append([]report.Step{get}, c.configured()...)
}

const port80 = "certbot --standalone needs port 80 for a moment; behind a web server use its own plugin or DNS. Before version 2.0 certbot does not know --new-key, and makes a new key without it."

func certbotFor(lineage, flags string, names []string) string {
	return "certbot certonly --standalone --cert-name " + lineage + " --force-renewal --expand " + flags + "-d " + strings.Join(names, " -d ") + " "
}

// issueBeside gets a certificate while TLSA records name the present key: under a name of its
// own, which no hook knows and nothing uses, until every cache has the digest of its key. From
// then on renewals keep that key.
func (c the) issueBeside(text, flags string, names []string, list []program, sure bool) []report.Step {
	at, shell := base(c.host), "a shell on {host}"
	hook := "postfix reload"
	if sure && len(list) > 0 {
		hook = list[0].hook(c.lineage)
	}
	steps := []report.Step{
		{Who: "server", Kind: "command", Where: shell, Text: text + " It is kept under a name of its own, and the server does not use it yet.",
			Code: strings.TrimSpace(certbotFor(c.lineage, flags, names)), Risk: port80},
		{Who: "server", Kind: "command", Where: shell, Text: "Print the digest of its key.", Code: fmt.Sprintf(digestCommand, certificateFile(c.lineage))},
		{Who: "owner", Kind: "dns", Do: "add", Where: "zone of " + at, Code: "_25._tcp." + at + ". IN TLSA 3 1 1 <digest>",
			Text: "Publish it beside the present records, which stay.", Wait: twice(c.host) + ", until every cache has the record",
			Risk: "A key that was not published first stops the mail of every sender that checks DANE."}}
	used := c.configured()
	steps = append(steps, used[:len(used)-1]...)
	return append(steps,
		report.Step{Who: "server", Kind: "command", Where: shell,
			Text: "Have every renewal, which keeps this key, reload the server. The line in quotes is what your server needs for that.",
			Code: "printf '#!/bin/sh\\n%s\\n' '" + hook + "' >/etc/letsencrypt/renewal-hooks/deploy/mail && chmod 755 /etc/letsencrypt/renewal-hooks/deploy/mail",
			Risk: "To take it all back, put the old lines back into the configuration: the TLSA records of the old key are still there."},
		c.look(),
		report.Step{Who: "owner", Kind: "task", Where: "zone of " + at, Text: "Last delete the TLSA records that “mxseal probe {host}” shows to fit no longer."})
}

// issueByItself is for a server that gets its certificates by itself, or in a way of its own.
func (c the) issueByItself(p program, text string, published bool) []report.Step {
	step := report.Step{Who: "server", Kind: "task", Where: p.title(true) + p.where, Text: text + " " + p.own}
	if published {
		step.Risk = "The TLSA records of {host} name the present key. If the new certificate has another one, publish its digest beside them and wait for " + twice(c.host) + ", before the server uses it: otherwise the mail of every sender that checks DANE stops."
	}
	return []report.Step{step, c.look()}
}

// inspection is for a firewall that erases STARTTLS.
func inspection(c the) []report.Step {
	return []report.Step{
		{Who: "server", Kind: "config", Where: "Cisco ASA in front of {host}", Code: "policy-map global_policy\n class inspection_default\n  no inspect esmtp",
			Text: "Switch the inspection of SMTP off. Other makes call it SMTP fixup, mail guard or protocol inspection.", Risk: "Nothing: the mail server behind it checks its protocol itself."},
		c.look(),
	}
}

// library is for what only newer software mends.
func library(c the) []report.Step {
	return []report.Step{
		{Who: "server", Kind: "command", Where: "a shell on {host}", Code: "apt update && apt full-upgrade  # Debian, Ubuntu\ndnf upgrade                      # Fedora, Red Hat",
			Text: c.finding.Remedy + " Then restart the mail server: until then it runs with the old library.", Risk: "A system past its end gets no newer library: move the mail server to one that is maintained."},
		c.look(),
	}
}
