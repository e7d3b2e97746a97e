package report

import (
	"maps"
	"slices"
)

// Bare returns a copy of the report without the sentences that its rules and evidence give
// again (checks.Explain): what is worth keeping. The evidence is shared with r.
func (r *Report) Bare() *Report {
	bare := *r
	bare.Forecast = nil
	bare.Findings = slices.Clone(r.Findings)
	for i := range bare.Findings {
		f := &bare.Findings[i]
		f.Title, f.Text, f.FixText, f.Reference, f.Steps = "", "", "", "", nil
		if len(f.Says) > 0 {
			f.Params = maps.Clone(f.Params)
			maps.DeleteFunc(f.Params, func(name, _ string) bool { return f.Says[name].Made() })
		}
	}
	if r.Grade != nil {
		grade := *r.Grade
		grade.Why, grade.First = "", nil
		bare.Grade = &grade
	}
	return &bare
}
