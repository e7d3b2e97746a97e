// Package server is what is changed at a mail server and at the names that speak for it: its
// settings, its certificate, and the TLSA records of its key.
package server

import (
	"cmp"
	"slices"
	"strings"

	"mxseal/checks/fix/place"
	"mxseal/checks/fix/software"
	"mxseal/checks/report"
)

// purposes say in a sentence what a setting is for.
var purposes = map[report.Setting]string{
	report.SetSTARTTLS:          "Offer STARTTLS.",
	report.SetCertificate:       "Let the server use a certificate, with the whole chain of its issuers. Any keeps listeners out; a public one is best. The files are where certbot keeps them: if yours are elsewhere, name those.",
	report.SetVersions:          "Speak TLS 1.2 and 1.3 only.",
	report.SetSuites:            "Drop the suites that are weak, unencrypted or without forward secrecy.",
	report.SetOrder:             "Let nothing put a worse suite before a better one.",
	report.SetGroups:            "Take Diffie-Hellman in prime fields off, and leave the curves to the TLS library.",
	report.SetSignatures:        "Sign no key exchange with SHA-1 or MD5.",
	report.SetCompression:       "Switch TLS compression off.",
	report.SetClientCertificate: "Ask senders for no certificate, or at least do not insist: most have none.",
}

// risks say which mail a setting may stop, and how to take it back.
var risks = map[report.Setting]string{
	report.SetSTARTTLS:    "Nothing: senders without TLS still send unencrypted.",
	report.SetCertificate: "A file that is missing, or that the server may not read, leaves it without a certificate: senders that check do not deliver. Put the old line back then.",
	report.SetVersions:    "A sender that knows nothing newer falls back to clear text, or gives up where TLS is enforced. Look for such sessions in the log first. To take it back, put the old line back.",
	report.SetSuites:      "A sender that knows only these falls back to clear text. There are hardly any left. To take it back, put the old line back.",
	report.SetGroups:      "A sender that knows only these falls back to clear text. There are hardly any left. To take it back, put the old line back.",
	report.SetSignatures:  "A sender that knows nothing newer than TLS 1.1, or SHA-1 only, falls back to clear text. To take it back, put the old value back.",
}

// programs are the mail servers that may be running at a place (software.At).
func programs(p place.Place) (list []software.Program, sure bool) {
	if p.Address == nil && p.Host != nil {
		return software.At(p.Host.Addresses...)
	}
	return software.At(p.Address)
}

// Configure are the steps that change the settings of the mail server, as the rule names them, and
// have it read them.
func Configure(p place.Place) []report.Step {
	list, sure := programs(p)
	steps := before(p, list, sure)
	making := software.Making(list, p.Rule.Settings, p.Needs)
	for _, program := range making {
		steps = append(steps, configure(p, program, sure)...)
	}
	if len(making) == 0 {
		steps = append(steps, report.Step{Who: report.Operator, Kind: report.StepTask, Where: "{host}", Text: p.Finding.FixText})
	}
	return append(steps, look())
}

// configure has one program take the lines and read them. Where the lines name files these are
// looked at first: a server that cannot read them has no TLS for senders that check.
func configure(p place.Place, program software.Program, sure bool) []report.Step {
	var steps []report.Step
	settings := program.Makes(p.Rule.Settings)
	text := program.Write(settings, p.Needs, p.Kept())
	shell := program.Title(sure) + "a shell on {host}"
	if text.Files {
		steps = append(steps, filesFit(p, program, shell))
	}
	step := report.Step{Who: report.Operator, Kind: report.StepConfig, Where: program.Title(sure) + program.Where, Code: text.Lines}
	var said []string
	for _, name := range settings {
		said = append(said, purposes[name])
		step.Risk = cmp.Or(step.Risk, risks[name])
	}
	said = append(said, text.Notes...)
	if slices.Contains(settings, report.SetCertificate) && p.Published() && p.Lineage == "" {
		said = append(said, "Senders that check DANE want the key whose digest is in the TLSA records.")
	}
	step.Text = strings.Join(said, " ")
	reload := program.Reload
	if text.Commands != "" {
		reload = strings.TrimSuffix(text.Commands+"\n"+reload, "\n")
	}
	switch {
	case step.Code == "" && text.Commands == "":
		step.Kind = report.StepTask
	case step.Code == "": // nothing but commands
		step.Kind, step.Where, step.Code = report.StepCommand, shell, reload
		return append(steps, step)
	}
	steps = append(steps, step)
	if reload != "" {
		steps = append(steps, report.Step{Who: report.Operator, Kind: report.StepCommand, Where: shell, Text: "Have it read the new settings.", Code: reload})
	}
	return steps
}

// filesFit sees that the files of the certificate and its key are there for the program.
func filesFit(p place.Place, program software.Program, shell string) report.Step {
	certificate, key := program.Files(p.Kept())
	look := report.Step{Who: report.Operator, Kind: report.StepCommand, Where: shell,
		Text: "See that the files are there and fit each other. Go on only if this prints a date to come and the same key twice.",
		Code: "openssl x509 -in " + certificate + " -noout -enddate -pubkey && openssl pkey -in " + key + " -pubout"}
	if copied := program.Copy(p.Kept()); copied != "" {
		look.Text = "The server may not read what certbot keeps, so it gets copies. " + look.Text
		look.Code = copied + " && " + look.Code
	}
	return look
}

// before looks who would be left behind, where the log can tell.
func before(p place.Place, list []software.Program, sure bool) []report.Step {
	if !slices.Contains(p.Rule.Settings, report.SetVersions) || !sure {
		return nil
	}
	for _, program := range list {
		if program.Log != "" {
			return []report.Step{{Who: report.Operator, Kind: report.StepCommand, Where: program.Title(sure) + "a shell on {host}",
				Text: "See whether anybody still comes with TLS 1.0 or 1.1. Nothing printed of a whole week: nobody does.", Code: program.Log}}
		}
	}
	return nil
}

// look is the last step: see that it worked.
func look() report.Step {
	return report.Step{Who: report.Operator, Kind: report.StepCommand, Text: "See that it worked.", Code: "mxseal probe {host}"}
}

// StopInspection is for a firewall that erases STARTTLS.
func StopInspection(place.Place) []report.Step {
	return []report.Step{
		{Who: report.Operator, Kind: report.StepConfig, Where: "Cisco ASA in front of {host}", Code: "policy-map global_policy\n class inspection_default\n  no inspect esmtp",
			Text: "Switch the inspection of SMTP off. Other makes call it SMTP fixup, mail guard or protocol inspection.", Risk: "Nothing: the mail server behind it checks its protocol itself."},
		look(),
	}
}

// UpdateLibrary is for what only newer software fixes.
func UpdateLibrary(p place.Place) []report.Step {
	return []report.Step{
		{Who: report.Operator, Kind: report.StepCommand, Where: "a shell on {host}", Code: "apt update && apt full-upgrade  # Debian, Ubuntu\ndnf upgrade                      # Fedora, Red Hat",
			Text: p.Finding.FixText + " Then restart the mail server: until then it runs with the old library.", Risk: "A system past its end gets no newer library: move the mail server to one that is maintained."},
		look(),
	}
}
