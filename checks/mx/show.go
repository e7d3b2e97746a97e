package mx

import (
	"fmt"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Show says which mail servers the DNS names, and what stands beside them.
func Show(o report.Observed) []view.Section {
	var list []view.Section
	if m := o.MX; m != nil {
		list = append(list, view.Section{Check: ID, Title: "MX records", Blocks: records(o)})
		if text := neighbours(m.Neighbours); text != "" {
			list = append(list, view.Section{Check: ID, Title: "Neighbouring records, not graded", Blocks: []view.Block{view.Code{Text: text}}})
		}
	}
	for _, h := range o.Hosts {
		var facts view.Facts
		if o.MX != nil {
			facts.Add("Preference", fmt.Sprint(h.Preference))
		}
		facts.Add("Alias of", h.Canonical)
		facts.Add("Not tested", view.NotTested(h.NotTested))
		facts.Failed(h.Failure)
		if len(facts) > 0 {
			list = append(list, view.Section{Check: ID, Host: h.Name, Title: "MX record", Blocks: []view.Block{facts}})
		}
	}
	return list
}

func records(o report.Observed) (blocks []view.Block) {
	var lines []string
	for _, m := range o.MX.Records {
		line := fmt.Sprintf("%s MX %d %s", o.Domain, m.Preference, m.Host)
		if m.Skipped != "" {
			line += "  (not tested: " + string(m.Skipped) + ")"
		}
		lines = append(lines, line)
	}
	if len(lines) > 0 {
		blocks = append(blocks, view.Code{Text: strings.Join(lines, "\n")})
	}
	var facts view.Facts
	facts.Failed(o.MX.Failure)
	if len(facts) > 0 {
		blocks = append(blocks, facts)
	}
	return blocks
}

func neighbours(n report.Neighbours) string {
	var lines []string
	for _, s := range append([]string{n.SPF, n.DMARC}, n.CAA...) {
		if s != "" {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, "\n")
}
