package view

import (
	"slices"

	"mxseal/checks/report"
)

// Comparison is what differs between two reports of a domain.
type Comparison struct {
	Before, After Report
	Differences   []Difference // of the evidence, and the letter
	Came, Went    Report       // the later and the earlier report with those findings that the other does not have
}

// Compare holds a report against an earlier one, which it has as its past.
func Compare(before, after Report) Comparison {
	return Comparison{before, after, after.Differences(), without(after, before), without(before, after)}
}

// without is a report with those of its findings that another does not have.
func without(r, other Report) Report {
	rest := *r.Report
	rest.Findings = nil
	for _, f := range r.Findings {
		if !slices.ContainsFunc(other.Findings, func(g report.Finding) bool {
			return f.Rule == g.Rule && f.Verdict == g.Verdict && f.Host == g.Host && f.Address == g.Address
		}) {
			rest.Findings = append(rest.Findings, f)
		}
	}
	r.Report = &rest
	return r
}
