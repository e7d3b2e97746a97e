package tlsrpt

import (
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Show says where reports about failed TLS go.
func Show(o report.Observed) []view.Section {
	t := o.TLSRPT
	if t == nil {
		return nil
	}
	var facts view.Facts
	facts.Add("Record", strings.Join(t.TXT, "\n"))
	if t.Error != "" {
		facts = append(facts, view.Fact{Label: "Fault", Text: t.Error, Short: true})
	}
	facts.Failed(t.Failure)
	if len(t.RUA) > 0 {
		facts = append(facts, view.Fact{Label: "Reports to", Text: view.Joined(t.RUA), Short: true})
	}
	return []view.Section{{Check: ID, Title: "TLS reporting", Brief: string(t.State), Blocks: []view.Block{facts}}}
}
