// Package fix says what to do about what was found, ready to be copied: the record with the domain's
// own names and digests, the policy file for its mail servers, the configuration of the mail server
// that was recognised, the letter to the provider.
//
// The row of a rule names its fix (report.Rule.Fix). Actions groups findings by that, without a
// sentence: so much the grade has to know for its plan. Steps, First and Why make the sentences
// afterwards. All of it is pure. Steps come in the order that breaks nothing: a digest before its
// key, a file before its id, a test before the promise.
//
// What every fix is called and asks stands in fixes.go, its steps in the room of what is changed:
// server (settings, certificates, TLSA records), zone (DNSSEC), policy (MTA-STS), and here what is
// neither.
package fix

import (
	"mxseal/checks/fix/place"
	"mxseal/checks/report"
)

// Steps are what to do about a finding of a report whose sentences are filled in
// (Finding.Explain); none where there is nothing to be done. What the findings of one mail server
// want of an option of its configuration is one line, the same in the steps of each.
func Steps(r *report.Report, rules report.Catalogue, f report.Finding) []report.Step {
	if !rules.Fixable(f) {
		return nil
	}
	p := place.Of(r, rules, f).WithNeeds()
	steps := stepsAt(p)
	p.Fill(steps)
	return steps
}

func stepsAt(p place.Place) []report.Step {
	way := wayOf(p.Rule)
	switch {
	case way.steps == nil, p.Finding.Host != "" && !place.Plain(p.Finding.Host):
		return p.AsSaid()
	case p.Hosted() && (way.who == operator || way.who == zoneOwner && !p.OwnZone()):
		return byProvider(p)
	}
	return way.steps(p)
}
