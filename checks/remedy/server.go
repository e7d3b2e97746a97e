package remedy

import (
	"cmp"
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
	"starttls":           "Offer STARTTLS, with a certificate that the server can read. Any certificate keeps listeners out; a public one is best.",
	"versions":           "Speak TLS 1.2 and 1.3 only.",
	"suites":             "Drop the suites that are readable, weak or without forward secrecy.",
	"order":              "Let the server's order of suites count, which begins with the best.",
	"groups":             "Offer X25519, P-256 and P-384, and Diffie-Hellman with 2048 bits at least.",
	"signatures":         "Sign no key exchange with SHA-1 or MD5.",
	"compression":        "Switch TLS compression off.",
	"client certificate": "Ask senders for no certificate, or at least do not insist: they have none.",
}

// risks say which mail a setting may stop.
var risks = map[string]string{
	"starttls": "Nothing: who cannot do TLS goes on in clear.",
	"versions": "A sender that knows nothing newer falls back to clear text, or gives up where TLS is enforced. Look for such sessions in the log first.",
	"suites":   "A sender that knows only these falls back to clear text. There are hardly any left.",
}

// setting makes the steps that change these settings of the mail server and have it read them.
func setting(names ...string) func(the) []report.Step {
	return func(c the) []report.Step {
		list, sure := c.programsAt()
		steps := c.before(names)
		known := false
		shown := make(map[string]bool)
		for _, p := range list {
			lines, reasons := p.lines(names)
			if len(lines) == 0 {
				continue
			}
			known = true
			if code := p.name + strings.Join(lines, ""); !shown[code] { // kinds of one program mostly agree
				shown[code] = true
				if kinds := alike(list, p, names); kinds > 1 {
					p.label = ""
				}
				steps = append(steps, c.configure(p, sure, lines, reasons)...)
			}
		}
		if !known {
			steps = append(steps, report.Step{Who: "server", Kind: "task", Where: "{host}", Text: c.finding.Remedy})
		}
		return append(steps, c.look())
	}
}

// lines are those that make the settings, each once, with the settings that they make.
func (p program) lines(settings []string) (lines, made []string) {
	for _, name := range settings {
		code, has := p.settings[name]
		if has {
			made = append(made, name)
		}
		if has && !slices.Contains(lines, code) {
			lines = append(lines, code)
		}
	}
	return lines, made
}

// alike counts the kinds of one program that take the same lines.
func alike(list []program, p program, settings []string) int {
	mine, _ := p.lines(settings)
	kinds := 0
	for _, other := range list {
		if lines, _ := other.lines(settings); other.name == p.name && slices.Equal(lines, mine) {
			kinds++
		}
	}
	return kinds
}

// configure has the program take the lines and read them.
func (c the) configure(p program, sure bool, lines, settings []string) []report.Step {
	step := report.Step{Who: "server", Kind: "config", Where: p.title(sure) + p.where, Code: c.paths(strings.Join(lines, "\n"))}
	for _, name := range settings {
		step.Text = strings.TrimSpace(step.Text + " " + purposes[name])
		step.Risk = cmp.Or(step.Risk, risks[name])
	}
	if step.Code == "" {
		step.Kind = "task"
	}
	steps := []report.Step{step}
	if p.reload != "" {
		steps = append(steps, report.Step{Who: "server", Kind: "command", Where: p.title(sure) + "a shell on {host}", Text: "Have it read the new settings.", Code: p.reload})
	}
	return steps
}

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
func (c the) before(settings []string) []report.Step {
	if !slices.Contains(settings, "versions") {
		return nil
	}
	var steps []report.Step
	list, sure := c.programsAt()
	for _, p := range list {
		if p.log != "" && sure {
			steps = append(steps, report.Step{Who: "server", Kind: "command", Where: p.title(sure) + "a shell on {host}",
				Text: "See whether anybody still comes with TLS 1.0 or 1.1. Nothing printed: nobody does.", Code: p.log})
			break
		}
	}
	return steps
}

// look is the last step: see that it worked.
func (c the) look() report.Step {
	return report.Step{Who: "server", Kind: "command", Text: "See that it worked.", Code: "mxseal probe {host}"}
}

// paths puts the usual files of key and certificate into a snippet.
func (c the) paths(code string) string {
	return strings.NewReplacer("{certificate}", certificateFile(c.finding.Host), "{key}", keyFile(c.finding.Host)).Replace(code)
}

// newCertificate gets one from a public authority for the same key, where DANE depends on it.
func newCertificate(c the) []report.Step { return c.issue("--reuse-key ", false) }

// newKey gets one for a new key.
func newKey(c the) []report.Step { return c.issue("--key-type ecdsa ", true) }

func (c the) issue(flags string, fresh bool) []report.Step {
	var steps []report.Step
	if c.host != nil && len(c.host.TLSA.Records) > 0 {
		steps = append(steps, report.Step{Who: "owner", Kind: "command", Where: "zone of " + base(c.host), Code: "openssl x509 -in " + certificateFile("{host}") + " -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum",
			Text: "The TLSA records of {host} name the present key. If the new certificate has another one, publish its digest as _25._tcp." + base(c.host) + ". IN TLSA 3 1 1 <digest> beside them, before the server uses it.",
			Wait: twice(c.host),
			Risk: "A key that was not published first stops the mail of every sender that checks DANE."})
	}
	list, sure := c.programsAt()
	reload := ""
	if sure && len(list) > 0 {
		reload = " --deploy-hook '" + strings.TrimSpace(strings.Split(list[0].reload, "  #")[0]) + "'"
	}
	all, whom := []string{"{host}"}, "{host} itself"
	if c.host != nil {
		if all = names(c.host, c.r.Domain); len(all) > 1 {
			whom = strings.Join(all, " and ")
		}
	}
	text := "Get a certificate for " + whom + " from a public authority, for example Let's Encrypt; renewal is then automatic and reloads the server."
	if fresh {
		text = "Make a new key with a certificate for " + strings.Join(all, " and ") + " from a public authority. Do not use the old key anywhere any more."
	}
	steps = append(steps, report.Step{Who: "server", Kind: "command", Where: "a shell on {host}",
		Text: text, Code: "certbot certonly --standalone " + flags + "-d " + strings.Join(all, " -d ") + reload,
		Risk: "certbot --standalone needs port 80 for a moment; behind a web server use its own plugin or DNS."})
	for _, step := range setting("starttls")(c) {
		if step.Kind == "config" {
			step.Text, step.Risk = "Let the server use it, with the whole chain of issuers.", ""
		}
		steps = append(steps, step)
	}
	return steps
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
			Text: c.finding.Remedy, Risk: "A system past its end gets no newer library: move the mail server to one that is maintained."},
		c.look(),
	}
}
