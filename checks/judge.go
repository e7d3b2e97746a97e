package checks

import (
	"mxseal/checks/grade"
	"mxseal/checks/report"
)

// Judge replaces the findings, the matrix, the badges and the grade of r by those that the
// present rules give for its evidence. It asks nobody: a stored report can be judged again.
func Judge(r *report.Report) {
	r.Rules = report.RulesSet
	r.Findings = judgeInput(r)
	for _, c := range All {
		r.Findings = append(r.Findings, c.Judge(r)...)
	}
	result := grade.Of(r.Findings)
	if r.Interrupted != "" || len(r.Faults) > 0 {
		result.Grade.Provisional = true
		if result.Grade.Letter == "A+" {
			result.Grade.Letter = "A"
		}
	}
	r.Grade, r.Matrix, r.Badges = &result.Grade, result.Matrix, result.Badges
	Explain(r)
}

// Explain fills the sentences of every finding from the rules that are in force now.
func Explain(r *report.Report) {
	rules := make(map[string]report.Rule)
	for _, rule := range InputRules {
		rules[rule.ID] = rule
	}
	for _, c := range All {
		for _, rule := range c.Rules {
			rules[rule.ID] = rule
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if rule, known := rules[f.Rule]; known {
			f.Explain(rule, r.Domain)
		}
	}
}
