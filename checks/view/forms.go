package view

import (
	"strings"

	"mxseal/checks/records"
	"mxseal/checks/report"
)

// Form is the change of a step in the words of one tool.
type Form struct {
	Syntax records.Syntax
	Name   string // of the tool
	Text   string // ready to be copied
}

// toolNames are how the makers of the tools write them.
var toolNames = map[records.Syntax]string{records.Nsupdate: "nsupdate", records.DNSControl: "DNSControl", records.OctoDNS: "OctoDNS", records.Terraform: "Terraform"}

// Forms returns the change of a step that publishes or deletes records in the syntaxes of those who
// do not edit zone files. A step whose records still have a gap to fill in has none, and a tool that
// has no word for a record is left out.
func Forms(s report.Step) []Form {
	if s.Kind != report.StepDNS {
		return nil
	}
	list, err := records.Parse(s.Code)
	if err != nil || len(list) == 0 {
		return nil
	}
	var forms []Form
	for _, syntax := range records.Syntaxes {
		name := toolNames[syntax]
		if name == "" {
			continue // the zone file is the step itself
		}
		if text, err := records.Change(records.Do(s.Do), syntax, "", list); err == nil && text != "" {
			forms = append(forms, Form{syntax, name, text})
		}
	}
	return forms
}

// ToCopy is what a step has to copy, its records in a syntax where that has words for them.
func ToCopy(s report.Step, syntax records.Syntax) string {
	for _, f := range Forms(s) {
		if f.Syntax == syntax {
			return strings.TrimSuffix(f.Text, "\n")
		}
	}
	return s.Code
}
