package view

import (
	"testing"

	"mxseal/checks/report"
)

func TestStepsSayForWhom(t *testing.T) {
	for want, who := range map[string][]string{
		"1 step for you":                    {"owner"},
		"3 steps for you and the registrar": {"owner", "registrar", "owner"},
		"4 steps for the provider, you, the operator of the mail server and somebody of tomorrow": {"provider", "owner", "server", "somebody of tomorrow"},
	} {
		var steps []report.Step
		for _, w := range who {
			steps = append(steps, report.Step{Who: report.Who(w)})
		}
		if got := Work(steps); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
